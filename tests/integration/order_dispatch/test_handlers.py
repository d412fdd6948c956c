"""What handlers do to the database and what they say; every one is called twice."""

from datetime import timedelta

import pytest

from libs.kit import NotReadyError, RejectedError, Task, TaskResult
from libs.kit.testing import store_for
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    ShipTo,
    SlotMove,
    SlotSpec,
)
from services.order_dispatch.domain import State
from services.order_dispatch.orders.handlers import (
    check_due_orders,
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
    on_order_updated,
    on_reorder_approved,
)
from services.order_dispatch.orders.tasks import on_ship_to_fetched
from services.order_dispatch.service import SERVICE
from tests.support import orders as a

HOME = ShipTo(name="Ann", line1="Elm 1", postal_code="1", city="Ulm", country="DE").model_dump()


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        await opened.save_provider(a.ACME)
        await opened.save_offer(a.offer())
        yield opened


def registered(device_id="brewer", registration=1, **changes):
    fields = {
        "customer_id": "ann",
        "device_id": device_id,
        "registration": registration,
        "credential_sha256": "0" * 64,
        "slots": (SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100),),
    }
    return DeviceRegistered(**(fields | changes))


async def approve(store, **changes):
    await on_device_registered(registered(), store)
    return await on_reorder_approved(a.approved(**changes), store)


def outcome(result=None, refused=None):
    return TaskResult(Task("o1", {}, 1), result, refused)


async def send(store, **ended):
    task = Task("o1", {"order_id": "o1", "customer_id": "ann"}, 1)
    return await on_ship_to_fetched(task, outcome(**(ended or {"result": {"ship_to": HOME}})), store)


async def place(store):
    await approve(store)
    await send(store)
    await on_order_updated(a.update("accepted"), store)


async def state(store):
    return (await store.lock_order("o1")).state


async def fate(store, update_id):
    row = await store.connection.fetchrow(
        "SELECT outcome, reason, repeats FROM provider_update WHERE update_id = $1", update_id
    )
    return tuple(row)


def names(events):
    return [type(event).__name__ for event in events]


class TestOnReorderApproved:
    async def test_drafts_the_order_and_intends_to_place_it(self, store):
        said = await approve(store)

        assert names(said) == ["OrderDrafted"]
        (intended,) = store.added_tasks
        assert (intended.kind, intended.task_id, intended.due_at) == ("fetch_address", "o1", a.NOON)
        assert intended.payload == {"order_id": "o1", "customer_id": "ann"}

    async def test_waits_for_the_cancel_window(self, database):
        async with store_for(SERVICE, database, cancel_window_hours=24) as store:
            store.now = a.NOON
            await store.save_provider(a.ACME)
            await approve(store)

            assert store.added_tasks[0].due_at == a.NOON + timedelta(hours=24)

    async def test_twice_drafts_once(self, store):
        await approve(store)

        assert await on_reorder_approved(a.approved(), store) == []
        assert len(store.added_tasks) == 1

    async def test_waits_for_a_device_nobody_told_of(self, store):
        with pytest.raises(NotReadyError, match="device:brewer"):
            await on_reorder_approved(a.approved(), store)

        await on_device_registered(registered(), store)
        assert "device:brewer" in store.resolved_dependencies

    async def test_refuses_a_slot_the_device_does_not_have(self, store):
        with pytest.raises(RejectedError):
            await approve(store, slot="9")

    async def test_of_a_device_that_left_is_cancelled_at_once(self, store):
        await on_device_registered(registered(), store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1), store)

        assert names(await on_reorder_approved(a.approved(), store)) == ["OrderDrafted", "OrderCancelled"]
        assert store.added_tasks == []

    async def test_of_a_registration_that_ended_is_not_revived_by_hearing_of_it_again(self, store):
        await on_device_registered(registered(registration=2), store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=2), store)
        await on_device_registered(registered(registration=2), store)
        await on_device_registered(registered(registration=1), store)

        assert names(await on_reorder_approved(a.approved(), store)) == ["OrderDrafted", "OrderCancelled"]

    async def test_of_an_unknown_provider_fails_at_once(self, store):
        assert names(await approve(store, provider_id="nobody")) == ["OrderDrafted", "OrderFailed"]


class TestOnShipToFetched:
    async def test_asks_the_provider_with_the_address(self, store):
        await approve(store)

        (asked,) = await send(store)

        assert (asked.provider_id, asked.quantity, asked.unit, asked.ship_to.city) == ("acme", 40, "C62", "Ulm")
        assert await state(store) is State.PLACING

    async def test_twice_asks_once(self, store):
        await approve(store)
        await send(store)

        assert await send(store) == []

    async def test_keeps_no_address(self, store):
        await approve(store)
        await send(store)

        kept = await store.connection.fetchval("SELECT string_agg(to_jsonb(o)::text, '') FROM orders o")
        assert "Elm" not in kept

    async def test_does_nothing_for_an_order_cancelled_meanwhile(self, store):
        await approve(store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1), store)

        assert await send(store) == []

    async def test_fails_the_order_of_a_customer_who_is_gone(self, store):
        await approve(store)

        (said,) = await send(store, refused="the customer is gone")

        assert said.reason == "the customer is gone"
        assert await state(store) is State.FAILED


class TestOnOrderUpdated:
    async def test_follows_the_goods(self, store):
        await approve(store)
        await send(store)

        said = [
            *await on_order_updated(a.update("accepted"), store),
            *await on_order_updated(a.update("shipped", quantity=30), store),
            *await on_order_updated(a.update("delivered"), store),
        ]

        assert names(said) == ["OrderPlaced", "OrderShipped", "OrderDelivered", "ClaimRaised"]
        assert [said[2].quantity, said[3].ordered, said[3].received] == [30, 40, 30]

    async def test_is_applied_once_and_repeats_are_counted(self, store):
        await place(store)

        assert await on_order_updated(a.update("accepted"), store) == []
        assert await fate(store, "u-accepted") == ("applied", "", 1)

    async def test_refuses_another_fact_under_the_same_id(self, store):
        await place(store)

        with pytest.raises(RejectedError, match="different content"):
            await on_order_updated(a.update("shipped", update_id="u-accepted"), store)

    async def test_keeps_what_it_does_not_apply_and_why(self, store):
        await place(store)
        await store.save_provider(a.Provider("evil", "Evil", "kafka"))

        assert await on_order_updated(a.update("not_found"), store) == []
        assert await on_order_updated(a.update("shipped", provider_id="evil", update_id="e"), store) == []
        assert await on_order_updated(a.update("accepted", order_id="o9", update_id="x"), store) == []

        assert (await fate(store, "u-not_found"))[0] == "not_applied"
        assert (await fate(store, "e"))[:2] == ("refused", "the order belongs to another provider")
        assert (await fate(store, "x"))[:2] == ("unmatched", "no such order")
        assert await state(store) is State.PLACED


class TestLookAfterOrders:
    async def test_asks_about_a_silent_order_and_never_sends_it_again(self, store):
        await approve(store)
        await send(store)

        store.now = a.NOON + timedelta(hours=24)
        assert names(await check_due_orders(store)) == ["OrderUnknown", "OrderStatusRequested"]
        assert await check_due_orders(store) == []
        store.now += timedelta(hours=2)
        assert names(await check_due_orders(store)) == ["OrderStatusRequested"]

    async def test_delivers_shipped_goods_on_their_date(self, store):
        await place(store)
        await on_order_updated(a.update("shipped", expected_at=a.NOON + a.days(2)), store)

        store.now = a.NOON + a.days(2) - timedelta(seconds=1)
        assert await check_due_orders(store) == []
        store.now = a.NOON + a.days(2)
        (said,) = await check_due_orders(store)

        assert (said.evidence, said.quantity) == ("estimated", 40)

    async def test_goes_through_more_orders_than_fit_a_page(self, database):
        async with store_for(SERVICE, database, check_page=2) as store:
            store.now = a.NOON
            await store.save_provider(a.ACME)
            for number in range(5):
                await approve(store, order_id=f"o{number}", pool_id=f"p{number}")
                task = Task(f"o{number}", {"order_id": f"o{number}"}, 1)
                await on_ship_to_fetched(task, outcome({"ship_to": HOME}), store)

            store.now = a.NOON + a.days(1)
            assert len(await check_due_orders(store)) == 10


class TestOnDeviceReplaced:
    async def test_sends_open_orders_and_later_approvals_to_the_new_slot(self, store):
        await approve(store)
        new = registered("new", slots=(SlotSpec(slot="A", product_id="pods", unit="C62", capacity=9),))
        replaced = DeviceReplaced(**dict(new), replaces="brewer", moves=(SlotMove(old_slot="1", new_slot="A"),))

        await on_device_replaced(replaced, store)
        await on_device_replaced(replaced, store)
        await on_reorder_approved(a.approved(order_id="o2", pool_id="other"), store)

        for order_id in ("o1", "o2"):
            order = await store.lock_order(order_id)
            assert (order.device_id, order.slot) == ("new", "A")


class TestOnDeviceDeregistered:
    async def test_cancels_what_is_drafted_and_leaves_what_is_placed(self, store):
        await place(store)
        await approve(store, order_id="o2", pool_id="other")
        gone = DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1)

        said = await on_device_deregistered(gone, store)

        assert [(type(event).__name__, event.order_id, event.by) for event in said] == [
            ("OrderCancelled", "o2", "deregistration")
        ]
        assert await on_device_deregistered(gone, store) == []
        assert await state(store) is State.PLACED

    async def test_of_an_old_registration_changes_nothing(self, store):
        await on_device_registered(registered(registration=2), store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1), store)

        assert names(await on_reorder_approved(a.approved(), store)) == ["OrderDrafted"]


class TestOnCustomerErased:
    async def test_forgets_what_a_person_wrote_or_could_be_found_by(self, store):
        await place(store)
        await on_order_updated(a.update("shipped", tracking="CANARY", reason="CANARY"), store)
        await store.connection.execute(
            "UPDATE orders SET cancel_by = 'customer', cancel_reason = 'CANARY', cancel_at = now()"
        )

        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await on_order_updated(a.update("delivered", tracking="CANARY"), store)

        for table in ("orders", "provider_update", "order_history"):
            kept = await store.connection.fetchval(f"SELECT string_agg(to_jsonb(t)::text, '') FROM {table} t")
            assert "CANARY" not in kept
        assert await state(store) is State.DELIVERED
