"""`replenish env`: addresses for the shell."""

import shlex

import typer

from deploy.cli.commands.token import operator_token
from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError


def register(app: typer.Typer) -> None:
    app.command()(env)


def env(home: HomeOption = None) -> None:
    """Print all addresses as shell exports: eval "$(replenish env)"."""
    place = home_of(home)
    state = place.read_state()
    if not place.is_owned():
        raise StackError(f"no stack is running in {place.folder}; start it with `replenish up`")
    addresses = {name.upper(): url for name, url in state.get("services", {}).items()}
    known = {**addresses, "KAFKA": state.get("backends", {}).get("kafka_url", ""), "TOKEN": operator_token(place)}
    for name, value in known.items():
        typer.echo(f"export {name.replace('-', '_')}={shlex.quote(str(value))}")
