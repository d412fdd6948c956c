"""Orders of two lines at the sample providers: in two parcels, one line refused, one cancelled."""

from contextlib import asynccontextmanager

import pytest

from tests.support.portal_server import until


@asynccontextmanager
async def provider(world, kind, name, *options):
    """Start a sample provider of this protocol."""
    if kind != "kafka":
        async with world.shop(kind, name, *options):
            yield
        return
    await world.put_provider(name)
    await world.offer_filters(name)
    async with world.provider(name, *(option for option in options if option != "--ships")):
        yield


async def line_states(world, order_id):
    return [line["state"] for line in (await world.order(order_id)).get("lines", [])]


async def reaches_lines(world, order_id, *states):
    async def found_or_none():
        return await line_states(world, order_id) == list(states) or None

    await until(found_or_none, f"the lines of {order_id} are {states}")


async def shipped_lines(world, order_id):
    """Return the published shipments: the quantity of each line, and whether nothing follows."""
    return [
        ({line["line_id"]: line["quantity"] for line in event["lines"]}, event["complete"])
        for event in await world.facts(order_id, "OrderShipped")
    ]


@pytest.mark.parametrize("kind", ["acp", "kafka", "webhook"])
async def test_lines_leave_in_two_parcels(world, kind):
    name = f"parts-{kind}"
    async with provider(world, kind, name, "--ships", "--part-shipments"):
        order_id = await world.approve_basket(name)
        if kind == "kafka":
            await reaches_lines(world, order_id, "ordered", "shipped")
            world.step(days=1)
        await reaches_lines(world, order_id, "shipped", "shipped")

    assert await shipped_lines(world, order_id) == [({"2": 100}, False), ({"1": 40}, True)]
    parcels = {parcel["shipment_id"] for parcel in (await world.order(order_id))["shipments"]}
    # ACP counts what left of each line, without ids of parcels, and so does a status request.
    assert parcels <= (set() if kind == "acp" else {f"{order_id}-1", f"{order_id}-2"})
    assert kind != "kafka" or len(parcels) == 2


@pytest.mark.parametrize("kind", ["acp", "webhook"])
async def test_token_is_redeemed_once_for_the_whole_order(world, kind):
    name = f"whole-{kind}"
    async with provider(world, kind, name, "--ships", "--cashes"):
        order_id = await world.approve_basket(name)
        await reaches_lines(world, order_id, "shipped", "shipped")

    (row,) = await world.rows("SELECT redeemed_amount FROM order_token WHERE order_id = $1", order_id)
    assert row["redeemed_amount"] == 1348
    order = await world.order(order_id)
    billed = {"amount": "13.48", "currency": "USD"}
    # Events of an ACP order have no total: if one is read before the response to the checkout, the total is unknown.
    assert order["billed"] == billed or (kind == "acp" and order["billed"] is None)


@pytest.mark.parametrize("kind", ["kafka", "webhook"])
async def test_sold_out_line_is_refused_and_the_other_leaves(world, kind):
    name = f"lacks-{kind}"
    async with provider(world, kind, name, "--ships", "--sold-out", "filters"):
        order_id = await world.approve_basket(name)
        await reaches_lines(world, order_id, "shipped", "refused")

    (refused,) = await world.facts(order_id, "OrderLinesRefused")
    assert ([line["line_id"] for line in refused["lines"]], refused["reason"]) == (["2"], "sold out")


async def test_checkout_with_a_sold_out_line_is_refused(world):
    async with provider(world, "acp", "lacks-acp", "--sold-out", "filters"):
        order_id = await world.approve_basket("lacks-acp")
        await reaches_lines(world, order_id, "refused", "refused")


@pytest.mark.parametrize("kind", ["kafka", "webhook"])
async def test_cancelled_line_ends_and_the_other_stays(world, kind):
    name = f"cancels-{kind}"
    async with provider(world, kind, name, *(("--handling-days", "1") if kind == "kafka" else ())):
        order_id = await world.approve_basket(name)
        await world.reaches(order_id, "placed")
        asked = {"reason": "enough", "line_ids": ["2"]}
        answer = await world.post(f"orders/{order_id}/cancel", asked, "customer", customer_id="ann")
        assert answer.status_code == 202, answer.text
        await reaches_lines(world, order_id, "ordered", "cancelled")

    assert (await world.order(order_id))["state"] == "placed"


async def test_line_of_a_checkout_cannot_be_cancelled(world):
    async with provider(world, "acp", "keeps-acp"):
        order_id = await world.approve_basket("keeps-acp")
        await world.reaches(order_id, "placed")
        asked = {"reason": "enough", "line_ids": ["2"]}
        answer = await world.post(f"orders/{order_id}/cancel", asked, "customer", customer_id="ann")

    assert answer.status_code == 409, answer.text
    assert await line_states(world, order_id) == ["ordered", "ordered"]
