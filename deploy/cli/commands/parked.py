"""`replenish parked`: shows and retries dead letters (parked) and deferred records (held)."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import asyncpg
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.checks.failed_records import Trouble, as_json, find_trouble, list_troubles, read_name, retry
from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError
from deploy.local.home import Home
from deploy.local.names import for_people, for_python

#: Lines may wrap on a narrow terminal, but ids are never truncated.
WIDTH = 140
CONNECT_SECONDS = 10
EVERYTHING = 2**62
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

Answer = TypeVar("Answer")
ServiceOption = Annotated[str | None, typer.Option("--service", "-s", help="Only records of this service.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]

group = typer.Typer(no_args_is_help=True, help="Show and retry dead letters and deferred records.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="parked")


@group.command(name="list")
def list_(
    home: HomeOption = None,
    service: ServiceOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Number of records, oldest first.")] = 50,
    json_: JsonOption = False,
) -> None:
    """List dead letters (parked) and deferred records (held), oldest first."""
    wanted = for_python(service) if service else None
    found = _with(_reader(home_of(home)), lambda database: list_troubles(database, wanted, limit))
    if json_:
        typer.echo(json.dumps([as_json(trouble) for trouble in found], indent=1))
    elif found:
        _show_all(found)
    else:
        typer.echo("no parked or held records")


@group.command()
def show(
    record: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it, e.g. consumption/parked/12.")],
    home: HomeOption = None,
    json_: JsonOption = False,
) -> None:
    """Show one record: position, reason, and its bytes as text."""
    name = read_name(record)
    trouble = _with(_reader(home_of(home)), lambda database: find_trouble(database, name))
    if json_:
        typer.echo(json.dumps(as_json(trouble), indent=1))
    else:
        _show_one(trouble)


@group.command(name="retry")
def retry_(
    records: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="As `list` shows them.")] = None,
    home: HomeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All records.")] = False,
    service: ServiceOption = None,
) -> None:
    """Retry records after the missing event has arrived or the fault was fixed."""
    if bool(records) == everything or (service and not everything):
        raise StackError("specify ids as `replenish parked list` shows them, or --all [--service S]")
    place, names = home_of(home), [read_name(record) for record in records or []]
    wanted = for_python(service) if service else None

    async def find(database: asyncpg.Connection) -> list[Trouble]:
        if everything:
            return await list_troubles(database, wanted, EVERYTHING)
        return [await find_trouble(database, name) for name in dict.fromkeys(names)]

    found = _with(_reader(place), find)
    if not found:
        typer.echo("no parked or held records")
    for owner in sorted({trouble.service for trouble in found}):
        _retry(place, owner, [trouble for trouble in found if trouble.service == owner])


def _retry(home: Home, service: str, found: Sequence[Trouble]) -> None:
    """Retry records of one service, with its role; name those that are blocked by an earlier record of their key."""
    names = [trouble.name for trouble in found]
    again = _with(_secret(home, service), lambda database: retry(database, names))
    gone = f", {len(names) - again} no longer exist" if again < len(names) else ""
    typer.echo(f"{for_people(service)}: {again} scheduled for retry{gone}")
    for trouble in found:
        if trouble.before_it and trouble.before_it not in names:
            typer.echo(f"{trouble.name} is blocked by {trouble.before_it}: retry that one")


def _reader(home: Home) -> str:
    """Return the read-only URL, from the environment, else of the stack in `home`."""
    return os.environ.get("CHECK_DATABASE_URL") or _secret(home, "check")


def _secret(home: Home, owner: str) -> str:
    place = home.secrets / owner / "database_url"
    if not place.exists():
        raise StackError(f"no stack was started in {home.folder}: {place} is missing")
    return place.read_text()


def _with(url: str, do: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
    """Call `do` with a connection; database errors become a StackError."""

    async def connected() -> Answer:
        database = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
        try:
            return await do(database)
        finally:
            await database.close()

    try:
        return asyncio.run(connected())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        words = str(error).splitlines()[0] if str(error) else "no response"
        raise StackError(f"database error: {type(error).__name__}: {words}") from None


def _show_all(found: Sequence[Trouble]) -> None:
    console = Console(highlight=False)
    console.width = max(WIDTH, console.width)
    table = Table(box=None, pad_edge=False)
    for title in ("id", "place", "key", "age", "reason"):
        table.add_column(title, no_wrap=title in ("id", "age"), overflow="fold")
    for trouble in found:
        words = (str(trouble.name), trouble.place, trouble.key or "", age(trouble.age_s), _why(trouble))
        table.add_row(*(Text(printable(word)) for word in words))
    console.print(table)
    if len(found) < found[0].among:
        typer.echo(f"... and {found[0].among - len(found)} newer; --limit shows more")


def _show_one(trouble: Trouble) -> None:
    size = "none" if trouble.value is None else f"{trouble.size} bytes"
    lines = {
        "id": str(trouble.name),
        "place": trouble.place,
        "key": trouble.key or "",
        "age": age(trouble.age_s),
        "reason": _why(trouble),
        "tried again": f"{trouble.attempts} times" if trouble.kind == "held" else "",
        "value": size,
    }
    for title, words in lines.items():
        if words:
            typer.echo(f"{title + ':':<13}{printable(words)}")
    if trouble.value:
        typer.echo(printable(trouble.value.decode(errors="backslashreplace"), keep="\n\t"))


def _why(trouble: Trouble) -> str:
    if trouble.before_it:
        return f"{trouble.reason} ({trouble.before_it})"
    return f"{trouble.reason}; waits for {trouble.waits_for}" if trouble.waits_for else trouble.reason


def age(seconds: float) -> str:
    """Return a duration in its largest unit."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "0 s"


def printable(text: str, keep: str = "") -> str:
    """Escape control characters of foreign text, so that it cannot control the terminal."""
    return "".join(one if one.isprintable() or one in keep else one.encode("unicode_escape").decode() for one in text)
