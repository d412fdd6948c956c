"""Two slots with different products become low: one order of two lines, in two parcels, seen on page, mail and CLI."""

import html
import re

import httpx

from tests.support import households as a
from tests.support.households import PROVIDER

FILTERS = "Paper filters"


async def test_two_lines_are_ordered_delivered_and_explained(world):
    home, filters = await moves_in_with_two_products(world)

    await home.uses(2)
    waiting = await home.waits_for()
    await uses_filters(world, home)
    [order_id] = await orders_of(world, home)
    drafted = await home.order(order_id)
    products = [line["product_id"] for line in drafted["lines"]]

    assert waiting == "collecting"
    assert products == [filters, home.product_id]
    await world.provider.accepts(order_id)
    await world.hours(1)
    assert home.mails() == ["Ordered: 2 things from Acme, 27.40 EUR"]
    [mail] = [one for one in world.mails() if home.household.email in one["to"]]
    assert "Paper filters" in mail["text"]
    assert "Coffee pods" in mail["text"]

    first, second = (line["line_id"] for line in drafted["lines"])
    await world.provider.ships(order_id, shipment_id="parcel-1", lines=[{"line_id": second, "quantity": 50}])
    await world.provider.delivers(order_id, shipment_id="parcel-1", lines=[{"line_id": second}])
    half = await home.order(order_id)
    assert (half["state"], [line["state"] for line in half["lines"]]) == ("shipped", ["ordered", "delivered"])
    assert await levels(world, home) == {home.product_id: 100, filters: 50}

    await world.provider.ships(order_id, shipment_id="parcel-2", lines=[{"line_id": first, "quantity": 50}])
    await world.provider.delivers(order_id, shipment_id="parcel-2", lines=[{"line_id": first}])
    whole = await home.order(order_id)
    assert (whole["state"], {line["state"] for line in whole["lines"]}) == ("delivered", {"delivered"})
    assert await levels(world, home) == {home.product_id: 100, filters: 100}
    assert await orders_of(world, home) == [order_id]
    assert world.provider.requests(order_id) == ["OrderRequested"]

    _, order, lines = (await page_of(world, home)).partition("2 things from Acme")
    assert order
    assert "Paper filters" in lines
    assert "Coffee pods" in lines
    explained = world.command("explain", order_id)
    assert explained.returncode == 0, explained.stderr
    for line_id, product_id in ((first, filters), (second, home.product_id)):
        line = f"line {line_id}: 1 x 50 of {product_id}"
        assert re.search(rf"{re.escape(line)}.*: delivered\n", explained.stdout), explained.stdout
    assert "So 1 x 50 from acme were ordered." in explained.stdout
    assert f"after waiting for other products: {filters} was ordered from the same provider." in explained.stdout


async def moves_in_with_two_products(world):
    """Register a household whose coffee pods wait for another order, and whose filters order at once."""
    home = await world.move_in(a.household(level=52, at_level=50))
    await home.wants(collect_hours=24)
    filters = f"paper-filters-{home.household.number}"
    offer = home.household.offer() | {"title": FILTERS, "price": {"amount": "9.50", "currency": "EUR"}}
    await world.ask("order_dispatch", "PUT", f"/v1/providers/{PROVIDER}/offers/{filters}", offer)
    slot = a.slot(level=52).registered(filters) | {"name": FILTERS}
    body = {"device_id": f"{home.device_id}-filters", "slots": [slot]}
    answer = await world.ask("portal", "POST", f"/v1/customers/{home.customer_id}/devices", body)
    home.credentials[body["device_id"]] = answer["credential"]
    await world.settled()
    path = f"/v1/customers/{home.customer_id}/subscriptions"
    await world.ask("reorder_decision", "POST", path, home.wish.subscribed(filters))
    await world.settled()
    return home, filters


async def uses_filters(world, home):
    report = home.counted("SlotUsed", quantity=2) | {"device_id": f"{home.device_id}-filters", "seq": 1}
    await world.gateway.takes(home.credentials[report["device_id"]], [report])
    await world.settled()


async def orders_of(world, home):
    answer = await world.ask("order_dispatch", "GET", f"/v1/customers/{home.customer_id}/orders")
    return [order["order_id"] for order in answer["orders"]]


async def levels(world, home):
    found = {}
    for device_id in home.credentials:
        answer = await world.ask("consumption", "GET", f"/v1/devices/{device_id}/slots")
        found |= {slot["product_id"]: int(slot["level_steps"]) for slot in answer["slots"]}
    return found


async def page_of(world, home):
    """Return the customer's page as text."""
    link = await world.company.sign_in_link(home.customer_id)
    async with httpx.AsyncClient(base_url=world.urls["portal"], timeout=30) as browser:
        await browser.get(link)
        return html.unescape((await browser.get("/")).text)
