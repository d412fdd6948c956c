"""The demo's result: figures of the judge, of the simulated households and of `replenish check`."""

import asyncio
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.checks import Findings
from deploy.demo.year import World
from deploy.local.errors import StackError
from deploy.local.settings import ROOT

#: The judge's figures, by their names in demo.json.
JUDGE_FIGURES = {
    "events_in": "events_in",
    "events_applied": "events_applied",
    "duplicates_dropped": "duplicates_dropped",
    "parked": "dead_letter",
    "held": "deferred",
    "crossings": "crossings",
    "orders_placed": "orders_placed",
    "orders_delivered": "orders_delivered",
    "mails": "mails",
    "ledger_transactions": "ledger_transactions",
    "ledger_entries_sum": "ledger_entries_sum",
    "relay_repeats": "relay_repeats",
}


@dataclass(frozen=True)
class DemoResult:
    """Everything the demo reports; `ok` decides its exit status."""

    figures: Mapping[str, Any]
    anomalies: Sequence[str]

    @property
    def ok(self) -> bool:
        figures = self.figures
        consistent = not figures["lost"] and not figures["doubled"] and bool(figures["books_balanced"])
        return consistent and not self.anomalies

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**self.figures, "anomalies": list(self.anomalies)}, indent=1) + "\n")

    def show(self, console: Console) -> None:
        table = Table(title="result", title_justify="left", box=None, pad_edge=False, show_header=False)
        table.add_column(justify="left")
        table.add_column(justify="right")
        for name, value in self.figures.items():
            for label, text in _rows(name, value):
                table.add_row(label.replace("_", " "), text)
        console.print(table)
        for line in self.anomalies[:30]:
            console.print(f"[red]{line}[/]", markup=True, highlight=False)
        verdict = "[green]nothing lost, nothing duplicated, all accounts balance[/]"
        console.print(verdict if self.ok else "[bold red]the result is NOT consistent[/]")


def _rows(name: str, value: Any) -> list[tuple[str, str]]:
    """Return the table rows of a figure; figures by flow have a row each."""
    if not isinstance(value, Mapping):
        return [(name, str(value))]
    if any(isinstance(part, Mapping) for part in value.values()):
        return [row for part, figures in value.items() for row in _rows(f"{name}: {part}", figures)]
    return [(name, ", ".join(f"{count} {part}".replace("_", " ") for part, count in value.items()))]


async def run_judge(evidence: Path, *, kafka_url: str, database_url: str, now: datetime) -> dict[str, Any]:
    """Run the judge as a separate process, which shares no code with the services, and return its verdict."""
    command = ["-m", "tests.judge", "--inputs", str(evidence), "--kafka", kafka_url]
    command += ["--database", database_url, "--now", now.isoformat(), "--settle", "30", "--json"]
    judge = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, error_output = await judge.communicate()
    verdict = evidence / "verdict.json"
    if judge.returncode not in {0, 1} or not verdict.exists():
        raise StackError(f"the judge failed: {error_output.decode().strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(verdict.read_text())
    return found


def household_figures(world: World) -> dict[str, Any]:
    """Return figures of the simulated households, independent of the services' state."""
    cover = [days for simulation in world.slots.values() for days in simulation.cover_days]
    senders = world.senders.values()
    return {
        "stockout_days": sum(simulation.stockout_days for simulation in world.slots.values()),
        "days_of_cover_at_arrival": round(statistics.mean(cover), 2) if cover else None,
        "reports_sent_twice": sum(sender.doubled for sender in senders),
        "reports_late": sum(sender.late for sender in senders),
        "reboots": sum(sender.reboots for sender in senders),
    }


def build_result(
    verdict: Mapping[str, Any], checked: Findings, rest: Mapping[str, Any], more: Sequence[str] = ()
) -> DemoResult:
    """Combine all results; anomalies of the verdict and violations of the check make the report not ok."""
    judged = {name: verdict["figures"].get(known, 0) for name, known in JUDGE_FIGURES.items()}
    judged |= {name: verdict[name] for name in ("lost", "doubled", "books_balanced")}
    anomalies = [f"{one['kind']}: {one['where']}: {one['what']} {one['stopped_at']}" for one in verdict["anomalies"]]
    anomalies += [f"check: {one.rule}: {one.subject}: {one.problem}" for one in checked.wrong]
    anomalies += more
    if not rest["levels_as_in_life"]:
        anomalies.append(f"life: {rest['levels_that_differ']} levels differ from the true contents")
    return DemoResult({**judged, "check": "ok" if not checked.wrong else len(checked.wrong), **rest}, anomalies)
