"""Runs the demo from the first process to the report."""

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
from deploy.demo.books import Books, ask_judge, close_books, life_figures
from deploy.demo.company import Company
from deploy.demo.diary import Diary
from deploy.demo.door import Door
from deploy.demo.flows import Act, AssistedShop, DrsShop, HostedShop, WebhookShop
from deploy.demo.gate import Gate
from deploy.demo.households import FIRST_DAY, choose_households
from deploy.demo.kills import Killer
from deploy.demo.moving_in import MovingIn
from deploy.demo.outside import DEVICE_ID, MISTAKE_DAY, REGISTRATION_DAY, Maker
from deploy.demo.quiet import Quiet, connect
from deploy.demo.series import read_series
from deploy.demo.story import Story
from deploy.demo.town import Town
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
    """One year of some households; after `live`, everything keeps running until `close`."""

    def __init__(self, options: Options, view: View) -> None:
        self.options, self._view = options, view
        self.evidence = options.out / "demo"
        shutil.rmtree(self.evidence, ignore_errors=True)
        self.evidence.mkdir(parents=True)
        options.home.mkdir(parents=True, exist_ok=True)
        self.town = Town(options.home, self.evidence, MORNING)
        self.stack = Stack(options.home, env=self.town.environment, durable=False, say=view.phase)
        self.households = choose_households(read_series(), options.households, options.days, options.seed)
        self._open = AsyncExitStack()
        self._began = time.monotonic()

    async def live(self) -> Books:
        """Start everything, run the year, build the report."""
        await self._start()
        moving_in = MovingIn(self.company, self.households, self._view)
        await moving_in.add_providers()
        await self.town.open_shops(self.stack)
        await moving_in.add_households(self.quiet, MORNING)
        self.customer_ids = moving_in.customer_ids
        names = {moving_in.customer_ids[one.number]: one.name for one in self.households}
        self.story.names.update(names)
        world = World.at_start(self.households, moving_in.credentials, self.options.seed)
        door = Door(self.stack.urls["gateway"])
        self._open.push_async_callback(door.close)
        gate = Gate(door, self._diary("clients/devices.jsonl"))
        year = Year(world, self.town.clock, gate, self.quiet, self.story, self.town.logs, self.company.token)
        self.maker = Maker(self.stack.backends.kafka_url, self._diary("clients/maker.jsonl"))
        killer = self._killer()
        set_up_seconds = time.monotonic() - self._began
        await year.live(self.options.days, self._day(year, killer))
        return await self._close_books(year, killer, set_up_seconds)

    async def _play_flows(self, gate: Gate) -> tuple[dict[str, Any], list[str]]:
        """Run the other order flows after the report of the year is complete."""
        shops = self.evidence / "flows"
        shops.mkdir()
        known = (self.stack, self.town, self.company)
        hosted = HostedShop(*known, shops / "village-store.jsonl")
        counterparts = (
            DrsShop(*known, shops / "dash-shop.jsonl"),
            WebhookShop(*known, shops / "paper-mill.jsonl"),
            hosted,
            AssistedShop(*known, shops / "street-market.jsonl"),
        )
        act = Act(counterparts, self.company, self.town.clock, self.story)
        flows = await act.play(gate, self.quiet)
        if oversold := await hosted.oversold():
            act.anomalies.append(f"flows: {oversold} more pieces were shipped than were in stock")
        return {"flows": flows, "oversold": oversold}, act.anomalies

    async def close(self) -> None:
        """Stop everything that was started."""
        await self._open.aclose()

    async def _start(self) -> None:
        await self._open.enter_async_context(self.stack)
        await self.town.open_mailbox(self.stack)
        limits = httpx.Limits(max_connections=HTTP_CONNECTIONS, max_keepalive_connections=HTTP_CONNECTIONS)
        self._http = await self._open.enter_async_context(httpx.AsyncClient(timeout=30, limits=limits))
        self.company = Company(self._http, self.stack.urls, self.stack.home.secret("portal", "operator_key"))
        await self.company.sign_in()
        self.story = Story(self.stack.backends.kafka_url, self._view)
        await self._open.enter_async_context(self.story)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.stack.backends.kafka_url, enable_auto_commit=False)
        await self._open.enter_async_context(consumer)
        database = await connect(self.check_url)
        self._open.push_async_callback(database.close)
        self.quiet = Quiet(database, consumer, SERVICES, self.town.logs)

    @property
    def check_url(self) -> str:
        """URL of the read-only role, as `replenish check` uses it."""
        return self.stack.home.secret("check", "database_url")

    def _diary(self, name: str) -> Diary:
        diary = Diary(self.evidence / name)
        self._open.callback(diary.close)
        return diary

    def _killer(self) -> Killer:
        return Killer(
            self.stack, self._diary("kills.jsonl"), lambda: self.company.register_spare(self._first_customer())
        )

    def _first_customer(self) -> str:
        return self.customer_ids[self.households[0].number]

    def _day(self, year: Year, killer: Killer) -> Callable[[int, date], Any]:
        async def live_one(number: int, on: date) -> None:
            await self._outside(number, on)
            if self.options.kill and killer.is_due(number):
                killed = await killer.try_one(lambda: year.one_day(number))
                if killed:
                    self._view.tell(f"{on}  kill -9 {killed} with records applied but not committed", loud=True)
            else:
                await year.one_day(number)
            self._view.day(number + 1, self.options.days, on, self.story.figures | {"kills": len(killer.done)})

        return live_one

    async def _outside(self, number: int, on: date) -> None:
        """Produce two faulty records as a device maker, and repair one of them later."""
        if number == MISTAKE_DAY:
            await self.maker.report_early(self.town.clock.now())
            await self.maker.write_garbage()
            self._view.tell(
                f"{on}  a device maker produces a report of an unknown device, and an unreadable record", loud=True
            )
        elif number == REGISTRATION_DAY:
            await self.company.register_spare(self._first_customer(), DEVICE_ID)
            self._view.tell(f"{on}  the unknown device is registered; its report is processed", loud=True)

    async def _close_books(self, year: Year, killer: Killer, set_up_seconds: float) -> Books:
        self._view.phase("verifying the result")
        now, kafka_url = self.town.clock.now(), self.stack.backends.kafka_url
        verdict = await ask_judge(self.evidence, kafka_url=kafka_url, database_url=self.check_url, now=now)
        differ = await self._levels_that_differ(year.world)
        flows, trouble = await self._play_flows(year.gate)
        checked = await run_checks(self.check_url, kafka_url)
        rest = {
            "households": len(self.households),
            "slots": len(year.world.pantries),
            "days": self.options.days,
            "seed": self.options.seed,
            **life_figures(year.world),
            "levels_as_in_life": not differ,
            "levels_that_differ": differ,
            "unanswered_posts": year.gate.unanswered,
            "kills": len(killer.done),
            "killed": killer.done,
            "not_killed": killer.left if self.options.kill else [],
            "backends": self.stack.backends.kind,
            "looks": self.quiet.looks,
            **flows,
            "set_up_seconds": round(set_up_seconds, 1),
            "wall_seconds": round(time.monotonic() - self._began, 1),
        }
        return close_books(verdict, checked, rest, trouble)

    async def _levels_that_differ(self, world: World) -> int:
        """Compare each slot's level in consumption's API with its true contents."""
        differ = 0
        for device_id in world.senders:
            told = await self.company.ask("consumption", "GET", f"/v1/devices/{device_id}/slots")
            levels = {slot["slot"]: slot["level_steps"] for slot in told["slots"]}
            real = {slot: pantry.inside for (owner, slot), pantry in world.pantries.items() if owner == device_id}
            differ += sum(levels.get(slot) != level for slot, level in real.items())
        return differ
