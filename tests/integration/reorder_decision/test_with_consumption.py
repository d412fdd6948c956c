"""Together with consumption, slots are restocked once although each event is published twice."""

import pytest

from replenish_contracts.events import SlotRefilled, SlotUsed
from services.consumption.service import SERVICE as CONSUMPTION
from tests.support import decision_events as events
from tests.support import decisions as a
from tests.support import inventory_events as goods
from tests.support.decision_environment import DEADLINE_SECONDS
from tests.support.decision_environment import world as opened
from tests.support.portal_server import until


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    async with opened(database, kafka_url, tmp_path_factory.mktemp("world"), CONSUMPTION) as world:
        world.seqs = {}
        yield world


async def report(world, kind, device_id, **fields):
    """Publish a device's report with the slot's next sequence."""
    seq = world.seqs[device_id] = world.seqs.get(device_id, 0) + 1
    at = a.NOON + a.days(seq / 24)
    await world.publish(
        kind(device_id=device_id, slot="1", boot="b1", seq=seq, occurred_at=at, received_at=at, **fields)
    )


async def moved_in(world, customer_id, devices, level=30, loading="by_hand", **wishes):
    """Register devices with one slot each and subscribe at level 10."""
    await world.know_offer()
    for device_id in devices:
        slot = events.spec(level=level, loading=loading)
        await world.publish(events.registered(device_id, slot, customer_id=customer_id))
    answer = await world.subscribe(customer_id, days=0, at_level=10, **wishes)
    assert answer.status_code == 201
    return answer.json()["subscription_id"]


async def approved(world, customer_id, count=1):
    """Wait for the number of approved orders and return the last one."""

    async def orders():
        answer = (await world.decisions("GET", f"/v1/customers/{customer_id}/receipts")).json()
        placed = [receipt for receipt in answer["receipts"] if receipt["outcome"] == "order"]
        return placed if len(placed) >= count else None

    placed = await until(orders, f"{customer_id} has {count} orders", DEADLINE_SECONDS)
    assert len(placed) == count
    return placed[0]


async def waits(world, subscription_id, situation, after=0):
    """Wait for the pool's situation in an epoch above `after`, and return the epoch."""

    async def does():
        pool = (await world.decisions("GET", f"/v1/subscriptions/{subscription_id}")).json()["pool"]
        return pool["epoch"] if pool["situation"] == situation and pool["epoch"] > after else None

    return await until(does, f"the pool is {situation} in an epoch above {after}", DEADLINE_SECONDS)


def delivery(receipt, customer_id, device_id):
    return goods.delivered(40, customer_id=customer_id, order_id=receipt["order_id"], device_id=device_id)


async def test_slot_loaded_by_hand_is_restocked_once(world):
    subscription = await moved_in(world, "ann", ["brewer"])
    await waits(world, subscription, "armed")
    for _ in range(5):
        await report(world, SlotUsed, "brewer", quantity=4)
    receipt = await approved(world, "ann")
    assert receipt["figures"]["levels"] == 10

    await world.publish(delivery(receipt, "ann", "brewer"))
    arrived = await waits(world, subscription, "armed", after=1)
    await report(world, SlotRefilled, "brewer", quantity=40)
    await waits(world, subscription, "armed", after=arrived)

    shelf = (await world.inventory("GET", "/v1/customers/ann/stock")).json()["stock"][0]["total"]
    assert shelf == 0
    assert await approved(world, "ann")


async def test_slot_with_direct_loading_is_restocked_once(world):
    subscription = await moved_in(world, "bob", ["doser"], level=12, loading="direct")
    await waits(world, subscription, "armed")
    await report(world, SlotUsed, "doser", quantity=2)
    receipt = await approved(world, "bob")

    await world.publish(delivery(receipt, "bob", "doser"))

    await waits(world, subscription, "armed", after=2)
    assert (await world.inventory("GET", "/v1/customers/bob/stock")).json()["stock"][0]["total"] == 0
    await approved(world, "bob")


async def test_subscription_of_low_slot_orders_at_once(world):
    await moved_in(world, "cleo", ["jar"], level=3)

    receipt = await approved(world, "cleo")

    assert receipt["words"][0].startswith("There were in the slot 3,")


async def test_two_slots_of_product_share_one_order(world):
    subscription = await moved_in(world, "dan", ["left", "right"], level=8)
    epoch = await waits(world, subscription, "followed")
    await report(world, SlotUsed, "left", quantity=5)
    await report(world, SlotUsed, "right", quantity=1)

    receipt = await approved(world, "dan")

    assert (receipt["figures"]["levels"], receipt["decision"]["device_id"]) == (10, "left")
    await world.publish(delivery(receipt, "dan", "left"))
    await waits(world, subscription, "followed", after=epoch)
    await report(world, SlotRefilled, "left", quantity=40)
    await report(world, SlotUsed, "right", quantity=7)
    await until(lambda: shelf_is_empty(world, "dan"), "the pack is loaded", DEADLINE_SECONDS)
    await approved(world, "dan")


async def shelf_is_empty(world, customer_id):
    return (await world.inventory("GET", f"/v1/customers/{customer_id}/stock")).json()["stock"][0]["total"] == 0


async def test_replaced_device_takes_over_level(world):
    subscription = await moved_in(world, "eve", ["old"], level=12)
    epoch = await waits(world, subscription, "armed")
    await world.publish(events.replaced("new", "old", customer_id="eve"))
    await waits(world, subscription, "armed", after=epoch)

    await report(world, SlotUsed, "new", quantity=2)

    assert (await approved(world, "eve"))["decision"]["device_id"] == "new"
