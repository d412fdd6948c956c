"""The whole stack with clock, mail server and provider, and the check that it is idle."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from deploy.checks import run_checks
from deploy.demo.company import Company
from deploy.demo.event_log import EventLog
from deploy.demo.quiescence import QuiescenceProbe, connect
from deploy.local.mailbox import catching
from deploy.local.names import SERVICES, for_people
from deploy.local.settings import ROOT
from deploy.local.stack import Stack
from deploy.local.waiting import until
from libs.kit.clock import SteppedClock
from tests.support.event_log import Log, event
from tests.support.gateway import Gateway
from tests.support.home import Home
from tests.support.households import PROVIDER, Household, Slot
from tests.support.provider import Provider

MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
#: Generous because other tests share the machine; an idle one needs a tenth.
PATIENCE_SECONDS = 120


class Environment:
    """One stack for all tests; each test has its own household."""

    def __init__(self, folder: Path) -> None:
        self.inputs = folder / "inputs"
        self.clock = SteppedClock.create(folder / "clock", MONDAY)
        self._folder, self._open = folder, AsyncExitStack()
        self._mails = self.inputs / "mails.jsonl"

    async def start(self) -> None:
        """Start the stack and the provider."""
        self.inputs.mkdir(parents=True)
        smtp_port = await self._open.enter_async_context(catching(self._mails))
        knobs = {"CLOCK_FILE": str(self._folder / "clock"), "SMTP_PORT": str(smtp_port), "SMTP_HOST": "127.0.0.1"}
        self.stack = await self._open.enter_async_context(Stack(self._folder / "home", env=knobs, durable=False))
        self.urls, self.kafka_url = self.stack.urls, self.stack.backends.kafka_url
        self.check_url = self.stack.home.secret("check", "database_url")
        self.http = await self._open.enter_async_context(httpx.AsyncClient(timeout=30))
        self.company = Company(self.http, self.urls, self.stack.home.secret("portal", "operator_key"))
        await self.company.sign_in()
        await self._open_shop()
        self._maker = self._event_log("clients/maker.jsonl")
        self.gateway = Gateway(self.http, self.urls["gateway"], self._event_log("clients/devices.jsonl"))
        await self._follow()

    async def close(self) -> None:
        await self._open.aclose()

    def _event_log(self, name: str) -> EventLog:
        events = EventLog(self.inputs / name)
        self._open.callback(events.close)
        return events

    async def _open_shop(self) -> None:
        await self.ask("order_dispatch", "PUT", f"/v1/providers/{PROVIDER}", {"name": "Acme", "protocol": "kafka"})
        self.provider = Provider(PROVIDER, self.kafka_url, self.clock, self._event_log("providers/acme.jsonl"))
        self._open.push_async_callback(self.provider.close)
        await self.provider.open()

    async def _follow(self) -> None:
        self.log = await self._open.enter_async_context(Log(self.kafka_url))
        await self.reconnect()
        heard = f"SELECT EXISTS (SELECT FROM order_dispatch.checkpoint WHERE topic = 'provider-updates-{PROVIDER}')"
        await until(lambda: self.database.fetchval(heard), "the provider's topic is consumed", within_s=60)
        await self.settled()
        self.provider.settled = self.settled

    async def reconnect(self) -> None:
        """Connect to the database, also after an outage."""
        self.database = await connect(self.check_url)
        self._open.push_async_callback(self.database.close)
        self._quiet = QuiescenceProbe(self.database, self.log.consumer, SERVICES, {PROVIDER: self.provider})  # type: ignore[dict-item]  # it has the attributes of a log
        self._quiet.timeout_s = PATIENCE_SECONDS

    # Actions of the operator.

    async def ask(self, service: str, method: str, path: str, body: Any = None) -> Any:
        """Call a service as an operator; an error fails the test."""
        return await self.company.ask(service, method, path, body)

    async def move_in(self, household: Household) -> Home:
        """Register a household, its machine and its subscription."""
        home = Home(self, household)
        if household.offered:
            await self.offer(home)
        answer = await self.ask("portal", "POST", "/v1/customers", household.joined())
        home.customer_id = answer["customer_id"]
        await self.register(home)
        if household.subscribes:
            await home.subscribes()
        return home

    async def offer(self, home: Home, **changes: Any) -> None:
        path = f"/v1/providers/{PROVIDER}/offers/{home.product_id}"
        await self.ask("order_dispatch", "PUT", path, home.household.offer() | changes)
        await self.settled()

    async def register(self, home: Home) -> dict[str, Any]:
        """Register the household's machine, or register it again."""
        return await self._register(home, home.device_id, home.household.slots)

    async def adds_machine(self, home: Home, *slots: Slot) -> str:
        """Register one more machine with the same product; return its id."""
        answer = await self._register(home, f"{home.device_id}-too", slots)
        return str(answer["device_id"])

    async def _register(self, home: Home, device_id: str, slots: Sequence[Slot]) -> dict[str, Any]:
        body = {"device_id": device_id, "slots": [slot.registered(home.product_id) for slot in slots]}
        answer = dict(await self.ask("portal", "POST", f"/v1/customers/{home.customer_id}/devices", body))
        home.credentials[device_id] = answer["credential"]
        await self.settled()
        return answer

    async def writes(self, topic: str, key: str, value: bytes) -> None:
        """Publish a record and wait until all consumers have processed it."""
        await self.log.write(topic, key, value)
        await self.settled()

    async def writes_usage(self, report: dict[str, Any]) -> None:
        """Publish a report directly to Kafka, as a manufacturer with credentials does."""
        call = self._maker.invoke(what="report", device_id=report["device_id"], reports=[report])
        await self.writes("usage", report["device_id"], json.dumps(event(report)).encode())
        self._maker.write(op="ok", call=call, accepted=[0], refused=[])

    # Time.

    async def days(self, count: float) -> None:
        await self.hours(24 * count)

    async def hours(self, count: float) -> None:
        self.clock.step_to(self.clock.now() + timedelta(hours=count))
        await self.settled()

    async def settled(self) -> None:
        """Wait until the system is idle."""
        await self._quiet.wait(self.clock.now())

    # Observable state.

    def mails(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._mails.read_text().splitlines()]

    def requests_for(self, product_id: str) -> list[dict[str, Any]]:
        """Return the requests for orders of a product."""
        asked = [event for event in self.provider.asked if event["type"] == "OrderRequested"]
        return [event for event in asked if event["data"]["product_id"] == product_id]

    async def posts(self, service: str, path: str, body: Any) -> httpx.Response:
        """POST as an operator and return the response, also an error."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.company.token}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = str(uuid4())
        return await self.http.post(self.urls[service] + path, content=content, headers=headers)

    async def metric(self, service: str, name: str) -> float:
        lines = (await self.http.get(f"{self.urls[service]}/metrics")).text.splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    def pids(self) -> dict[str, int | None]:
        """Return the process id of each service."""
        names = {f"{for_people(service)}-0": service for service in SERVICES}
        return {names[seat.member.name]: seat.pid for seat in self.stack.supervisor.seats if seat.member.name in names}

    def process(self, service: str) -> psutil.Process:
        return psutil.Process(self.pids()[service])

    async def differences(self) -> list[str]:
        """Return the findings of `replenish check`."""
        findings = await run_checks(self.check_url, self.kafka_url)
        return [f"{one.rule}: {one.subject}: {one.problem}" for one in findings.wrong]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `replenish` command line."""
        command = [sys.executable, "-m", "deploy.cli", *arguments, "--home", str(self.stack.home.folder)]
        environment = {name: value for name, value in os.environ.items() if name != "CHECK_DATABASE_URL"}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@asynccontextmanager
async def running_environment(folder: Path) -> AsyncIterator[Environment]:
    """Start the stack and stop it at the end."""
    world = Environment(folder)
    try:
        await world.start()
        yield world
    finally:
        await world.close()
