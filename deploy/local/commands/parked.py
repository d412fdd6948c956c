"""`replenish parked`: records that services put aside, what is wrong with them, and trying them again."""

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

from deploy.local.errors import StackError
from deploy.local.home import Home
from deploy.local.names import for_people, for_python
from deploy.local.options import HomeOption, home_of
from deploy.local.troubles import Trouble, as_json, find_trouble, list_troubles, read_name, retry

#: A narrow terminal may break the lines; a cut id helps nobody.
WIDTH = 140
CONNECT_SECONDS = 10
EVERYTHING = 2**62
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

Answer = TypeVar("Answer")
ServiceOption = Annotated[str | None, typer.Option("--service", "-s", help="Only what this service put aside.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]

group = typer.Typer(no_args_is_help=True, help="Show records that services put aside, and try them again.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="parked")


@group.command(name="list")
def list_(
    home: HomeOption = None,
    service: ServiceOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the oldest first.")] = 50,
    json_: JsonOption = False,
) -> None:
    """List what is parked (nobody could use it) and held (it waits for something), the oldest first."""
    wanted = for_python(service) if service else None
    found = _with(_reader(home_of(home)), lambda database: list_troubles(database, wanted, limit))
    if json_:
        typer.echo(json.dumps([as_json(trouble) for trouble in found], indent=1))
    elif found:
        _show_all(found)
    else:
        typer.echo("nothing is parked or held")


@group.command()
def show(
    record: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it, e.g. consumption/parked/12.")],
    home: HomeOption = None,
    json_: JsonOption = False,
) -> None:
    """Show one record: where it was, why it was put aside, and its bytes as text."""
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
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    service: ServiceOption = None,
) -> None:
    """Let the services try records again: after what was missing has come, or what was broken is mended."""
    if bool(records) == everything or (service and not everything):
        raise StackError("say which: ids as `replenish parked list` shows them, or --all [--service S]")
    place, names = home_of(home), [read_name(record) for record in records or []]
    wanted = for_python(service) if service else None

    async def find(database: asyncpg.Connection) -> list[Trouble]:
        if everything:
            return await list_troubles(database, wanted, EVERYTHING)
        return [await find_trouble(database, name) for name in dict.fromkeys(names)]

    found = _with(_reader(place), find)
    if not found:
        typer.echo("nothing is parked or held")
    for owner in sorted({trouble.service for trouble in found}):
        _retry(place, owner, [trouble for trouble in found if trouble.service == owner])


def _retry(home: Home, service: str, found: Sequence[Trouble]) -> None:
    """Retry what one service put aside, as that service; name what goes on only after another of its key."""
    names = [trouble.name for trouble in found]
    again = _with(_secret(home, service), lambda database: retry(database, names))
    gone = f", {len(names) - again} no longer there" if again < len(names) else ""
    typer.echo(f"{for_people(service)}: {again} to be tried again{gone}")
    for trouble in found:
        if trouble.before_it and trouble.before_it not in names:
            typer.echo(f"{trouble.name} waits behind {trouble.before_it}: retry that one")


def _reader(home: Home) -> str:
    """Return the read-only url: of the environment, else of the stack in `home`."""
    return os.environ.get("CHECK_DATABASE_URL") or _secret(home, "check")


def _secret(home: Home, owner: str) -> str:
    place = home.secrets / owner / "database_url"
    if not place.exists():
        raise StackError(f"no stack was started in {home.folder}: {place} is missing")
    return place.read_text()


def _with(url: str, do: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
    """Do something with a connection; what goes wrong with the database is one line."""

    async def connected() -> Answer:
        database = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
        try:
            return await do(database)
        finally:
            await database.close()

    try:
        return asyncio.run(connected())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as trouble:
        words = str(trouble).splitlines()[0] if str(trouble) else "no answer"
        raise StackError(f"the database: {type(trouble).__name__}: {words}") from None


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
        typer.echo(f"... and {found[0].among - len(found)} younger ones; --limit shows more")


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
    """Return how long that is in its largest unit."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "0 s"


def printable(text: str, keep: str = "") -> str:
    """Return foreign text so that it cannot move the cursor or colour a terminal."""
    return "".join(one if one.isprintable() or one in keep else one.encode("unicode_escape").decode() for one in text)
