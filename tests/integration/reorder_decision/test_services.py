"""Reorder_decision and inventory on a real broker."""

import hashlib

import msgspec
import pytest

from replenish_contracts.events import ReorderApproved, split_order_id
from services.reorder_decision.domain import Inputs, as_json, decide
from tests.support import decision_events as events
from tests.support import decisions as a
from tests.support import inventory_events as goods
from tests.support.decision_environment import of
from tests.support.decision_environment import world as opened


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    async with opened(database, kafka_url, tmp_path_factory.mktemp("world")) as world:
        yield world


class TestHousehold:
    async def test_household_is_restocked_once_with_repeated_events(self, world):
        subscription = await world.moved_in("ann")
        await world.publish(of("ann", events.crossed(1)))
        said = await world.heard("reorders", 3, customer_id="ann")
        order = said[-1]["data"]
        assert [one["type"] for one in said] == ["SubscriptionChanged", "TriggerSet", "ReorderApproved"]
        assert (order["packs"], order["quantity"], order["device_id"]) == (1, 40, "brewer of ann")

        delivery = {"customer_id": "ann", "order_id": order["order_id"], "device_id": "brewer of ann"}
        await world.publish(goods.shipped(**delivery), goods.delivered(**delivery))
        await world.heard("stock", 1, owner_id="ann")
        await world.publish(of("ann", goods.filled(10)))
        arrived, loaded = await world.heard("stock", 2, owner_id="ann")

        assert (arrived["type"], arrived["data"]["shelf"]) == ("StockArrived", 40)
        assert (loaded["type"], loaded["data"]["shelf"], loaded["data"]["cause"]) == ("StockCounted", 30, "loaded")
        said = await world.heard("reorders", 5, customer_id="ann")
        assert [(one["data"]["epoch"], one["data"]["shelf_and_on_order"]) for one in said[-2:]] == [(2, 40), (3, 30)]
        shown = (await world.decisions("GET", f"/v1/subscriptions/{subscription['subscription_id']}")).json()
        assert shown["pool"] == {
            "situation": "armed",
            "epoch": 3,
            "reason": None,
            "wake_up": None,
            "reconsider_at": None,
        }

    async def test_loading_before_credit_waits_for_arrival(self, world):
        await world.moved_in("early")
        await world.publish(of("early", goods.filled(40, "arrival", order_id="late order")))
        await world.publish(goods.delivered(customer_id="early", order_id="late order", device_id="brewer of early"))

        said = await world.heard("stock", 2, owner_id="early")

        assert [(one["type"], one["data"]["shelf"]) for one in said] == [("StockArrived", 40), ("StockCounted", 0)]

    async def test_back_off_ends_by_clock(self, world):
        await world.moved_in("fickle")
        await world.publish(of("fickle", events.crossed(1)))
        order_id = (await world.heard("reorders", 3, customer_id="fickle"))[-1]["data"]["order_id"]
        await world.publish(of("fickle", events.cancelled(order_id)))
        held = (await world.heard("reorders", 4, customer_id="fickle"))[-1]["data"]

        world.clock.step_to(a.NOON + a.days(5))

        said = await world.heard("reorders", 5, customer_id="fickle")
        assert (held["reason"], held["wake_up"]) == ("cancelled_once", "time")
        assert said[-1]["type"] == "TriggerSet"


class TestReceipts:
    async def test_receipt_can_be_replayed(self, world):
        await world.moved_in("lea")
        await world.publish(of("lea", events.crossed(1)))
        order_id = (await world.heard("reorders", 3, customer_id="lea"))[-1]["data"]["order_id"]

        receipt = (
            await world.decisions("GET", f"/v1/orders/{order_id}/receipt", role="customer", customer_id="lea")
        ).json()

        assert receipt["figures"]["threshold"] == 14.0
        assert receipt["words"][0] == "There were in the slot 6, on the shelf 0 and on order 0: 6 in all."
        again = as_json(decide(msgspec.convert(receipt["inputs"], Inputs)))
        assert hashlib.sha256(again.encode()).hexdigest() == receipt["decision_sha256"]
        foreign = await world.decisions("GET", f"/v1/orders/{order_id}/receipt", role="customer", customer_id="bob")
        assert foreign.status_code == 404

    async def test_receipts_are_paginated(self, world):
        await world.moved_in("max")
        await world.publish(of("max", events.crossed(1)))
        order_id = (await world.heard("reorders", 3, customer_id="max"))[-1]["data"]["order_id"]
        await world.publish(of("max", events.refused(order_id)))
        await world.heard("reorders", 4, customer_id="max")

        first = (await world.decisions("GET", "/v1/customers/max/receipts?limit=1")).json()
        second = (await world.decisions("GET", f"/v1/customers/max/receipts?limit=1&cursor={first['next']}")).json()
        everybody = (await world.decisions("GET", "/v1/receipts?limit=2")).json()

        assert [one["outcome"] for one in first["receipts"] + second["receipts"]] == ["hold", "order"]
        assert len(everybody["receipts"]) == 2


class TestCollecting:
    async def test_two_products_are_ordered_together_at_deadline(self, world):
        wish = {"collect_hours": 24, "days": 14.0}
        await world.two_products("nina", wish, {**wish, "collect_hours": 48})
        await world.publish(world.crossed("nina", "pods"), world.crossed("nina", "filters"))
        waiting = await world.heard("reorders", 8, customer_id="nina")

        world.clock.step_to(world.clock.now() + a.days(1))

        approved = (await world.heard("reorders", 9, customer_id="nina"))[-1]
        assert sorted(one["type"] for one in waiting[4:]) == ["ReorderHeld"] * 2 + ["TriggerSet"] * 2
        assert approved["type"] == "ReorderApproved"
        assert [line["pool_id"] for line in approved["data"]["lines"]] == ["nina/pods", "nina/filters"]

    async def test_lines_of_split_order_end_separately(self, world):
        await world.two_products("omar", {"collect_hours": 24, "days": 14.0}, {"days": 14.0})
        await world.publish(world.crossed("omar", "pods"))
        await world.heard("reorders", 6, customer_id="omar")
        await world.publish(world.crossed("omar", "filters"))
        order = ReorderApproved.model_validate((await world.heard("reorders", 7, customer_id="omar"))[-1]["data"])
        filters, pods = order.lines
        part = split_order_id(order.order_id, pods.line_id)
        arrived = {"product_id": "pods", "line_id": pods.line_id, "shelf": 40}

        await world.publish(
            of_lines("omar", events.drafted(order.order_id, filters)),
            of_lines("omar", events.drafted(part, pods)),
            of_lines("omar", events.lines_cancelled(order.order_id, filters)),
        )
        (held,) = (await world.heard("reorders", 8, customer_id="omar"))[7:]
        await world.publish(events.arrived(part, **arrived).model_copy(update={"owner_id": "omar"}))

        said = (await world.heard("reorders", 9, customer_id="omar"))[-1]
        assert (held["type"], held["data"]["pool_id"]) == ("ReorderHeld", "omar/filters")
        assert (said["type"], said["data"]["pool_id"], said["data"]["shelf_and_on_order"]) == (
            *("TriggerSet", "omar/pods", 40),
        )


def of_lines(customer_id, event):
    return event.model_copy(update={"customer_id": customer_id})
