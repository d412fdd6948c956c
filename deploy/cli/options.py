"""Command-line options shared by several commands."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.home import Home, default_home

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of the stack; $REPLENISH_HOME, else .replenish here.")
]


def home_of(chosen: Path | None) -> Home:
    return Home(chosen or default_home())
