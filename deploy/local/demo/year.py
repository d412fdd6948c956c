"""Lives the days: the clock is stepped, parcels arrive, things are used, devices report, all settles."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from deploy.local.demo.gate import Gate
from deploy.local.demo.households import FIRST_DAY, Household
from deploy.local.demo.life import Pantry
from deploy.local.demo.parcels import ProviderLog
from deploy.local.demo.quiet import Quiet
from deploy.local.demo.reporting import Sender
from deploy.local.demo.story import Story
from deploy.local.waiting import until
from libs.kit.clock import SteppedClock

#: Devices report in the evening; what is due on a day is due by then.
EVENING = time(20, 0, tzinfo=UTC)
STORY_PATIENCE_SECONDS = 20


def evening_of(number: int) -> datetime:
    """Return the moment of the year's n-th day (from 0) at which the clock stands."""
    return datetime.combine(FIRST_DAY + timedelta(days=number), EVENING)


@dataclass
class World:
    """Everything that is real: what is in the cupboards, and which devices report how."""

    households: Sequence[Household]
    senders: Mapping[str, Sender]
    credentials: Mapping[str, str]
    pantries: Mapping[tuple[str, str], Pantry]

    @classmethod
    def at_start(cls, households: Sequence[Household], credentials: Mapping[str, str], seed: int) -> "World":
        devices = {device_id: slots for one in households for device_id, slots in one.devices.items()}
        return cls(
            households,
            {device_id: Sender(device_id, slots, seed) for device_id, slots in devices.items()},
            credentials,
            {(slot.device_id, slot.slot): Pantry.at_start(slot) for slots in devices.values() for slot in slots},
        )


@dataclass
class Year:
    """The driver: nothing moves on before everything has settled, so that speed changes nothing."""

    world: World
    clock: SteppedClock
    gate: Gate
    quiet: Quiet
    story: Story
    providers: Mapping[str, ProviderLog]
    parcels_received: int = field(default=0)

    async def live(self, days: int, after_day: Callable[[int, date], Awaitable[None]]) -> None:
        """Live so many days from the first on, and then let the devices hand in what they owe."""
        for number in range(days):
            await after_day(number, FIRST_DAY + timedelta(days=number))
        for device_id, sender in self.world.senders.items():
            if owed := sender.rest():
                await self.gate.send(device_id, self.world.credentials[device_id], owed)
        await self.quiet.wait(self.clock.now())

    async def one_day(self, number: int) -> None:
        """Step to this day's evening; goods first, then use, then what follows from the reports."""
        on, now = FIRST_DAY + timedelta(days=number), evening_of(number)
        self.clock.step_to(now)
        await self.quiet.wait(now)
        await self._receive_parcels(now, on)
        async with asyncio.TaskGroup() as devices:
            for household in self.world.households:
                for device_id in household.devices:
                    devices.create_task(self._report(device_id, on, now))
        await self.quiet.wait(now)

    async def _receive_parcels(self, now: datetime, on: date) -> None:
        for log in self.providers.values():
            for parcel in log.arriving(now):
                order = parcel.order_id
                await until(
                    lambda order=order: order in self.story.slot_of,  # type: ignore[misc]
                    f"order {order} is on the reorders topic",
                    within_s=STORY_PATIENCE_SECONDS,
                )
                self.world.pantries[self.story.slot_of[order]].receive(parcel.steps, on)
                self.parcels_received += 1

    async def _report(self, device_id: str, on: date, now: datetime) -> None:
        sender = self.world.senders[device_id]
        seen = {
            slot: list(pantry.live(on)) for (owner, slot), pantry in self.world.pantries.items() if owner == device_id
        }
        for body in sender.posts(on, now, seen):
            await self.gate.send(device_id, self.world.credentials[device_id], body)
