"""Measures the whole stack: idle, with orders, with consumption at full load, and idle again."""

from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from deploy.local.stack import Stack
from tests.bench.chain import Turns, quiet, take_turns
from tests.bench.comparison import Say
from tests.bench.footprint import gauges, idle, load_consumption, peaks, resident, with_mail
from tests.bench.hosted import order_hosted, with_bank
from tests.bench.load import Load
from tests.bench.order_lines import MANY, compare_lines
from tests.bench.passages import PER_SECOND, Passage
from tests.bench.pools import move_in, pools
from tests.bench.trace import trace

#: Processes of the stack that are not services.
BACKENDS = ("kafka", "postgres")
#: Orders of one line, and as many of ten, for each second of a block.
LINE_ORDERS_PER_SECOND = 5


@dataclass(frozen=True)
class Sizes:
    """Durations and numbers of a run; the first second of a block is a warm-up."""

    rounds: int
    block_seconds: float
    idle_seconds: float
    load: Load

    @property
    def pools(self) -> int:
        return round(self.rounds * self.block_seconds * PER_SECOND)

    @property
    def line_orders(self) -> int:
        """Orders of one line, and as many of ten, in a block."""
        return round(self.block_seconds * LINE_ORDERS_PER_SECOND)


async def live(folder: Path, sizes: Sizes, say: Say) -> dict[str, Any]:
    """Return the part of bench.json about the stack."""
    async with (
        with_mail(folder) as mail,
        with_bank(folder) as bank,
        Stack(folder / "home", env=mail | bank, say=lambda _: None) as stack,
    ):
        say("the stack is up; idle")
        watched = gauges(stack)
        idle_cpu = await idle(watched, sizes.idle_seconds)
        rss = resident(watched)
        say(f"{sizes.pools} households' slots move in through the APIs")
        wanted = pools(sizes.pools)
        await move_in(stack, wanted)
        await quiet(stack)
        async with peaks(watched) as most:
            say(f"{PER_SECOND} events a second through the bare chain and through ours, {sizes.rounds} times each")
            turns = await take_turns(stack, watched, wanted, sizes.rounds, folder / "hops.log")
            say(f"{sizes.load.events:,} more reports for consumption")
            await load_consumption(stack, sizes.load)
            await quiet(stack)
        say("orders at a shop that is kept here, with goods set aside and money reserved")
        hosted = await order_hosted(stack, sizes.block_seconds)
        say(f"orders of {MANY} lines and orders of one, {sizes.line_orders} each, {sizes.rounds} times")
        order_lines = await compare_lines(stack, watched, sizes.line_orders, sizes.rounds)
        where = await trace(stack.backends.kafka_url, [one for block in turns.ours for one in block])
        services = [gauge.name for gauge in watched if gauge.name not in BACKENDS]
        return {
            **_latencies(turns),
            "e2e_where_ms": where,
            **hosted,
            **order_lines,
            "cpu_us_per_order": turns.cpu_us,
            "rss_mb": {name: rss[name] for name in services},
            "rss_loaded_mb": {name: most[name] for name in services},
            "rss_afterwards_mb": {name: now for name, now in resident(watched).items() if name in services},
            "idle_cpu": {name: idle_cpu[name] for name in services},
            "idle_cpu_backends": {name: idle_cpu[name] for name in BACKENDS},
        }


def _latencies(turns: Turns) -> dict[str, Any]:
    bare, ours = (_percentiles([one for block in blocks for one in block]) for blocks in (turns.bare, turns.ours))
    return {
        "e2e_p50_vs_chain": round(ours["p50_ms"] / bare["p50_ms"], 2),
        "e2e_p99_vs_chain": round(ours["p99_ms"] / bare["p99_ms"], 2),
        "chain": bare | {"blocks": [_percentiles(block) for block in turns.bare]},
        "e2e": ours | {"blocks": [_percentiles(block) for block in turns.ours]},
    }


def _percentiles(passages: list[Passage]) -> dict[str, float]:
    cuts = quantiles((1000 * one.seconds for one in passages), n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2), "events": len(passages)}
