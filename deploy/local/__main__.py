"""`python -m deploy.local` is the command `replenish`."""

from deploy.local.cli import app

app()
