"""Runs the command `replenish` as `python -m deploy.local`."""

from deploy.cli.app import app

app()
