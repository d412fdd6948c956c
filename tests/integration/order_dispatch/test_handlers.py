"""Handlers: rows and events; each handler is called twice."""

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
    UpdateNote,
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
from services.order_dispatch.orders.store.measures import count_questions
from services.order_dispatch.orders.tasks import on_address_fetched
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
    return await on_address_fetched(task, outcome(**(ended or {"result": {"ship_to": HOME}})), store)


async def place(store):
    await approve(store)
    await send(store)
    await on_order_updated(a.update("accepted"), store)


async def state(store):
    return (await store.lock_order("o1")).state


async def stored_outcome(store, update_id):
    row = await store.connection.fetchrow(
        "SELECT outcome, reason, repeats FROM provider_update WHERE update_id = $1", update_id
    )
    return tuple(row)


def names(events):
    return [type(event).__name__ for event in events]


class TestOnReorderApproved:
    async def test_on_reorder_approved_drafts_and_adds_address_task(self, store):
        events = await approve(store)

        assert names(events) == ["OrderDrafted"]
        (task,) = store.added_tasks
        assert (task.kind, task.task_id, task.due_at) == ("fetch_address", "o1", a.NOON)
        assert task.payload == {"order_id": "o1", "customer_id": "ann"}

    async def test_on_reorder_approved_waits_for_cancel_window(self, database):
        async with store_for(SERVICE, database, cancel_window_hours=24) as store:
            store.now = a.NOON
            await store.save_provider(a.ACME)
            await approve(store)

            assert store.added_tasks[0].due_at == a.NOON + timedelta(hours=24)

    async def test_on_reorder_approved_twice_drafts_once(self, store):
        await approve(store)

        assert await on_reorder_approved(a.approved(), store) == []
        assert len(store.added_tasks) == 1

    async def test_on_reorder_approved_is_deferred_for_unknown_device(self, store):
        with pytest.raises(NotReadyError, match="device:brewer"):
            await on_reorder_approved(a.approved(), store)

        await on_device_registered(registered(), store)
        assert "device:brewer" in store.resolved_dependencies

    async def test_on_reorder_approved_rejects_unknown_slot(self, store):
        with pytest.raises(RejectedError):
            await approve(store, slot="9")

    async def test_on_reorder_approved_cancels_if_device_left(self, store):
        await on_device_registered(registered(), store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1), store)

        assert names(await on_reorder_approved(a.approved(), store)) == ["OrderDrafted", "OrderCancelled"]
        assert store.added_tasks == []

    async def test_on_device_registered_again_does_not_revive_ended_registration(self, store):
        await on_device_registered(registered(registration=2), store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=2), store)
        await on_device_registered(registered(registration=2), store)
        await on_device_registered(registered(registration=1), store)

        assert names(await on_reorder_approved(a.approved(), store)) == ["OrderDrafted", "OrderCancelled"]

    async def test_on_reorder_approved_fails_for_unknown_provider(self, store):
        assert names(await approve(store, provider_id="unknown")) == ["OrderDrafted", "OrderFailed"]


class TestOnShipToFetched:
    async def test_on_address_fetched_submits_with_address(self, store):
        await approve(store)

        (requested,) = await send(store)

        assert (requested.provider_id, requested.quantity, requested.unit, requested.ship_to.city) == (
            "acme",
            40,
            "C62",
            "Ulm",
        )
        assert await state(store) is State.PLACING

    async def test_on_address_fetched_twice_submits_once(self, store):
        await approve(store)
        await send(store)

        assert await send(store) == []

    async def test_on_address_fetched_stores_no_address(self, store):
        await approve(store)
        await send(store)

        stored = await store.connection.fetchval("SELECT string_agg(to_jsonb(o)::text, '') FROM orders o")
        assert "Elm" not in stored

    async def test_on_address_fetched_skips_cancelled_order(self, store):
        await approve(store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1), store)

        assert await send(store) == []

    async def test_on_address_fetched_fails_order_of_erased_customer(self, store):
        await approve(store)

        (event,) = await send(store, refused="the customer no longer exists")

        assert event.reason == "the customer no longer exists"
        assert await state(store) is State.FAILED


class TestOnOrderUpdated:
    async def test_on_order_updated_publishes_each_state(self, store):
        await approve(store)
        await send(store)

        events = [
            *await on_order_updated(a.update("accepted"), store),
            *await on_order_updated(a.update("shipped", quantity=30), store),
            *await on_order_updated(a.update("delivered"), store),
        ]

        assert names(events) == ["OrderPlaced", "OrderShipped", "OrderDelivered", "ClaimRaised"]
        assert [events[2].quantity, events[3].ordered, events[3].received] == [30, 40, 30]

    async def test_on_order_updated_counts_repeats(self, store):
        await place(store)

        assert await on_order_updated(a.update("accepted"), store) == []
        assert await stored_outcome(store, "u-accepted") == ("applied", "", 1)

    async def test_on_order_updated_rejects_other_content_under_same_id(self, store):
        await place(store)

        with pytest.raises(RejectedError, match="different content"):
            await on_order_updated(a.update("shipped", update_id="u-accepted"), store)

    async def test_on_order_updated_stores_unapplied_with_reason(self, store):
        await place(store)
        await store.save_provider(a.Provider("evil", "Evil", "kafka"))

        assert await on_order_updated(a.update("not_found"), store) == []
        assert await on_order_updated(a.update("shipped", provider_id="evil", update_id="e"), store) == []
        assert await on_order_updated(a.update("accepted", order_id="o9", update_id="x"), store) == []

        assert (await stored_outcome(store, "u-not_found"))[0] == "not_applied"
        assert (await stored_outcome(store, "e"))[:2] == ("refused", "the order belongs to another provider")
        assert (await stored_outcome(store, "x"))[:2] == ("unmatched", "no such order")
        assert await state(store) is State.PLACED

    async def test_on_order_updated_keeps_unknown_word_for_an_operator(self, store):
        await place(store)
        unclear = a.update("unclear", word="backordered", update_id="w")

        assert await on_order_updated(unclear, store) == []
        assert await on_order_updated(unclear, store) == []

        assert await stored_outcome(store, "w") == (
            *("unclear", "acme reported the word 'backordered', which has no meaning in its protocol"),
            1,
        )
        (question,) = await store.list_questions(a.NOON, 10)
        assert (question["order_id"], question["word"], question["state"]) == ("o1", "backordered", "placed")
        assert await count_questions(store) == 1

    async def test_on_order_updated_keeps_notes(self, store):
        await place(store)
        note = UpdateNote.about("quantity", "many", "not a whole number")

        await on_order_updated(a.update("shipped", notes=(note,)), store)

        *_, update = await store.list_updates("o1")
        assert (update["notes"], update["asks"]) == ([note.model_dump()], True)
        assert await state(store) is State.SHIPPED

    @pytest.mark.parametrize(("hours", "listed"), [(-1, 1), (1, 0)])
    async def test_question_about_an_applied_update_outlives_its_order(self, store, hours, listed):
        await place(store)
        note = UpdateNote.about("quantity", "many", "not a whole number")
        await on_order_updated(a.update("delivered", notes=(note,)), store)

        assert await state(store) is State.DELIVERED
        assert len(await store.list_questions(a.NOON + timedelta(hours=hours), 10)) == listed

    async def test_clear_update_settles_the_question(self, store):
        await place(store)
        await on_order_updated(a.update("unclear", word="backordered"), store)
        await on_order_updated(a.update("shipped"), store)

        assert await store.list_questions(a.NOON, 10) == []
        assert await count_questions(store) == 0

    async def test_erasure_deletes_words_and_notes(self, store):
        await place(store)
        note = UpdateNote.about("reason", "Ann", "cut")
        await on_order_updated(a.update("unclear", word="for Ann", notes=(note,)), store)
        await on_customer_erased(CustomerErased(customer_id="ann", occurred_at=a.NOON), store)

        *_, update = await store.list_updates("o1")
        assert (update["word"], update["notes"]) == (None, [])


class TestCheckDueOrders:
    async def test_check_due_orders_requests_status_without_resubmitting(self, store):
        await approve(store)
        await send(store)

        store.now = a.NOON + timedelta(hours=24)
        assert names(await check_due_orders(store)) == ["OrderUnknown", "OrderStatusRequested"]
        assert await check_due_orders(store) == []
        store.now += timedelta(hours=2)
        assert names(await check_due_orders(store)) == ["OrderStatusRequested"]

    async def test_check_due_orders_delivers_on_expected_date(self, store):
        await place(store)
        await on_order_updated(a.update("shipped", expected_at=a.NOON + a.days(2)), store)

        store.now = a.NOON + a.days(2) - timedelta(seconds=1)
        assert await check_due_orders(store) == []
        store.now = a.NOON + a.days(2)
        (event,) = await check_due_orders(store)

        assert (event.evidence, event.quantity) == ("estimated", 40)

    async def test_check_due_orders_handles_several_pages(self, database):
        async with store_for(SERVICE, database, check_page=2) as store:
            store.now = a.NOON
            await store.save_provider(a.ACME)
            for number in range(5):
                await approve(store, order_id=f"o{number}", pool_id=f"p{number}")
                task = Task(f"o{number}", {"order_id": f"o{number}"}, 1)
                await on_address_fetched(task, outcome({"ship_to": HOME}), store)

            store.now = a.NOON + a.days(1)
            assert len(await check_due_orders(store)) == 10


class TestOnDeviceReplaced:
    async def test_on_device_replaced_redirects_orders_and_approvals(self, store):
        await approve(store)
        new = registered("new", slots=(SlotSpec(slot="A", product_id="pods", unit="C62", capacity=9),))
        replaced = DeviceReplaced(**dict(new), replaces="brewer", moves=(SlotMove(old_slot="1", new_slot="A"),))

        await on_device_replaced(replaced, store)
        await on_device_replaced(replaced, store)
        await on_reorder_approved(a.approved(order_id="o2", pool_id="other"), store)

        for order_id in ("o1", "o2"):
            order = await store.lock_order(order_id)
            assert (a.only(order).device_id, a.only(order).slot) == ("new", "A")


class TestOnDeviceDeregistered:
    async def test_on_device_deregistered_cancels_drafted_keeps_placed(self, store):
        await place(store)
        await approve(store, order_id="o2", pool_id="other")
        deregistered = DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1)

        events = await on_device_deregistered(deregistered, store)

        assert [(type(event).__name__, event.order_id, event.by) for event in events] == [
            ("OrderCancelled", "o2", "deregistration")
        ]
        assert await on_device_deregistered(deregistered, store) == []
        assert await state(store) is State.PLACED

    async def test_on_device_deregistered_ignores_old_registration(self, store):
        await on_device_registered(registered(registration=2), store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1), store)

        assert names(await on_reorder_approved(a.approved(), store)) == ["OrderDrafted"]


class TestOnCustomerErased:
    async def test_on_customer_erased_erases_free_text_and_tracking(self, store):
        await place(store)
        await on_order_updated(a.update("shipped", tracking="CANARY", reason="CANARY"), store)
        await store.connection.execute(
            "UPDATE orders SET cancel_by = 'customer', cancel_reason = 'CANARY', cancel_at = now()"
        )

        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await on_order_updated(a.update("delivered", tracking="CANARY"), store)

        for table in ("orders", "provider_update", "order_history"):
            stored = await store.connection.fetchval(f"SELECT string_agg(to_jsonb(t)::text, '') FROM {table} t")
            assert "CANARY" not in stored
        assert await state(store) is State.DELIVERED

    async def test_parcel_reported_after_the_erasure_has_no_tracking_number(self, store):
        await place(store)
        await on_customer_erased(CustomerErased(customer_id="ann"), store)

        await on_order_updated(a.update("shipped", tracking="CANARY", shipment_id="P1"), store)

        assert await store.connection.fetch("SELECT shipment_id, tracking FROM shipment") == [("P1", None)]
