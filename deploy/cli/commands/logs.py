"""`replenish logs`: shows or follows the logs."""

import asyncio
import contextlib
from typing import Annotated

import typer

from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError
from deploy.local.following import Follower
from deploy.local.names import for_people


def register(app: typer.Typer) -> None:
    app.command()(logs)


def logs(
    name: Annotated[str, typer.Argument(help="A service or instance, e.g. kafka, consumption or consumption-1.")] = "",
    home: HomeOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep showing new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of last lines per log.")] = 20,
) -> None:
    """Show the logs of all processes, or of one service."""
    place = home_of(home)
    follower = Follower(place, only=for_people(name))
    if not follower.logs():
        raise StackError(f"no log of {name or 'any process'} in {place.folder}")
    follower.show_last(lines)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(follower.follow())
