"""`replenish dead-letters`: shows and retries dead letters and deferred records."""

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

from deploy.checks.failed_records import (
    FailedRecord,
    as_json,
    find_failed_record,
    list_failed_records,
    parse_record_id,
    retry,
)
from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError
from deploy.local.home import Home
from deploy.local.names import for_people, for_python

#: Lines may wrap on a narrow terminal, but ids are never truncated.
WIDTH = 140
CONNECT_SECONDS = 10
NO_LIMIT = 2**62
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

Answer = TypeVar("Answer")
ServiceOption = Annotated[str | None, typer.Option("--service", "-s", help="Only records of this service.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]

group = typer.Typer(no_args_is_help=True, help="Show and retry dead letters and deferred records.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="dead-letters")


@group.command(name="list")
def list_(
    home: HomeOption = None,
    service: ServiceOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Number of records, oldest first.")] = 50,
    json_: JsonOption = False,
) -> None:
    """List dead letters and deferred records, oldest first."""
    wanted = for_python(service) if service else None
    found = _with(_reader(home_of(home)), lambda database: list_failed_records(database, wanted, limit))
    if json_:
        typer.echo(json.dumps([as_json(record) for record in found], indent=1))
    elif found:
        _show_all(found)
    else:
        typer.echo("no dead letters or deferred records")


@group.command()
def show(
    text: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it, e.g. consumption/dead-letter/12.")],
    home: HomeOption = None,
    json_: JsonOption = False,
) -> None:
    """Show one record: position, reason, headers, and its bytes as text."""
    record_id = parse_record_id(text)
    record = _with(_reader(home_of(home)), lambda database: find_failed_record(database, record_id))
    if json_:
        typer.echo(json.dumps(as_json(record), indent=1))
    else:
        _show_one(record)


@group.command(name="retry")
def retry_(
    records: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="As `list` shows them.")] = None,
    home: HomeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All records.")] = False,
    service: ServiceOption = None,
) -> None:
    """Retry records after the missing event has arrived or the fault was fixed."""
    if bool(records) == everything or (service and not everything):
        raise StackError("specify ids as `replenish dead-letters list` shows them, or --all [--service S]")
    place, ids = home_of(home), [parse_record_id(record) for record in records or []]
    wanted = for_python(service) if service else None

    async def find(database: asyncpg.Connection) -> list[FailedRecord]:
        if everything:
            return await list_failed_records(database, wanted, NO_LIMIT)
        return [await find_failed_record(database, record_id) for record_id in dict.fromkeys(ids)]

    found = _with(_reader(place), find)
    if not found:
        typer.echo("no dead letters or deferred records")
    for owner in sorted({record.service for record in found}):
        _retry(place, owner, [record for record in found if record.service == owner])


def _retry(home: Home, service: str, found: Sequence[FailedRecord]) -> None:
    """Retry records of one service, with its role; name those that are blocked by an earlier record of their key."""
    ids = [record.id for record in found]
    retried = _with(_secret(home, service), lambda database: retry(database, ids))
    gone = f", {len(ids) - retried} no longer exist" if retried < len(ids) else ""
    typer.echo(f"{for_people(service)}: {retried} scheduled for retry{gone}")
    for record in found:
        if record.blocked_by and record.blocked_by not in ids:
            typer.echo(f"{record.id} is blocked by {record.blocked_by}: retry that one")


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


def _show_all(found: Sequence[FailedRecord]) -> None:
    console = Console(highlight=False)
    console.width = max(WIDTH, console.width)
    table = Table(box=None, pad_edge=False)
    for title in ("id", "place", "key", "age", "reason"):
        table.add_column(title, no_wrap=title in ("id", "age"), overflow="fold")
    for record in found:
        words = (str(record.id), record.place, record.key or "", age(record.age_s), _why(record))
        table.add_row(*(Text(printable(word)) for word in words))
    console.print(table)
    if len(found) < found[0].total:
        typer.echo(f"... and {found[0].total - len(found)} newer; --limit shows more")


def _show_one(record: FailedRecord) -> None:
    size = "none" if record.value is None else f"{record.size} bytes"
    lines = {
        "id": str(record.id),
        "place": record.place,
        "key": record.key or "",
        "age": age(record.age_s),
        "reason": _why(record),
        "retries": str(record.attempts) if record.kind == "deferred" else "",
        "value": size,
    }
    for title, words in lines.items():
        if words:
            typer.echo(f"{title + ':':<13}{printable(words)}")
    for name, value in record.shown_headers:
        typer.echo(f"{'header:':<13}{printable(name)}: {printable(value or '')}")
    if record.value:
        typer.echo(printable(record.value.decode(errors="backslashreplace"), keep="\n\t"))


def _why(record: FailedRecord) -> str:
    if record.blocked_by:
        return f"{record.reason} ({record.blocked_by})"
    return f"{record.reason}; waits for {record.waits_for}" if record.waits_for else record.reason


def age(seconds: float) -> str:
    """Return a duration in its largest unit."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "0 s"


def printable(text: str, keep: str = "") -> str:
    """Escape control characters of foreign text, so that it cannot control the terminal."""
    return "".join(one if one.isprintable() or one in keep else one.encode("unicode_escape").decode() for one in text)
