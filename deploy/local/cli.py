"""The command `replenish`, the operators' door; every file in `commands/` adds to it."""

import importlib
import pkgutil
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from deploy.local import commands
from deploy.local.errors import StackError


class OneLineErrors(TyperGroup):
    """Shows what went wrong outside our code as one line; a traceback is for bugs."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StackError as error:
            Console(stderr=True).print(f"[bold red]replenish:[/] {error}", highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    name="replenish",
    help="Runs replenish on this machine and looks after it.",
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _found in sorted(pkgutil.iter_modules(commands.__path__), key=lambda module: module.name):
    importlib.import_module(f"{commands.__name__}.{_found.name}").register(app)
