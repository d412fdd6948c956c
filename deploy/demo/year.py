"""Runs the days: advance the clock, deliver parcels, use goods, send reports, wait until the system is idle."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from deploy.demo.event_feed import EventFeed
from deploy.demo.households import FIRST_DAY, Household
from deploy.demo.parcels import ProviderLog
from deploy.demo.quiescence import QuiescenceProbe
from deploy.demo.recording_client import RecordingClient
from deploy.demo.reporting import Report, Sender
from deploy.demo.slot_simulation import DeviceEvent, SlotSimulation
from deploy.local.waiting import until
from libs.kit.clock import SteppedClock

#: Devices report in the evening, when everything due on that day is due.
EVENING = time(20, 0, tzinfo=UTC)
FEED_TIMEOUT_SECONDS = 20


def evening_of(number: int) -> datetime:
    """Return the time of the year's n-th day (from 0)."""
    return datetime.combine(FIRST_DAY + timedelta(days=number), EVENING)


@dataclass
class World:
    """True state: contents of all slots and shelves, and the reporting behaviour of the devices."""

    households: Sequence[Household]
    senders: Mapping[str, Sender]
    credentials: Mapping[str, str]
    slots: Mapping[tuple[str, str], SlotSimulation]

    @classmethod
    def at_start(cls, households: Sequence[Household], credentials: Mapping[str, str], seed: int) -> "World":
        devices = {device_id: slots for one in households for device_id, slots in one.devices.items()}
        return cls(
            households,
            {device_id: Sender(device_id, slots, seed) for device_id, slots in devices.items()},
            credentials,
            {
                (slot.device_id, slot.slot): SlotSimulation.at_start(slot)
                for slots in devices.values()
                for slot in slots
            },
        )


@dataclass
class Year:
    """Driver of the year; it waits for an idle system after each step, so that speed does not change the result."""

    world: World
    clock: SteppedClock
    client: RecordingClient
    probe: QuiescenceProbe
    feed: EventFeed
    providers: Mapping[str, ProviderLog]
    #: Credential of the device maker's cloud, which reports for many devices in one request.
    cloud_token: str
    parcels_received: int = field(default=0)

    async def live(self, days: int, after_day: Callable[[int, date], Awaitable[None]]) -> None:
        """Run `days` days, then send the reports that devices still hold back."""
        for number in range(days):
            await after_day(number, FIRST_DAY + timedelta(days=number))
        await self._send(
            {device_id: [owed] for device_id, sender in self.world.senders.items() if (owed := sender.rest())}
        )
        await self.probe.wait(self.clock.now())

    async def one_day(self, number: int) -> None:
        """Advance to this day's evening: first deliveries, then use, then the consequences of the reports."""
        on, now = FIRST_DAY + timedelta(days=number), evening_of(number)
        self.clock.step_to(now)
        await self.probe.wait(now)
        await self._receive_parcels(now, on)
        events: dict[str, dict[str, list[DeviceEvent]]] = defaultdict(dict)
        for (device_id, slot), simulation in self.world.slots.items():
            events[device_id][slot] = list(simulation.simulate_day(on))
        await self._send(
            {device_id: self.world.senders[device_id].posts(on, now, events[device_id]) for device_id in events}
        )
        await self.probe.wait(now)

    async def _receive_parcels(self, now: datetime, on: date) -> None:
        for log in self.providers.values():
            for parcel in log.arriving(now):
                place = parcel.order_id, parcel.line_id
                await until(
                    lambda place=place: place in self.feed.slot_of,  # type: ignore[misc]  # mypy cannot type a default of a lambda
                    f"order {parcel.order_id} is on the reorders topic",
                    within_s=FEED_TIMEOUT_SECONDS,
                )
                self.world.slots[self.feed.slot_of[place]].receive(parcel.steps, on)
                self.parcels_received += 1

    async def _send(self, bodies: Mapping[str, list[list[Report]]]) -> None:
        """Send every device's bodies, with its own credential or together through the maker's cloud."""
        cloud: list[Report] = []
        async with asyncio.TaskGroup() as devices:
            for household in self.world.households:
                for device_id in household.devices:
                    if household.reports_itself:
                        devices.create_task(self._report(device_id, bodies.get(device_id, [])))
                    else:
                        cloud += [report for body in bodies.get(device_id, []) for report in body]
            if cloud:
                devices.create_task(self.client.send(self.cloud_token, cloud))

    async def _report(self, device_id: str, bodies: list[list[Report]]) -> None:
        for body in bodies:
            await self.client.send(self.world.credentials[device_id], body)
