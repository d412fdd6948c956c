"""What each process of a stack takes when idle and under load."""

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
#: What a start leaves behind: the first ticks, the first health samples, unfinished joins.
SETTLE_SECONDS = 5.0


@asynccontextmanager
async def with_mail(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Run a mailbox and give the settings that tell the services of it: unsent mail would be tried for ever."""
    port = free_port()
    command = module("deploy.local.mailbox", "--port", port, "--log", folder / "mails.jsonl")
    async with running("mailbox", command, log=folder / "mailbox.log"):
        await until(lambda: accepts(HOST, port), "the mailbox takes mail", within_s=20)
        yield {"SMTP_HOST": HOST, "SMTP_PORT": str(port), "MAIL_FROM": "Replenish <replenish@example.com>"}


def gauges(stack: Stack) -> list[Gauge]:
    """Return every process of the stack; services by their name."""
    return [Gauge(seat.member.name.removesuffix("-0"), seat.member.pid) for seat in stack.supervisor.seats]


def resident(watched: Sequence[Gauge]) -> dict[str, float]:
    return {gauge.name: round(gauge.rss_mb(), 1) for gauge in watched}


async def idle(watched: Sequence[Gauge], seconds: float) -> dict[str, float]:
    """Return the percent of a core each process takes while nothing comes in."""
    await asyncio.sleep(min(SETTLE_SECONDS, seconds))
    before = cpu_seconds(watched)
    await asyncio.sleep(seconds)
    return {name: round(100 * (now - before[name]) / seconds, 2) for name, now in cpu_seconds(watched).items()}


@asynccontextmanager
async def peaks(watched: Sequence[Gauge]) -> AsyncIterator[dict[str, float]]:
    """Give a table, kept up to date, of the most memory each process was seen to have in the block."""
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
    """Give the stack's consumption as much as it can take: slots by SQL, none of them at its threshold."""
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
