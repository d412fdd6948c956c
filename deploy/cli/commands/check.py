"""`replenish check`: verifies the invariants between log and tables."""

import asyncio
import json
import os
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from deploy.checks import Findings, run_checks
from deploy.checks.findings import Finding
from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError
from deploy.local.home import Home

SHOWN = 50


def register(app: typer.Typer) -> None:
    app.command()(check)


def check(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all results as JSON.")] = False,
) -> None:
    """Check tables and topics, also while everything runs; exit 1 if an invariant is violated."""
    database_url, kafka_url = where(home_of(home))
    try:
        findings = asyncio.run(run_checks(database_url, kafka_url))
    except (OSError, asyncpg.PostgresConnectionError, KafkaError) as error:
        raise StackError(f"cannot check: {type(error).__name__}: {error}") from None
    if as_json:
        typer.echo(json.dumps(findings.as_json(), indent=1))
    else:
        show(findings, Console(highlight=False))
    if findings.wrong:
        raise typer.Exit(1)


def where(home: Home) -> tuple[str, str]:
    """Return the read-only database URL and the broker, from the environment, else of the stack in `home`."""
    state = home.read_state()
    kafka_url = os.environ.get("KAFKA_URL") or state.get("backends", {}).get("kafka_url")
    database_url = os.environ.get("CHECK_DATABASE_URL") or home.find_secret("check", "database_url")
    if not kafka_url and not database_url:
        raise StackError(f"no stack was started in {home.folder}; start one, or set KAFKA_URL and CHECK_DATABASE_URL")
    if not kafka_url:
        raise StackError(f"the broker of the stack in {home.folder} is unknown; start the stack, or set KAFKA_URL")
    if not database_url:
        missing = "secrets/check/database_url, the URL of the read-only role"
        raise StackError(f"{home.folder} has no {missing}; start the stack there, or set CHECK_DATABASE_URL")
    return database_url, kafka_url


def show(findings: Findings, console: Console) -> None:
    """Print violations, notes and counts."""
    _list(console, "[bold red]violation[/]", findings.wrong)
    _list(console, "[yellow]needs attention[/]", findings.notes)
    figures = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(findings.figures.items()))
    console.print(f"checked: {figures}")
    if findings.wrong:
        console.print(f"[bold red]{len(findings.wrong)} invariants are violated[/]")
    else:
        console.print("[green]all invariants hold, no event is missing[/]")


def _list(console: Console, title: str, found: list[Finding]) -> None:
    if not found:
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    for one in found[:SHOWN]:
        table.add_row(one.rule, one.subject, one.problem)
    console.print(table)
    if len(found) > SHOWN:
        console.print(f"... and {len(found) - SHOWN} more; --json shows all")
