"""The command line `replenish`; every module in `commands/` adds one command or group."""

import importlib
import pkgutil
import sys
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from deploy.cli import commands
from deploy.local.errors import StackError


class OneLineErrors(TyperGroup):
    """Prints a StackError as one line; tracebacks are left to bugs."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StackError as error:
            Console(stderr=True).print(f"[bold red]replenish:[/] {error}", highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    name="replenish",
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Run replenish on this machine and operate it."""  # without a callback, typer drops the name of a single command


def _add_commands(arguments: list[str]) -> None:
    """Import only the module of the requested command, or all of them if there is none (e.g. --help)."""
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    requested = [word.replace("-", "_") for word in arguments[:1]]
    for name in [name for name in requested if name in names] or names:
        importlib.import_module(f"{commands.__name__}.{name}").register(app)


_add_commands(sys.argv[1:])
