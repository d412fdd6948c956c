"""Sets up providers, offers, customers, devices and subscriptions through the APIs before the year begins."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from deploy.demo.company import Company, prices
from deploy.demo.households import PROVIDERS, Household
from deploy.demo.quiescence import QuiescenceProbe
from deploy.demo.view import View

#: Concurrent requests; more would only queue on two cores.
MAX_CONCURRENT = 8

Item = TypeVar("Item")


async def for_each(items: Sequence[Item], do: Callable[[Item], Awaitable[None]]) -> None:
    """Call `do` for every item with limited concurrency; the first failure cancels the rest."""
    semaphore = asyncio.Semaphore(MAX_CONCURRENT)

    async def one(item: Item) -> None:
        async with semaphore:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(one(item))


class HouseholdSetup:
    """Registers providers and households."""

    def __init__(self, company: Company, households: Sequence[Household], view: View) -> None:
        self._company, self._households, self._view = company, households, view
        #: By household number.
        self.customer_ids: dict[int, str] = {}
        #: By device id.
        self.credentials: dict[str, str] = {}

    async def add_providers(self) -> None:
        self._view.phase(f"creating {len(PROVIDERS)} providers and their offers")
        by_id = {provider.provider_id: provider for provider in PROVIDERS}
        await for_each(PROVIDERS, self._company.add_provider)
        offers = list(prices(self._households).items())
        await for_each(offers, lambda one: self._company.add_offer(by_id[one[0][0]], one[0][1], one[1]))

    async def add_households(self, probe: QuiescenceProbe, now: datetime) -> None:
        self._view.phase(f"creating {len(self._households)} households")
        await for_each(self._households, self._join)
        devices = [(one, device_id) for one in self._households for device_id in one.devices]
        self._view.phase(f"registering {len(devices)} devices")
        await for_each(devices, lambda one: self._register(*one))
        await probe.wait(now)
        slots = sum(len(one.slots) for one in self._households)
        self._view.phase(f"subscribing {slots} slots")
        await for_each(self._households, self._count_and_subscribe)
        await probe.wait(now)

    async def _join(self, household: Household) -> None:
        self.customer_ids[household.number] = await self._company.join(household)

    async def _register(self, household: Household, device_id: str) -> None:
        customer_id = self.customer_ids[household.number]
        slots = household.devices[device_id]
        self.credentials[device_id] = await self._company.register(customer_id, device_id, slots)

    async def _count_and_subscribe(self, household: Household) -> None:
        customer_id = self.customer_ids[household.number]
        for slot in household.slots:
            if beside := slot.order_steps - slot.level:
                await self._company.count_shelf(customer_id, slot, beside)
            await self._company.subscribe(customer_id, slot, household)
