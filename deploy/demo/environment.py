"""The processes around the stack, such as the mail server and two providers, and the simulated clock."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from deploy.demo.households import PROVIDERS, Provider
from deploy.demo.parcels import ProviderLog
from deploy.local.child import Launch
from deploy.local.ports import accepts, free_port
from deploy.local.settings import HOST, ROOT
from deploy.local.stack import Stack
from deploy.local.worker import Worker
from libs.kit.clock import SteppedClock

TICK_SECONDS = 0.5


class Environment:
    """Everything outside the system: clock, mail server, providers. Their logs are inputs of the judge."""

    def __init__(self, folder: Path, evidence: Path, start: datetime) -> None:
        """Does not start any process; sets the clock."""
        self.clock_file = folder / "clock"
        self.clock = SteppedClock.create(self.clock_file, start)
        self.mails = evidence / "mails.jsonl"
        self.smtp_port = free_port()
        #: A DRS shop publishes here instead of Amazon SNS.
        self.sns_port = free_port()
        self.logs = {
            provider.provider_id: ProviderLog(
                evidence / "providers" / f"{provider.provider_id}.jsonl",
                provider.reports_delivery,
                provider.part_shipments,
            )
            for provider in PROVIDERS
        }
        self.payment_port = free_port()
        self._folder = folder

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables with which services reach it."""
        mail = {"SMTP_HOST": HOST, "SMTP_PORT": str(self.smtp_port), "MAIL_FROM": "Replenish <replenish@example.com>"}
        shops = {
            "STAND_IN_HOSTS": f'["{HOST}:{self.sns_port}"]',
            "SANDBOX_PAY_URL": f"http://{HOST}:{self.payment_port}",
        }
        return {"CLOCK_FILE": str(self.clock_file), **shops, **mail}

    async def start_mailbox(self, stack: Stack) -> None:
        self.mails.parent.mkdir(parents=True, exist_ok=True)
        command = ["deploy.local.mailbox", "--port", str(self.smtp_port), "--log", str(self.mails)]
        mailbox = Worker("mailbox", self._launch("mailbox", command), is_ready=lambda: accepts(HOST, self.smtp_port))
        await stack.supervisor.start([mailbox])

    async def start_providers(self, stack: Stack) -> None:
        """Start one integration per provider; their topics must exist."""
        await stack.supervisor.start([self._shop(provider, stack.backends.kafka_url) for provider in PROVIDERS])

    async def start(
        self, stack: Stack, name: str, command: Sequence[str], is_ready: Callable[[], Awaitable[bool]]
    ) -> None:
        """Start a process beside the stack."""
        await stack.supervisor.start([Worker(name, self._launch(name, command), is_ready=is_ready)])

    async def run_clock(self) -> None:
        """Advance the simulated clock at the speed of the real one until cancelled."""
        started, at = time.monotonic(), self.clock.now()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.clock.step_to(at + timedelta(seconds=time.monotonic() - started))

    def _shop(self, provider: Provider, kafka_url: str) -> Worker:
        log = self.logs[provider.provider_id].path
        log.parent.mkdir(parents=True, exist_ok=True)
        command = ["deploy.samples.provider", "--kafka", kafka_url, "--provider", provider.provider_id]
        command += ["--name", provider.provider_id, "--log", str(log), "--clock", str(self.clock_file)]
        command += ["--lead-days", str(provider.lead_days), *(["--delivers"] if provider.reports_delivery else [])]
        command += ["--part-shipments"] if provider.part_shipments else []

        async def writes() -> bool:
            return log.exists()

        return Worker(provider.provider_id, self._launch(provider.provider_id, command), is_ready=writes)

    def _launch(self, name: str, module: Sequence[str]) -> Launch:
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}
        return Launch([sys.executable, "-m", *module], self._folder / "logs" / f"{name}.log", environment, cwd=ROOT)
