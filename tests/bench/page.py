"""Writes docs/bench.md from a run's bench.json."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.local.settings import ROOT
from tests.bench.goals import Figures, judge

PAGE = ROOT / "docs" / "bench.md"

HEAD = """# Benchmarks

`make bench` measures and writes `out/bench.json`; this page is one such run, written by
`python -m tests.bench --write-page`. Quote the ratios: both sides of each were measured in turn on the same machine
within minutes. Rates and milliseconds depend on the machine.

```sh
make bench                        # everything: some {minutes} minutes on {cores} cores like these
make bench ARGS=--smoke           # a minute: checks that the benchmark runs; its figures mean nothing
make bench ARGS="--slots 200000 --rounds 5 --seed 3"
```
"""

HOW = """## What is compared

**Rate.** One million slots in Postgres and one report per slot on the topic `usage`, the five slots of a device together,
devices in random order; one report in a hundred crosses the threshold of its slot. Each candidate starts with the same
rows and consumes the same records; the rate is taken between 10 % and 95 % of the work, which excludes start-up.
After each run levels and crossings are compared with the load; a run with differences is discarded.

- *bare*: getmany, msgspec, one unnest UPDATE, crossings to an outbox table and offsets, in sequential transactions on
  one connection. It updates the same columns of the same rows in batches of the same size. It does not handle
  duplicates, gaps, boots, days or overdrawn slots, and it publishes nothing.
- *consumption*: the service as deployed, including publishing the crossings; *two processes*: two instances of it.
- *quixstreams*: exactly once, level by slot in RocksDB with its changelog, crossings out; no burn rate, no uncertainty.
- *per event*: a FastStream handler and a transaction for each event, an inbox table against duplicates, crossings to a table.

Rates are compared per round (A B A B); the ratio is the median over the rounds.

**A hot product.** Orders for 110 % of its stock are allocated in batches of 200 on two connections. The reference is a
bare `UPDATE ... WHERE available >= $1` of one row, sequentially, in transactions of the same size. Inventory also
stores each allocation, writes the ledger entries and publishes StockAllocated or StockShort.

**Device event to order.** The whole stack, with customers, devices, offers and subscriptions created through its APIs;
50 reports a second (at random times) are written to `usage`, each makes its slot low, and an observer consumes the
provider's topic. The reference, in alternating blocks on the same broker and database server, is a bare chain of as
many hops: three times getmany, one committed row, send_batch. It makes no decisions, has no outbox, fetches no address,
and writes no mails or pages. Percentiles are over all blocks; each event must arrive exactly once.

**Hosted orders.** In the same stack, 20 reports a second make slots low whose product is sold by a hosted shop. Each
order's goods are allocated (five hot products) and its payment is authorized by the sandbox's bank (a separate
process); the time is measured from the report to ShopOrderRequested on the broker.

**Lines.** In the same stack, blocks of orders of one line and of ten lines alternate. Nine of the ten products are low
and wait for the tenth (`collect_hours`) before the block begins. From the report that makes the last product low until
all lines are delivered, the CPU time of order-dispatch and reorder-decision is measured and divided by the number of
orders. The ratio is the median over the rounds.

**Memory and idle CPU.** Each service of that stack, idle after its start, and its peak under the orders above and, for
consumption, at the full rate of one process. In the table of rates, MB is the peak of one process of the candidate. The
CPU per order excludes hosted orders.
"""


def write_page(figures: Figures) -> None:
    """Write the page; raises ValueError for a smoke run."""
    if figures["sizes"]["smoke"]:
        raise ValueError("a smoke run is no measurement: run `make bench` first")
    PAGE.write_text(page(figures))


def page(figures: Figures) -> str:
    """Return the page for a run."""
    head = HEAD.format(minutes=math.ceil(figures["wall_seconds"] / 60), cores=figures["machine"]["cores"])
    return "\n".join(
        [
            head,
            _goals(figures),
            HOW,
            _rates(figures),
            _orders(figures),
            _lines(figures),
            _services(figures),
            _where(figures),
        ]
    )


def _goals(figures: Figures) -> str:
    rows = [(r.what, r.goal, r.measured, r.verdict) for r in judge(figures)]
    missing = [f"\nNot measured: {name}: {why}." for name, why in figures["not_measured"].items()]
    return "## Goals\n\n" + _table(("what", "goal", "measured", ""), rows) + "".join(missing) + "\n"


def _rates(figures: Figures) -> str:
    spent = figures["cpu_us_per_event"]
    rows = [
        (name.replace("_", " "), _listed(rates), *_cpu(spent[name]), f"{figures['rss_throughput_mb'][name]:.0f}")
        for name, rates in figures["events_per_second"].items()
    ]
    head = ("candidate", "events/s, round by round", "its CPU, us/event", "Postgres", "Kafka", "MB")
    return "## Rates of this run\n\n" + _table(head, rows)


def _cpu(spent: Mapping[str, float]) -> tuple[str, str, str]:
    own = next(us for who, us in spent.items() if who not in {"postgres", "kafka"})
    return tuple(f"{us:.1f}" if us is not None else "-" for us in (own, spent.get("postgres"), spent.get("kafka")))


def _orders(figures: Figures) -> str:
    rows = [
        (who, f"{figures[key]['p50_ms']:.1f}", f"{figures[key]['p99_ms']:.1f}", _blocks(figures[key]["blocks"]))
        for who, key in (("bare chain", "chain"), ("replenish", "e2e"))
    ]
    head = ("", "p50, ms", "p99, ms", "p50 / p99 of each block")
    where = [(name, f"{ms:.1f}") for name, ms in figures["e2e_where_ms"].items()]
    return (
        f"## Device event to order, {figures['e2e']['events']} orders\n\n{_table(head, rows)}\n"
        f"Time per stretch of replenish (medians; the broker's timestamps are whole milliseconds):\n\n{_table(('stretch', 'ms'), where)}"
    )


def _lines(figures: Figures) -> str:
    measured = figures["order_lines"]
    rows = [
        (name, " / ".join(f"{us / 1000:.1f}" for us in measured[key]))
        for name, key in (("one line", "one_line_cpu_us"), ("ten lines", "ten_lines_cpu_us"))
    ]
    head = ("an order of", "CPU ms of order-dispatch and reorder-decision, round by round")
    return f"## Lines, {measured['orders']} orders of each size\n\n" + _table(head, rows)


def _services(figures: Figures) -> str:
    spent = figures["cpu_us_per_order"]
    rows = [
        (
            name,
            f"{rss:.0f}",
            f"{figures['rss_loaded_mb'][name]:.0f}",
            f"{figures['idle_cpu'][name]:.2f}",
            f"{spent[name] / 1000:.2f}",
        )
        for name, rss in figures["rss_mb"].items()
    ]
    idle = {name: f"{share:.2f}" for name, share in figures.get("idle_cpu_backends", {}).items()}
    backends = [name for name in spent if name not in figures["rss_mb"]]
    rows += [(name, "-", "-", idle.get(name, "-"), f"{spent[name] / 1000:.2f}") for name in backends]
    rows.append(("together", "", "", "", f"{sum(spent.values()) / 1000:.2f}"))
    head = ("", "MB idle", "MB loaded", "% of a core idle", "CPU ms per order")
    return "## Services\n\n" + _table(head, rows)


def _where(figures: Figures) -> str:
    machine, sizes = figures["machine"], figures["sizes"]
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    return (
        f"## The machine and the run\n\n{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB,"
        f" {machine['system']}; load before the run {machine['load_before']}.\n{versions}.\n"
        f"Seed {figures['seed']}, {sizes['slots']:,} slots, {sizes['events']:,} events, {sizes['rounds']} rounds,"
        f" {sizes['orders']:,} orders in {sizes['blocks']} blocks; {figures['at']}, {figures['wall_seconds']} s.\n"
    )


def _listed(rates: Iterable[float]) -> str:
    return " / ".join(f"{rate:,}" for rate in rates)


def _blocks(blocks: Iterable[Mapping[str, float]]) -> str:
    return ", ".join(f"{block['p50_ms']:.1f} / {block['p99_ms']:.1f}" for block in blocks)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
