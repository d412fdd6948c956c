"""The gateway's running state: device registry, producer, rate limits and memory budget."""

import asyncio
import functools
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from services.gateway.api import metrics
from services.gateway.api.device_registry import DeviceRegistry
from services.gateway.api.request_body import MemoryBudget
from services.gateway.domain.rate_limit import RateLimit, RateLimiter
from services.gateway.domain.records import Record
from services.gateway.domain.validation import ReportLimits
from services.gateway.facades.plain_json import BodyLimits
from services.gateway.producer import ProduceError, UsageProducer, build_producer
from services.gateway.settings import Settings


class IngestPipeline:
    """Parts shared by all requests while the service runs."""

    def __init__(self, kit: Kit, settings: Settings) -> None:
        self.settings = settings
        self.clock = kit.clock
        self.registry = DeviceRegistry(kit, settings)
        self.producer = UsageProducer(
            functools.partial(build_producer, settings),
            timeout_seconds=settings.acknowledge_timeout_seconds,
            wedged_seconds=settings.producer_wedged_seconds,
        )
        self.memory = MemoryBudget(settings.max_in_flight_bytes)
        self.report_rates = RateLimiter(
            RateLimit(settings.device_reports_per_second, settings.device_reports_burst),
            settings.max_rate_limited_senders,
        )
        self.unknown_credential_rates = RateLimiter(
            RateLimit(settings.unknown_credentials_per_second, settings.unknown_credentials_burst),
            settings.max_rate_limited_senders,
        )
        self.body_limits = BodyLimits(settings.max_reports_per_request, settings.max_json_depth)
        self.report_limits = ReportLimits(
            settings.max_quantity_capacities,
            timedelta(hours=settings.max_clock_ahead_hours),
            timedelta(days=settings.max_report_age_days),
        )
        self._registry_task: asyncio.Task[None] | None = None
        self._fail = kit.fail

    async def start(self) -> None:
        self._registry_task = asyncio.create_task(self.registry.follow_changes(), name="gateway-registry")
        for task in (self._registry_task, await self.producer.start()):
            task.add_done_callback(self._on_task_done)
        metrics.BROKER_CONNECTED.set_function(lambda: float(self.producer.connected))

    async def stop(self) -> None:
        if self._registry_task is not None:
            self._registry_task.cancel()
            await asyncio.gather(self._registry_task, return_exceptions=True)
        await self.producer.stop()

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        """Fail the process if a background task failed; otherwise all later requests would be answered 503."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def charge(self, sender: str, amount: float) -> None:
        """Count reports against the sender's rate limit; raises 429 with the seconds to wait."""
        wait = self.report_rates.take(sender, amount, monotonic())
        if wait:
            raise rate_limited("rate_limited", "Too many reports", wait)

    async def produce(self, records: Sequence[Record]) -> None:
        """Return after the broker has acknowledged all records; otherwise raise 503."""
        size = sum(len(record.value) for record in records)
        self.memory.acquire(size)
        release = functools.partial(self.memory.release, size)
        started = monotonic()
        try:
            await self.producer.produce(records, release)
        except ProduceError as error:
            raise ProblemError(
                503,
                "broker_unavailable",
                "The reports could not be stored",
                detail=f"Reason: {error}. Send the same reports again; a repeat is not counted twice.",
                headers={"Retry-After": "2"},
            ) from None
        metrics.PRODUCE_SECONDS.observe(monotonic() - started)


def pipeline_of(kit: Kit) -> IngestPipeline:
    return kit.state.get(IngestPipeline)


async def start_pipeline(kit: Kit) -> None:
    """Create the service's pipeline and start it; does not wait for the broker."""
    assert isinstance(kit.settings, Settings)  # noqa: S101  # service.py names this class
    pipeline = kit.state.put(IngestPipeline, IngestPipeline(kit, kit.settings))
    await pipeline.start()


async def stop_pipeline(kit: Kit) -> None:
    """Flush the producer and stop."""
    await kit.state.get(IngestPipeline).stop()


def rate_limited(code: str, title: str, wait_seconds: float) -> ProblemError:
    seconds = max(1, -int(-wait_seconds // 1))
    return ProblemError(429, code, title, detail=f"Try again in {seconds} s.", headers={"Retry-After": str(seconds)})
