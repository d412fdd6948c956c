"""Runs the demo, from the start of the processes to the result."""

import shutil
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from deploy.checks import run_checks
from deploy.demo.company import Company
from deploy.demo.device_maker import DEVICE_ID, MISTAKE_DAY, REGISTRATION_DAY, DeviceMaker
from deploy.demo.environment import Environment
from deploy.demo.event_feed import EventFeed
from deploy.demo.event_log import EventLog
from deploy.demo.flows import (
    AcpShop,
    AssistedShop,
    DrsShop,
    HostedShop,
    KafkaShop,
    OneLineShop,
    Scenario,
    WebhookShop,
)
from deploy.demo.households import FIRST_DAY, choose_households
from deploy.demo.http_client import HttpClient
from deploy.demo.kills import Killer
from deploy.demo.order_lines import PROTOCOLS, orders_of_several_lines
from deploy.demo.quiescence import QuiescenceProbe, connect
from deploy.demo.recording_client import RecordingClient
from deploy.demo.result import DemoResult, build_result, household_figures, run_judge
from deploy.demo.series import read_series
from deploy.demo.setup import HouseholdSetup
from deploy.demo.view import View
from deploy.demo.year import World, Year
from deploy.local.names import SERVICES
from deploy.local.stack import Stack

#: Time before the first evening, for setting up.
MORNING = datetime.combine(FIRST_DAY, time_of_day(6, 0, tzinfo=UTC))
HTTP_CONNECTIONS = 16


@dataclass(frozen=True)
class Options:
    """Options of the demo."""

    households: int
    days: int
    seed: int
    kill: bool
    #: Home of the stack.
    home: Path
    #: Folder for demo.json and the event log.
    out: Path


class Demo:
    """One year of some households; after `run`, everything keeps running until `close`."""

    def __init__(self, options: Options, view: View) -> None:
        self.options, self._view = options, view
        self.evidence = options.out / "demo"
        shutil.rmtree(self.evidence, ignore_errors=True)
        self.evidence.mkdir(parents=True)
        options.home.mkdir(parents=True, exist_ok=True)
        self.environment = Environment(options.home, self.evidence, MORNING)
        self.stack = Stack(options.home, env=self.environment.variables, durable=False, say=view.phase)
        self.households = choose_households(read_series(), options.households, options.days, options.seed)
        self._open = AsyncExitStack()
        self._started_at = time.monotonic()

    async def run(self) -> DemoResult:
        """Start everything, run the year, and return the result."""
        await self._start()
        setup = HouseholdSetup(self.company, self.households, self._view)
        await setup.add_providers()
        await self.environment.start_providers(self.stack)
        await setup.add_households(self.probe, MORNING)
        self.customer_ids = setup.customer_ids
        names = {setup.customer_ids[one.number]: one.name for one in self.households}
        self.feed.names.update(names)
        world = World.at_start(self.households, setup.credentials, self.options.seed)
        http_client = HttpClient(self.stack.urls["gateway"])
        self._open.push_async_callback(http_client.close)
        client = RecordingClient(http_client, self._event_log("clients/devices.jsonl"))
        year = Year(
            world, self.environment.clock, client, self.probe, self.feed, self.environment.logs, self.company.token
        )
        self.device_maker = DeviceMaker(self.stack.backends.kafka_url, self._event_log("clients/maker.jsonl"))
        killer = self._killer()
        set_up_seconds = time.monotonic() - self._started_at
        await year.live(self.options.days, self._day(year, killer))
        return await self._build_result(year, killer, set_up_seconds)

    async def _run_flows(self, client: RecordingClient) -> tuple[dict[str, Any], list[str]]:
        """Run the other order flows after the report of the year is complete."""
        shops = self.evidence / "flows"
        shops.mkdir()
        shared = (self.stack, self.environment, self.company)
        hosted = HostedShop(*shared, shops / "village-store.jsonl")
        counterparts = (
            DrsShop(*shared, shops / "dash-shop.jsonl"),
            WebhookShop(*shared, shops / "paper-mill.jsonl"),
            hosted,
            AssistedShop(*shared, shops / "street-market.jsonl"),
            OneLineShop(*shared, shops / "corner-stall.jsonl"),
            KafkaShop(*shared, shops / "bean-works.jsonl"),
            AcpShop(*shared, shops / "agent-market.jsonl"),
        )
        scenario = Scenario(counterparts, self.company, self.environment.clock, self.feed)
        flows = await scenario.run(client, self.probe)
        if oversold := await hosted.oversold():
            scenario.anomalies.append(f"flows: {oversold} more pieces were shipped than were in stock")
        several = await orders_of_several_lines(self.check_url)
        scenario.anomalies += [f"lines: no order of several lines by {name}" for name in PROTOCOLS if not several[name]]
        return {"flows": flows, "oversold": oversold, "orders_of_several_lines": several}, scenario.anomalies

    async def close(self) -> None:
        """Stop everything that was started."""
        await self._open.aclose()

    async def _start(self) -> None:
        await self._open.enter_async_context(self.stack)
        await self.environment.start_mailbox(self.stack)
        limits = httpx.Limits(max_connections=HTTP_CONNECTIONS, max_keepalive_connections=HTTP_CONNECTIONS)
        self._http = await self._open.enter_async_context(httpx.AsyncClient(timeout=30, limits=limits))
        self.company = Company(self._http, self.stack.urls, self.stack.home.secret("portal", "operator_key"))
        await self.company.sign_in()
        self.feed = EventFeed(self.stack.backends.kafka_url, self._view)
        await self._open.enter_async_context(self.feed)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.stack.backends.kafka_url, enable_auto_commit=False)
        await self._open.enter_async_context(consumer)
        database = await connect(self.check_url)
        self._open.push_async_callback(database.close)
        self.probe = QuiescenceProbe(database, consumer, SERVICES, self.environment.logs)

    @property
    def check_url(self) -> str:
        """URL of the read-only role, as `replenish check` uses it."""
        return self.stack.home.secret("check", "database_url")

    def _event_log(self, name: str) -> EventLog:
        event_log = EventLog(self.evidence / name)
        self._open.callback(event_log.close)
        return event_log

    def _killer(self) -> Killer:
        return Killer(
            self.stack, self._event_log("kills.jsonl"), lambda: self.company.register_spare(self._first_customer())
        )

    def _first_customer(self) -> str:
        return self.customer_ids[self.households[0].number]

    def _day(self, year: Year, killer: Killer) -> Callable[[int, date], Any]:
        async def run_day(number: int, on: date) -> None:
            await self._write_faulty_records(number, on)
            if self.options.kill and killer.is_due(number):
                killed = await killer.try_one(lambda: year.one_day(number))
                if killed:
                    self._view.show_event(f"{on}  kill -9 {killed} with records applied but not committed", loud=True)
            else:
                await year.one_day(number)
            self._view.day(number + 1, self.options.days, on, self.feed.figures | {"kills": len(killer.done)})

        return run_day

    async def _write_faulty_records(self, number: int, on: date) -> None:
        """Produce two faulty records as a device maker, and repair one of them later."""
        if number == MISTAKE_DAY:
            await self.device_maker.report_early(self.environment.clock.now())
            await self.device_maker.write_garbage()
            self._view.show_event(
                f"{on}  a device maker produces a report of an unknown device, and an unreadable record", loud=True
            )
        elif number == REGISTRATION_DAY:
            await self.company.register_spare(self._first_customer(), DEVICE_ID)
            self._view.show_event(f"{on}  the unknown device is registered; its report is processed", loud=True)

    async def _build_result(self, year: Year, killer: Killer, set_up_seconds: float) -> DemoResult:
        self._view.phase("verifying the result")
        now, kafka_url = self.environment.clock.now(), self.stack.backends.kafka_url
        verdict = await run_judge(self.evidence, kafka_url=kafka_url, database_url=self.check_url, now=now)
        wrong_levels = await self._count_wrong_levels(year.world)
        flows, anomalies = await self._run_flows(year.client)
        checked = await run_checks(self.check_url, kafka_url)
        figures = {
            "households": len(self.households),
            "slots": len(year.world.slots),
            "days": self.options.days,
            "seed": self.options.seed,
            **household_figures(year.world),
            "levels_as_in_life": not wrong_levels,
            "levels_that_differ": wrong_levels,
            "unanswered_posts": year.client.unanswered,
            "kills": len(killer.done),
            "killed": killer.done,
            "not_killed": killer.left if self.options.kill else [],
            "backends": self.stack.backends.kind,
            "looks": self.probe.probes,
            **flows,
            "set_up_seconds": round(set_up_seconds, 1),
            "wall_seconds": round(time.monotonic() - self._started_at, 1),
        }
        return build_result(verdict, checked, figures, anomalies)

    async def _count_wrong_levels(self, world: World) -> int:
        """Compare each slot's level in consumption's API with its true contents."""
        differ = 0
        for device_id in world.senders:
            answer = await self.company.ask("consumption", "GET", f"/v1/devices/{device_id}/slots")
            levels = {slot["slot"]: slot["level_steps"] for slot in answer["slots"]}
            real = {slot: simulation.level for (owner, slot), simulation in world.slots.items() if owner == device_id}
            differ += sum(levels.get(slot) != level for slot, level in real.items())
        return differ
