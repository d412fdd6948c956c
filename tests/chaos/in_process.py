"""All services in one process on a real broker and database, with one household and fast days.

A test can patch a module and thereby seed a bug into every service. Sample provider, mailbox and days are those of
the demo; only the portal has a web server, because services call it over HTTP.
"""

import argparse
import asyncio
import itertools
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import asyncpg
import httpx
import uvicorn
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import NotLeaderForPartitionError
from pydantic import SecretStr

from deploy.demo.company import Company
from deploy.demo.consumables import consumable_of
from deploy.demo.event_feed import EventFeed
from deploy.demo.event_log import EventLog
from deploy.demo.households import FIRST_DAY, PROVIDERS, Household, Slot
from deploy.demo.parcels import ProviderLog
from deploy.demo.quiescence import QuiescenceProbe, connect
from deploy.demo.recording_client import RecordingClient
from deploy.demo.series import Series
from deploy.demo.setup import HouseholdSetup
from deploy.demo.view import PlainView
from deploy.demo.year import World, Year
from deploy.local.errors import StackError
from deploy.local.mailbox import catching
from deploy.local.names import SERVICES
from deploy.local.roles import Prepared, drop_database, prepare_database
from deploy.local.waiting import until
from deploy.samples.provider import Integration
from deploy.samples.sandbox_bank import Bank
from deploy.samples.sandbox_pay import PaymentHandler
from deploy.samples.sandbox_pay import arguments as sandbox_arguments
from libs.kit.clock import SteppedClock
from libs.kit.connections import kafka_reader
from libs.kit.testing import prepare, running
from libs.kit.topics import create_topics
from replenish_contracts.topics import OWN_TOPICS
from tests.judge import Inputs, Verdict, collect, judge

MORNING = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, 6, tzinfo=UTC)
KEY = "a-key-for-tests"
#: Early enough that both products can wait a day for each other and still arrive in time.
COLLECTS = {"days": 9, "collect_hours": 24}
#: So long that the levels fall further after the order.
LEAD_DAYS = 3
PROVIDER_TOPICS = ("provider-orders-", "provider-updates-")
_numbers = itertools.count(1)


def fast_household() -> Household:
    """One slot with direct loading and one loaded by hand; each runs low every few days."""
    slots = []
    for device_id, category in (("shelf-1", "pet-food"), ("machines-1", "coffee")):
        series = Series(1, category, FIRST_DAY, uses=(390, 360, 375) * 20, packs=3, price_cents=999)
        slots.append(Slot(device_id, "1", series, consumable_of(category)))
    ship_to = {"name": "Ada Alder", "line1": "1 Elm Street", "postal_code": "97301", "city": "Salem", "country": "US"}
    return Household(1, "Ada Alder", ship_to, PROVIDERS[0], {slot.device_id: [slot] for slot in slots})


class InProcessGateway:
    """Posts to the gateway without a socket."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(self, path: str, body: bytes, headers) -> tuple[int, bytes]:
        answer = await self._http.post(f"http://gateway.test{path}", content=body, headers=headers)
        return answer.status_code, answer.content


class InProcessEnvironment:
    """Access to the running services and the input files of the judge."""

    def __init__(self, folder: Path, kafka_url: str, database) -> None:
        self.folder, self.kafka_url, self.database = folder, kafka_url, database
        self.inputs = folder / "inputs"
        self.clock = SteppedClock.create(folder / "clock", MORNING)
        self.kits = {}
        self.provider = PROVIDERS[0]
        self.log = ProviderLog(
            self.inputs / "providers" / "corner-shop.jsonl", reports_delivery=True, part_shipments=True
        )
        self._open = AsyncExitStack()

    async def start(self, *late: str) -> None:
        """Start all services except `late`."""
        port, smtp_port = free_port(), await self._open.enter_async_context(catching(self._mails()))
        bank_url = self._open.enter_context(sandbox_pay(self.inputs / "payments" / "sandbox.jsonl"))
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps(dict.fromkeys(SERVICES, KEY)))
        self.knobs = {
            "clock_file": self.folder / "clock",
            "portal_url": f"http://127.0.0.1:{port}",
            "service_key": KEY,
            "operator_key": KEY,
            "service_keys_file": keys,
            "smtp_port": smtp_port,
            "sandbox_pay_url": bank_url,
            "sealing_key": SecretStr(bytes(range(32)).hex()),
        }
        await asyncio.gather(*(self.start_service(service) for service in SERVICES if service not in late))
        await self._open.enter_async_context(served(self.kits["portal"].app, port))

    async def start_service(self, name: str) -> None:
        service = service_of(name)
        known = {knob: value for knob, value in self.knobs.items() if knob in service.settings.model_fields}
        opened = running(service, kafka_url=self.kafka_url, database_urls=self.database, **known)
        self.kits[name] = await self._open.enter_async_context(opened)

    async def move_in(self) -> None:
        """Register household and provider."""
        transports = {f"all://{name}.test": httpx.ASGITransport(app=kit.app) for name, kit in self.kits.items()}
        http = await self._open.enter_async_context(httpx.AsyncClient(mounts=transports, timeout=30))
        self.company = Company(http, {name: f"http://{name}.test" for name in SERVICES}, KEY)
        await self.company.sign_in()
        view = PlainView()
        self.story = await self._open.enter_async_context(EventFeed(self.kafka_url, view))
        self.quiet = await self._quiet()
        household = fast_household()
        moving_in = HouseholdSetup(self.company, [household], view)
        await moving_in.add_providers()
        await self._collect_payments()
        await self._open_shop()
        await moving_in.add_households(self.quiet, MORNING)
        for customer_id in moving_in.customer_ids.values():
            await self._pay_and_collect(customer_id)
        events = EventLog(self.inputs / "clients" / "devices.jsonl")
        self._open.callback(events.close)
        gate = RecordingClient(InProcessGateway(http), events)
        world = World.at_start([household], moving_in.credentials, seed=1)
        self.year = Year(world, self.clock, gate, self.quiet, self.story, {self.provider.provider_id: self.log}, "")

    async def live(self, first: int, last: int) -> None:
        """Run the days; raises StackError if a service stops, as it does when it detects a loss."""
        for number in range(first, last):
            day = asyncio.create_task(self.year.one_day(number))
            stopped = [kit.failed for kit in self.kits.values()]
            await asyncio.wait([day, *stopped], return_when=asyncio.FIRST_COMPLETED)
            if not day.done():
                day.cancel()
                await asyncio.wait([day])
                raise StackError("a service stopped")
            day.result()

    async def verdict(self, settle_s: float = 3) -> Verdict:
        """Collect topics and tables, then run the judge."""
        await collect(
            self.inputs,
            kafka_url=self.kafka_url,
            database_url=self.database.check_url,
            now=self.clock.now(),
            settle_s=settle_s,
        )
        return judge(Inputs.read(self.inputs))

    async def close(self) -> None:
        await self._open.aclose()

    def _mails(self) -> Path:
        self.inputs.mkdir(parents=True)
        return self.inputs / "mails.jsonl"

    async def _quiet(self) -> QuiescenceProbe:
        consumer = await self._open.enter_async_context(kafka_reader(self.kafka_url))
        database = await connect(self.database.check_url)
        self._open.push_async_callback(database.close)
        return QuiescenceProbe(database, consumer, SERVICES, {self.provider.provider_id: self.log})

    async def _collect_payments(self) -> None:
        """Have the provider's orders paid through the sandbox."""
        body = {"name": self.provider.name, "protocol": "kafka", "payment": "sandbox"}
        await self.company.ask("order_dispatch", "PUT", f"/v1/providers/{self.provider.provider_id}", body)

    async def _pay_and_collect(self, customer_id: str) -> None:
        """Set the customer's payment method, and have both products share their orders."""
        method = {"service": "sandbox", "token": "tok_ok", "mandate": {"amount": "500.00", "currency": "USD"}}
        await self.company.ask("order_dispatch", "PUT", f"/v1/customers/{customer_id}/payment-method", method)
        answer = await self.company.ask("reorder_decision", "GET", f"/v1/customers/{customer_id}/subscriptions")
        for subscription in answer["subscriptions"]:
            path = f"/v1/subscriptions/{subscription['subscription_id']}"
            await self.company.ask("reorder_decision", "PATCH", path, COLLECTS)

    async def _open_shop(self) -> None:
        self.log.path.parent.mkdir(parents=True)
        options = argparse.Namespace(
            kafka=self.kafka_url,
            provider=self.provider.provider_id,
            name="shop",
            log=self.log.path,
            lead_days=LEAD_DAYS,
            handling_days=0,
            delivers=True,
            part_shipments=True,
            sold_out=[],
            clock=self.folder / "clock",
        )
        integration = Integration(options)
        shop = asyncio.create_task(integration.run())

        async def closed() -> None:
            shop.cancel()
            with suppress(asyncio.CancelledError):
                await shop
            integration.log.file.close()

        self._open.push_async_callback(closed)


@asynccontextmanager
async def migrated(backends) -> AsyncIterator[Prepared]:
    """Yield a migrated database; `in_process_environment` uses fast copies of it."""
    name = f"small_{os.getpid()}_{next(_numbers)}"
    database = await prepare_database(backends.database_admin_url, name, SERVICES)
    try:
        for service in SERVICES:
            await prepare(service_of(service), database)
        await in_admin(backends, f"CREATE DATABASE {name}_as_new TEMPLATE {name}")
        yield database
    finally:
        await in_admin(backends, f"DROP DATABASE IF EXISTS {name}_as_new WITH (FORCE)")
        await drop_database(backends.database_admin_url, name, SERVICES)


@asynccontextmanager
async def in_process_environment(backends, database: Prepared, folder: Path) -> AsyncIterator[InProcessEnvironment]:
    """Yield an environment with empty logs and a fresh database, not started."""
    name = database.check_url.rpartition("/")[2]
    await in_admin(backends, f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {name}_as_new")
    again = await prepare_database(backends.database_admin_url, name, SERVICES, passwords=database.passwords)
    await empty_all_logs(backends.kafka_url)
    world = InProcessEnvironment(folder, backends.kafka_url, again)
    try:
        yield world
    finally:
        await world.close()


async def in_admin(backends, *statements: str) -> None:
    """Execute statements as the server's superuser."""
    connection = await asyncpg.connect(backends.database_admin_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def empty_all_logs(kafka_url: str) -> None:
    """Delete all records, so that a test does not consume those of an earlier one."""
    await create_topics(kafka_url, OWN_TOPICS)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        names = {topic.name for topic in OWN_TOPICS}
        topics = [name for name in await admin.list_topics() if name in names or name.startswith(PROVIDER_TOPICS)]
        described = await admin.describe_topics(topics)
        places = [TopicPartition(one["topic"], number) for one in described for number in range(len(one["partitions"]))]

        async def deleted() -> bool:
            try:
                await admin.delete_records({place: RecordsToDelete(-1) for place in places})
            except NotLeaderForPartitionError:  # the topic was just created
                return False
            return True

        await until(deleted, "the logs are empty", within_s=20)
    finally:
        await admin.close()


def service_of(name: str):
    return import_module(f"services.{name}.service").SERVICE


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def sandbox_pay(log: Path) -> Iterator[str]:
    """Serve the payment sandbox from a thread; yield its URL. Its log is an input of the judge."""
    log.parent.mkdir(parents=True)

    class Handler(PaymentHandler):
        bank = Bank(sandbox_arguments().parse_args(["--log", str(log)]))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        Handler.bank.log.close()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self):
        yield


@asynccontextmanager
async def served(app, port: int) -> AsyncIterator[None]:
    """Serve an application on a socket."""
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
