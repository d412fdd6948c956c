"""Memory and CPU of each process of a stack, idle and under load."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from deploy.local.ports import accepts, free_port
from deploy.local.settings import HOST
from deploy.local.stack import DATABASE, Stack
from deploy.local.waiting import until
from tests.bench.gauge import Gauge, cpu_seconds
from tests.bench.load import Load, write
from tests.bench.measure import module, running
from tests.bench.slots import fill_hot_rows, register

SAMPLE_SECONDS = 0.25
CAUGHT_UP_SECONDS = 120.0
#: Work after a start: first jobs, first health samples, group joins.
SETTLE_SECONDS = 5.0


@asynccontextmanager
async def with_mail(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Run a mailbox and yield its settings; without one, mails would be retried endlessly."""
    port = free_port()
    command = module("deploy.local.mailbox", "--port", port, "--log", folder / "mails.jsonl")
    async with running("mailbox", command, log=folder / "mailbox.log"):
        await until(lambda: accepts(HOST, port), "the mailbox takes mail", within_s=20)
        yield {"SMTP_HOST": HOST, "SMTP_PORT": str(port), "MAIL_FROM": "Replenish <replenish@example.com>"}


def gauges(stack: Stack) -> list[Gauge]:
    """Return a gauge per process of the stack; services have their name."""
    return [Gauge(seat.member.name.removesuffix("-0"), seat.member.pid) for seat in stack.supervisor.seats]


def resident(watched: Sequence[Gauge]) -> dict[str, float]:
    return {gauge.name: round(gauge.rss_mb(), 1) for gauge in watched}


async def idle(watched: Sequence[Gauge], seconds: float) -> dict[str, float]:
    """Return the percentage of a core that each process uses without input."""
    await asyncio.sleep(min(SETTLE_SECONDS, seconds))
    before = cpu_seconds(watched)
    await asyncio.sleep(seconds)
    return {name: round(100 * (now - before[name]) / seconds, 2) for name, now in cpu_seconds(watched).items()}


@asynccontextmanager
async def peaks(watched: Sequence[Gauge]) -> AsyncIterator[dict[str, float]]:
    """Yield the peak memory of each process, updated during the block."""
    most = resident(watched)

    async def sample() -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            for name, now in resident(watched).items():
                most[name] = max(most[name], now)

    sampling = asyncio.create_task(sample())
    try:
        yield most
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)


async def load_consumption(stack: Stack, load: Load) -> None:
    """Load the stack's consumption at its full rate: slots by SQL, none at its threshold."""
    admin = urlsplit(stack.backends.database_admin_url)._replace(path=f"/{DATABASE}").geturl()
    database = await asyncpg.connect(admin, server_settings={"search_path": "consumption"})
    try:
        await register(database, load.devices)
        await fill_hot_rows(database, "slot", load.devices, armed=False)
        written = sum((await write(stack.backends.kafka_url, "usage", load)).values())

        async def caught_up() -> bool:
            used = await database.fetchval("SELECT sum(used_total) FROM slot WHERE device_id LIKE 'dev-%'")
            return bool(used == written)

        await until(caught_up, "the load is in the levels", within_s=CAUGHT_UP_SECONDS, every_s=0.5)
    finally:
        await database.close()
