"""`python -m tests.bench`: runs all benchmarks, prints goals and figures, writes out/bench.json.

A full run takes about twelve minutes on two cores and needs an otherwise idle machine. `--smoke` checks in less than a
minute that everything runs and that the results are correct; its figures mean nothing.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from deploy.local.settings import ROOT
from tests.bench.comparison import Say, compare
from tests.bench.gauge import machine, versions
from tests.bench.goals import judge
from tests.bench.living import Sizes, live
from tests.bench.load import Load
from tests.bench.page import PAGE, write_page

#: Enough load to fill consumption's buffers; its rate is measured in the comparison.
LIVING_SLOTS = 200_000
SMOKE_SLOTS = 150_000
SMOKE_SIZES = {"rounds": 1, "block_seconds": 2.0, "idle_seconds": 2.0}
FULL_SIZES = {"rounds": 3, "block_seconds": 11.0, "idle_seconds": 20.0}
COLOURS = {"met": "green", "missed": "red", "not measured": "yellow"}


async def bench(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Run all benchmarks and return the contents of bench.json."""
    load = Load(options.slots, options.events, options.seed)
    load.check()
    figures: dict[str, Any] = {"machine": machine(), "versions": versions()}
    sizes = Sizes(**(SMOKE_SIZES if options.smoke else FULL_SIZES), load=_for_the_stack(load))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="replenish-bench-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        folder.chmod(0o755)  # as root, the account of Postgres must be able to enter
        compared = await compare(folder / "rates", load, options.rounds, say, quixstreams=not options.smoke)
        figures |= compared.figures()
        figures |= await live(folder / "stack", sizes, say)
    loaded = figures["rss_loaded_mb"]
    loaded["consumption"] = max(loaded["consumption"], figures["rss_throughput_mb"]["consumption"])
    figures |= {
        "seed": options.seed,
        "sizes": {
            "slots": load.slots,
            "events": load.events,
            "rounds": options.rounds,
            "orders": sizes.pools,
            "blocks": sizes.rounds,
            "smoke": options.smoke,
        },
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_seconds": round(time.monotonic() - began),
    }
    figures["goals"] = [result._asdict() for result in judge(figures)]
    return figures


def _for_the_stack(load: Load) -> Load:
    slots = min(load.slots, LIVING_SLOTS)
    return Load(slots, min(load.events, slots), load.seed)


def show(console: Console, figures: dict[str, Any]) -> None:
    table = Table(title="goal and measured", title_justify="left")
    for column in ("what", "goal", "measured", ""):
        table.add_column(column)
    for result in judge(figures):
        table.add_row(result.what, result.goal, result.measured, f"[{COLOURS[result.verdict]}]{result.verdict}")
    console.print(table)
    if figures["sizes"]["smoke"]:
        console.print("a smoke run: that it ran and was judged is all it says")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, without quixstreams")
    parser.add_argument("--slots", type=int, default=None, help="default 1,000,000")
    parser.add_argument("--events", type=int, default=None, help="default as many as slots, and never more")
    parser.add_argument("--rounds", type=int, default=None, help="default 3")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="folder for bench.json")
    parser.add_argument("--write-page", action="store_true", help=f"write {PAGE.name} from bench.json, run nothing")
    chosen = parser.parse_args()
    chosen.slots = chosen.slots or (SMOKE_SLOTS if chosen.smoke else 1_000_000)
    chosen.events = chosen.events or chosen.slots
    chosen.rounds = chosen.rounds or (1 if chosen.smoke else 3)
    return chosen


def main() -> None:
    options = _options()
    kept = options.out / "bench.json"
    if options.write_page:
        write_page(json.loads(kept.read_text()))
        return
    logging.basicConfig(level="CRITICAL")  # aiokafka logs each topic whose leader is not elected yet
    for given in ("KAFKA_URL", "DATABASE_URL"):
        os.environ.pop(given, None)  # a new broker and database, whose processes can be measured
    console, began = Console(highlight=False, width=None if sys.stdout.isatty() else 120), time.monotonic()
    figures = uvloop.run(bench(options, lambda said: console.print(f"{time.monotonic() - began:5.0f} s  {said}")))
    options.out.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(figures, indent=1) + "\n")
    show(console, figures)
    console.print(f"written to {kept}")


if __name__ == "__main__":
    main()
