"""A household whose products are collected into one order, and a provider that ships it in parcels."""

import random
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support import households as a
from tests.support.environment import Environment
from tests.support.home import Home
from tests.support.households import PROVIDER, Household

#: Start and threshold of each slot, and the pack that is ordered then. The rest lasts longer than an order takes, so that
#: it can be collected.
LEVEL, AT_LEVEL, CAPACITY, PACK = 107, 100, 200, 50
COLLECT_HOURS = 24.0


class Basket(Home):
    """One device with a slot per product; the order of the first product to run low includes those that collect."""

    def __init__(self, world: Environment, household: Household, customer_id: str) -> None:
        super().__init__(world, household)
        self.customer_id = customer_id
        self.products = {slot.slot: f"{household.product_id}-{slot.slot}" for slot in household.slots}

    async def runs_low(self) -> str:
        """Use every slot down to its threshold, the first one last; return the order."""
        for slot in reversed(self.products):
            await self.uses(await self.level(slot) - AT_LEVEL, slot)
        return (await self.order_ids())[-1]

    async def order_ids(self) -> list[str]:
        """Return the ids of the orders that the provider was requested to deliver, oldest first."""
        requests = [event["data"] for event in self.world.provider.asked if event["type"] == "OrderRequested"]
        products = set(self.products.values())
        return [data["order_id"] for data in requests if data["product_id"] in products]

    async def lines(self, order_id: str) -> dict[str, dict[str, Any]]:
        """Return the lines of an order by product."""
        return {line["product_id"]: line for line in (await self.order(order_id))["lines"]}

    async def line_states(self, order_id: str) -> list[str]:
        """Return the states of the lines in the order of the slots."""
        lines = await self.lines(order_id)
        return [lines[product]["state"] for product in self.products.values()]

    async def line_id(self, order_id: str, slot: str) -> str:
        return str((await self.lines(order_id))[self.products[slot]]["line_id"])

    async def levels(self) -> list[int]:
        return [await self.level(slot) for slot in self.products]

    async def cancels_line(self, order_id: str, line_id: str) -> None:
        """Request the cancellation of a line as the customer; retried, because the service may be killed."""
        path = f"/v1/orders/{order_id}/cancel"
        await self.world.ask("order_dispatch", "POST", path, {"reason": "we have enough", "line_ids": [line_id]})


async def move_in_basket(world: Environment, products: int = 2) -> Basket:
    """Register a household with this number of products, of which all but the first are collected."""
    slots = tuple(a.slot(slot=str(number), level=LEVEL, capacity=CAPACITY) for number in range(1, products + 1))
    household = a.household(slots=slots, at_level=AT_LEVEL, packs=1, pack_size=PACK)
    answer = await world.ask("portal", "POST", "/v1/customers", household.joined())
    home = Basket(world, household, answer["customer_id"])
    for product in home.products.values():
        await world.ask("order_dispatch", "PUT", f"/v1/providers/{PROVIDER}/offers/{product}", household.offer())
    body = {"device_id": home.device_id, "slots": [slot.registered(home.products[slot.slot]) for slot in slots]}
    registered = await world.ask("portal", "POST", f"/v1/customers/{home.customer_id}/devices", body)
    home.credentials[home.device_id] = registered["credential"]
    await world.settled()
    for slot, product in home.products.items():
        collects = {} if slot == "1" else {"collect_hours": COLLECT_HOURS}
        wish = household.wish.subscribed(product) | collects
        await world.ask("reorder_decision", "POST", f"/v1/customers/{home.customer_id}/subscriptions", wish)
    await world.settled()
    return home


@dataclass(frozen=True)
class Report:
    """An update of a provider about one parcel."""

    status: str
    shipment_id: str
    #: Quantity by line id.
    quantities: dict[str, int]

    def update(self) -> dict[str, Any]:
        lines = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in self.quantities.items()]
        return {"shipment_id": self.shipment_id, "lines": lines}


def parcels_of(order_id: str, line_ids: list[str], dice: random.Random) -> list[Report]:
    """Return the shipments of an order: its first line leaves in two parcels, each other line with one of them."""
    part = dice.randint(1, PACK - 1)
    parcels: list[dict[str, int]] = [{line_ids[0]: part}, {line_ids[0]: PACK - part}]
    for line_id in line_ids[1:]:
        dice.choice(parcels)[line_id] = PACK
    return [Report("shipped", f"{order_id}-{number}", quantities) for number, quantities in enumerate(parcels, 1)]


async def publish(world: Environment, order_id: str, report: Report, copies: int = 1) -> None:
    """Publish a report, and copies of it with ids of their own; the last one repeats the first one's id."""
    ids = [str(uuid4()) for _ in range(copies)]
    for update_id in [*ids, *ids[:1]] if copies > 1 else ids:
        await world.provider.publishes(order_id, report.status, update_id=update_id, **report.update())
