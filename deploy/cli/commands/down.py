"""`replenish down`: stops the stack."""

import os
import signal
import time

import typer

from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError

POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 120


def register(app: typer.Typer) -> None:
    app.command()(down)


def down(home: HomeOption = None) -> None:
    """Stop what `up` started; data is kept."""
    place = home_of(home)
    if not place.is_owned():
        typer.echo(f"no stack is running in {place.folder}")
        return
    os.kill(place.read_state()["supervisor_pid"], signal.SIGTERM)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while place.is_owned():
        if time.monotonic() > deadline:
            raise StackError(f"still stopping after {TIMEOUT_SECONDS} s; see {place.logs / 'supervisor.log'}")
        time.sleep(POLL_SECONDS)
    typer.echo("stopped")
