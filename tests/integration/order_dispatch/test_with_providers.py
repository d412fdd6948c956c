"""Orders over a real broker, with provider integrations as separate processes."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta

from libs.kit.clock import SteppedClock
from tests.support import orders as a
from tests.support.portal_server import until


async def test_provider_places_ships_and_order_is_delivered_on_date(world):
    async with world.provider("acme", "--lead-days", "2"):
        order_id = await world.approve("acme")
        shipped = await world.reaches(order_id, "shipped")
        assert shipped["price"] == {"amount": "9.98", "currency": "USD"}
        assert shipped["quantity"] == {"quantity": "40", "unit": "C62"}

        world.step(days=2)
        delivered = await world.reaches(order_id, "delivered")

    assert delivered["evidence"] == "estimated"
    assert [step["to_state"] for step in delivered["history"]] == [
        *("drafted", "placing", "placed", "shipped", "delivered")
    ]
    assert all(step["cause"] for step in delivered["history"][:1])
    (asked,) = await world.topic("provider-orders-acme")
    assert asked["data"]["ship_to"]["city"] == "Ulm"
    assert asked["sequence"] == "1"


async def test_smallest_provider_accepts_each_order_once_across_kill(world):
    await world.put_provider("tiny")
    book = world.folder / "tiny.txt"

    def start():
        command = [sys.executable, "-m", "deploy.samples.smallest_provider", world.kafka_url, "tiny", str(book)]
        return subprocess.Popen(command)

    process = start()
    try:
        first = await world.reaches(await world.approve("tiny"), "shipped")
        process.kill()
        process.wait()
        second = await world.approve("tiny", 2)
        process = start()
        await world.reaches(second, "shipped")
        await world.post(f"orders/{second}/cancel", {"reason": "enough"})
    finally:
        process.kill()
        process.wait()

    assert first["order_id"] == "tiny-1"
    assert book.read_text().splitlines() == ["tiny-1", "tiny-2"]
    updates = {event["id"] for event in await world.topic("provider-updates-tiny")}
    assert updates == {f"tiny-{number}-{said}" for number in (1, 2) for said in ("accepted", "shipped")}


async def test_reported_delivery_precedes_expected_date(world):
    ahead = world.folder / "ahead"
    SteppedClock.create(ahead, world.clock.now() + timedelta(days=2))
    async with world.provider("prompt", "--lead-days", "1", "--delivers", "--clock", str(ahead)):
        order_id = await world.approve("prompt")
        delivered = await world.reaches(order_id, "delivered")

    assert delivered["evidence"] == "reported"
    assert [row["op"] for row in world.written("prompt") if row["op"] == "delivered"] == ["delivered"]


async def test_silent_provider_makes_order_unknown_until_status(world):
    async with world.provider("mute", "--silent", unruly=True):
        order_id = await world.approve("mute")
        await until(lambda: _wrote(world, "mute", "accepted"), "the order was taken")
        assert (await world.order(order_id))["state"] == "placing"

        world.step(hours=24)
        shipped = await world.reaches(order_id, "shipped")

    assert "unknown" in [step["to_state"] for step in shipped["history"]]
    kinds = [event["type"] for event in await world.topic("provider-orders-mute")]
    assert kinds.count("OrderRequested") == 1
    assert kinds.count("OrderStatusRequested") >= 1


async def test_order_not_received_by_provider_fails(world):
    async with world.provider("sieve", "--forgetful", unruly=True):
        order_id = await world.approve("sieve")
        await world.reaches(order_id, "placing")

        world.step(hours=24)
        failed = await world.reaches(order_id, "failed")

    assert failed["history"][-1]["because"].startswith("sieve reported not_found")


async def test_updates_short_repeated_and_reversed_end_alike(world):
    faults = ("--duplicate", "--reorder", "--refuse-every", "3", "--short-every", "2", "--delivers", "--lead-days", "1")
    async with world.provider("chaos", *faults, unruly=True):
        orders = []
        for number, state in enumerate(("shipped", "shipped", "refused"), 1):  # it numbers orders as they come
            orders.append(await world.approve("chaos", number))
            await world.reaches(orders[-1], state)
        refused = await world.order(orders[2])
        world.step(days=1)
        ends = [await world.reaches(order, "delivered") for order in orders[:2]]

    assert [end["shipped"] for end in ends] == [
        {"quantity": "40", "unit": "C62"},
        {"quantity": "20", "unit": "C62"},
    ]
    assert refused["updates"][0]["provider_reason"] == "sold out"
    repeats = await until(lambda: _repeats(world, orders[0]), "repeats are counted")
    assert repeats >= 2


async def test_killed_provider_accepts_each_order_once(world):
    async with world.provider("phoenix") as first:
        orders = [await world.approve("phoenix", number) for number in range(1, 6)]
        await until(lambda: _wrote(world, "phoenix", "accepted"), "the first order was taken")
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
        with world.log("phoenix").open("a") as log:
            log.write('{"op": "acc')  # what a kill in the middle of a line leaves

        second = world.start_provider("phoenix")
        try:
            for order_id in orders:
                await world.reaches(order_id, "shipped")
        finally:
            second.kill()
            await asyncio.to_thread(second.wait)

    accepted = [row["order_id"] for row in world.written("phoenix") if row["op"] == "accepted"]
    assert sorted(accepted) == orders


async def test_portal_down_delays_and_erased_customer_fails(world):
    world.desk.down, before = True, world.desk.requests
    async with world.provider("later"):
        order_id = await world.approve("later")
        await until(lambda: _requested_since(world, before), "the portal got a request")
        assert (await world.order(order_id))["state"] == "drafted"

        world.desk.down = False
        await world.reaches(order_id, "shipped")

        order = a.approved(order_id="gone", pool_id="gone", provider_id="later", customer_id="gone", device_id="lost")
        await world.publish(order)
        assert (await world.reaches("gone", "failed"))["history"][-1]["because"] == "the customer no longer exists"


async def test_cancel_until_shipped(world):
    async with world.provider("slow", "--handling-days", "3"):
        order_id = await world.approve("slow")
        await world.reaches(order_id, "placed")

        assert (await world.cancel(order_id, "bob")).status_code == 404
        assert (await world.cancel(order_id)).status_code == 202
        cancelled = await world.reaches(order_id, "cancelled")
        assert (await world.cancel(order_id)).status_code == 200

    assert (cancelled["cancellation"]["by"], cancelled["cancellation"]["reason"]) == ("customer", "enough")
    assert [event["type"] for event in await world.topic("provider-orders-slow")] == [
        "OrderRequested",
        "CancelRequested",
    ]


async def test_cancel_after_shipment_is_rejected(world):
    async with world.provider("quick"):
        order_id = await world.approve("quick")
        await world.reaches(order_id, "shipped")

        late = await world.cancel(order_id)

    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "too_late", "shipped")


async def _wrote(world, name, op):
    return world.log(name).exists() and any(row["op"] == op for row in world.written(name))


async def _repeats(world, order_id):
    return sum(update["repeats"] for update in (await world.order(order_id))["updates"])


async def _requested_since(world, before):
    return world.desk.requests > before
