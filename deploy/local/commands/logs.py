"""`replenish logs`."""

import asyncio
import contextlib
from typing import Annotated

import typer

from deploy.local.errors import StackError
from deploy.local.following import Follower
from deploy.local.names import for_people
from deploy.local.options import HomeOption, home_of


def register(app: typer.Typer) -> None:
    app.command()(logs)


def logs(
    name: Annotated[str, typer.Argument(help="A service or instance, e.g. consumption or consumption-1.")] = "",
    home: HomeOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines of each log.")] = 20,
) -> None:
    """Show the logs of all processes, or of one service."""
    place = home_of(home)
    if not list(place.logs.glob(f"{for_people(name)}*.log")):
        raise StackError(f"no log of {name or 'anything'} in {place.logs}")
    follower = Follower(place.logs, only=for_people(name))
    follower.show_last(lines)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(follower.follow())
