"""Runs the command `replenish` as `python -m deploy.local`."""

from deploy.local.cli import app

app()
