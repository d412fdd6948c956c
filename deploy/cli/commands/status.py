"""`replenish status`: addresses and condition of all processes."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError
from deploy.local.health import report
from deploy.local.home import Home

#: Lines may wrap on a narrow terminal, but addresses are never truncated.
WIDTH = 140
COUNTS = ("lag", "outbox", "deferred", "dead_letters")


def register(app: typer.Typer) -> None:
    app.command()(status)


def status(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show broker, database, and each process with address, restarts and lag; exit 1 if not all are ready."""
    state = current(home_of(home))
    if as_json:
        typer.echo(json.dumps(state, indent=1))
    else:
        _show(state)
    if state["condition"] != "ready" or not all(map(_is_healthy, state["processes"])):
        raise typer.Exit(1)


def current(home: Home) -> dict[str, Any]:
    """Return the state file with each service's own status under `status`."""
    state = home.read_state()
    if not state:
        raise StackError(f"no stack was ever started in {home.folder}")
    if not home.is_owned():
        state["condition"] = "stopped" if state["condition"] == "stopped" else "dead"
        for process in state["processes"]:
            process.update(condition="stopped", pid=None)
    ready = [process for process in state["processes"] if process["url"] and process["condition"] == "ready"]
    with ThreadPoolExecutor(max_workers=8) as threads:
        for process, answer in zip(ready, threads.map(lambda process: report(process["url"]), ready), strict=True):
            process["status"] = answer
    return state


def _show(state: dict[str, Any]) -> None:
    console = Console(highlight=False, width=WIDTH)
    backends = state["backends"]
    console.print(f"{state['condition']} in {state['home']} since {state['started_at']}")
    console.print(f"broker {backends['kafka_url']}, database {backends['database']} ({backends['kind']})")
    table = Table(box=None, pad_edge=False)
    for title in ("process", "condition", "pid", "restarts", *COUNTS, "address"):
        table.add_column(title.replace("_", " "), justify="right" if title in ("pid", "restarts", *COUNTS) else "left")
    for process in state["processes"]:
        status = process.get("status", {})
        table.add_row(
            process["name"],
            _condition(process),
            str(process["pid"] or ""),
            str(process["restarts"]),
            *(_count(status.get(name)) for name in COUNTS),
            process["url"] or "",
        )
    console.print(table)


def _condition(process: dict[str, Any]) -> str:
    status = process.get("status", {})
    why = process["trouble"] or status.get("why_not") or status.get("error") or ""
    return f"{process['condition']}: {why}" if why else str(process["condition"])


def _is_healthy(process: dict[str, Any]) -> bool:
    return process["condition"] == "ready" and bool(process.get("status", {"ready": True}).get("ready"))


def _count(value: Any) -> str:
    """Return a number; values by topic or partition are summed."""
    if isinstance(value, dict):
        numbers = [_count(one) for one in value.values()]
        return str(sum(int(number) for number in numbers if number))
    return str(value) if isinstance(value, int) else ""
