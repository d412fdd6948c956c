"""What is decided, once, and what is forgotten."""

import re
from datetime import timedelta

import pytest

from libs.kit import Task, TaskResult
from libs.kit.testing import store_for
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    Fault,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderPlaced,
    ProviderChanged,
    ReorderApproved,
    ReorderDeclined,
    ReorderHeld,
    SlotMove,
    SlotSpec,
    ThresholdCrossed,
    TriggerSet,
)
from services.notification.domain import Kind, NoticeState, notice_id_of
from services.notification.handlers import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
    on_mail_sent,
    on_offer_changed,
    on_order_drafted,
    on_order_fact,
    on_provider_changed,
    on_reorder_approved,
    on_reorder_declined,
    on_reorder_held,
    on_threshold_crossed,
    on_trigger_set,
)
from services.notification.service import SERVICE
from tests.support import notification_events as a

ORDER = {
    "order_id": "o1",
    "customer_id": "ann",
    "product_id": "pods",
    "pool_id": "ann/pods",
    "provider_id": "acme",
    "occurred_at": a.NOON,
}
POOL = {"customer_id": "ann", "product_id": "pods", "pool_id": "ann/pods", "receipt_id": "r", "decided_at": a.NOON}
SLOT = {"device_id": "brewer", "slot": "1"}


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        yield opened


def placed(**changes):
    return OrderPlaced(**(ORDER | {"packs": 2, "quantity": 40} | changes))


def approved(**changes):
    fields = POOL | SLOT | {"order_id": "o1", "provider_id": "acme", "epoch": 3, "packs": 2, "pack_size": 20}
    return ReorderApproved(**(fields | {"quantity": 40, "needed_by": a.NOON} | changes))


def held(reason, epoch=3, **changes):
    return ReorderHeld(**(POOL | {"reason": reason, "epoch": epoch, "wake_up": "time"} | changes))


def triggered(epoch):
    return TriggerSet(
        **{key: POOL[key] for key in ("customer_id", "product_id", "pool_id")},
        **SLOT,
        epoch=epoch,
        at_level=0,
        at_days=7,
        shelf_and_on_order=0,
    )


def registered(device_id="brewer", **changes):
    spec = SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100)
    fields = {"customer_id": "ann", "device_id": device_id, "registration": 1, "credential_sha256": "0" * 64}
    return DeviceRegistered(**(fields | {"slots": (spec,)} | changes))


def crossed(**changes):
    fields = {key: POOL[key] for key in ("customer_id", "product_id", "pool_id")} | SLOT
    figures = {
        "epoch": 3,
        "level": 12,
        "uncertainty": 1,
        "rate_per_day": 2,
        "run_out_at": a.NOON,
        "occurred_at": a.NOON,
    }
    return ThresholdCrossed(**(fields | figures | changes))


class Explained:
    """A connection that also asks how each statement finds its rows, were there many."""

    def __init__(self, connection):
        self._connection, self.plans = connection, []

    async def execute(self, sql, *arguments):
        await self._connection.execute("SET LOCAL enable_seqscan = off")
        rows = await self._connection.fetch(f"EXPLAIN {sql}", *arguments)
        self.plans.append((sql, "\n".join(row[0] for row in rows)))
        return await self._connection.execute(sql, *arguments)


async def find(store, kind, reference="o1"):
    return await store.find_notice(notice_id_of("ann", kind, reference))


async def settle(store, kind, reference="o1", **ended):
    notice_id = notice_id_of("ann", kind, reference)
    task = Task(notice_id, {"notice_id": notice_id}, 1)
    return await on_mail_sent(task, TaskResult(task, **ended), store)


class TestOnOrderFact:
    async def test_decides_once_and_queues_one_mail(self, store):
        await on_order_fact(placed(), store)
        await on_order_fact(placed(), store)

        (intended,) = store.added_tasks
        notice = await find(store, Kind.ORDER_PLACED)
        assert (intended.kind, intended.task_id) == ("mail", notice.notice_id)
        assert (notice.state, notice.order_id) == (NoticeState.DUE, "o1")

    async def test_keeps_what_only_the_event_knows(self, store):
        await on_order_fact(OrderCancelled(**ORDER, by="customer", reason="enough"), store)

        assert (await find(store, Kind.ORDER_CANCELLED)).details == {"by": "customer", "reason": "enough"}

    async def test_keeps_what_an_order_failed_over(self, store):
        await on_order_fact(OrderFailed(**ORDER, reason="no", fault=Fault.PAYMENT), store)

        assert (await find(store, Kind.ORDER_FAILED)).details == {"reason": "no", "fault": "payment"}

    async def test_writes_down_why_nobody_is_told(self, store):
        delivered = OrderDelivered(**ORDER, **SLOT, quantity=40, evidence="estimated")

        await on_order_fact(delivered, store)

        notice = await find(store, Kind.ORDER_DELIVERED)
        assert (notice.state, notice.reason) == (NoticeState.NOT_SENT, "the customer sees the parcel")
        assert store.added_tasks == []

    async def test_does_as_the_customer_chose(self, store):
        await store.save_preferences("ann", {Kind.ORDER_PLACED: False, Kind.ORDER_DELIVERED: True})

        await on_order_fact(placed(), store)
        await on_order_fact(OrderDelivered(**ORDER, **SLOT, quantity=40, evidence="reported"), store)

        assert (await find(store, Kind.ORDER_PLACED)).state is NoticeState.NOT_SENT
        assert (await find(store, Kind.ORDER_DELIVERED)).state is NoticeState.DUE

    async def test_is_silent_where_the_provider_writes_itself(self, store):
        await on_provider_changed(ProviderChanged(provider_id="acme", name="Acme", protocol="drs"), store)

        await on_order_fact(placed(), store)

        notice = await find(store, Kind.ORDER_PLACED)
        assert (notice.state, notice.reason) == (NoticeState.NOT_SENT, "the provider notifies its customers itself")
        assert store.added_tasks == []


class TestOnReorderHeld:
    async def test_asks_for_an_approval(self, store):
        await on_reorder_held(held("awaiting_approval", order_id="o7"), store)

        assert (await find(store, Kind.APPROVAL_NEEDED, "o7")).state is NoticeState.DUE

    async def test_is_silent_where_nobody_needs_to_act(self, store):
        await on_reorder_held(held("enough"), store)

        assert await store.list_notices("ann", None, 10) == []

    async def test_waits_whether_the_trouble_passes(self, store):
        await on_reorder_held(held("no_offer"), store)
        assert store.added_tasks[0].due_at == a.NOON + timedelta(hours=1)

        await on_trigger_set(triggered(epoch=4), store)

        assert (await find(store, Kind.CANNOT_ORDER, "ann/pods/3")).state is NoticeState.WITHDRAWN

    async def test_is_not_withdrawn_by_what_came_before(self, store):
        await on_reorder_held(held("no_offer"), store)
        await on_trigger_set(triggered(epoch=3), store)

        assert (await find(store, Kind.CANNOT_ORDER, "ann/pods/3")).state is NoticeState.DUE

    @pytest.mark.parametrize(
        ("reason", "kind"), [("notify_only", Kind.RUNNING_LOW), ("cancelled_again", "ordering_stopped")]
    )
    async def test_is_not_told_of_what_is_over_by_then(self, store, reason, kind):
        await on_reorder_held(held(reason), store)
        await on_trigger_set(triggered(epoch=4), store)

        assert (await find(store, Kind(kind), "ann/pods/3")).state is NoticeState.WITHDRAWN

    async def test_is_not_asked_what_was_answered_by_then(self, store):
        for order_id in ("o7", "o8", "o9"):
            await on_reorder_held(held("awaiting_approval", order_id=order_id), store)

        await on_reorder_approved(approved(order_id="o7"), store)
        await on_reorder_declined(ReorderDeclined(**POOL, epoch=3, order_id="o8", reason="the customer"), store)

        states = [(await find(store, Kind.APPROVAL_NEEDED, order_id)).state for order_id in ("o7", "o8", "o9")]
        assert states == [NoticeState.WITHDRAWN, NoticeState.WITHDRAWN, NoticeState.DUE]

    @pytest.mark.parametrize(
        "answer",
        [on_reorder_declined, on_reorder_approved],
        ids=["declined", "approved"],
    )
    async def test_finds_the_answered_question_by_its_pool(self, store, answer):
        store.connection = explained = Explained(store.connection)

        declined = ReorderDeclined(**POOL, epoch=3, order_id="o8", reason="the customer")
        await answer(declined if answer is on_reorder_declined else approved(order_id="o8"), store)

        (plan,) = [plan for sql, plan in explained.plans if "-- withdraw_approval_request" in sql]
        assert re.search(r"Index Cond: .*pool_id = ", plan), plan

    async def test_tells_the_same_trouble_again_after_a_week(self, store):
        await on_reorder_held(held("no_offer"), store)
        store.now += timedelta(days=1)
        await on_reorder_held(held("offer_unavailable", epoch=5), store)
        store.now += timedelta(days=7)
        await on_reorder_held(held("no_offer", epoch=6), store)

        states = [(await find(store, Kind.CANNOT_ORDER, f"ann/pods/{epoch}")).state for epoch in (3, 5, 6)]
        assert states == [NoticeState.DUE, NoticeState.NOT_SENT, NoticeState.DUE]


class TestOnMailSent:
    async def test_says_it_once_the_server_took_it(self, store):
        await on_order_fact(placed(), store)

        (said,) = await settle(store, Kind.ORDER_PLACED, result={"channel": "email"})

        assert (said.customer_id, said.kind, said.order_id, said.channel) == ("ann", "order_placed", "o1", "email")
        assert said.notice_id == notice_id_of("ann", Kind.ORDER_PLACED, "o1")
        assert await settle(store, Kind.ORDER_PLACED, result={"channel": "email"}) == []

    async def test_keeps_a_refusal_in_sight(self, store):
        await on_order_fact(placed(), store)

        assert (
            await settle(store, Kind.ORDER_PLACED, refused="the mail server rejected the mail permanently (550)") == []
        )

        notice = await find(store, Kind.ORDER_PLACED)
        assert (notice.state, notice.reason) == (
            NoticeState.REFUSED,
            "the mail server rejected the mail permanently (550)",
        )

    async def test_a_mail_that_left_before_it_was_withdrawn_was_told(self, store):
        await on_reorder_held(held("no_offer"), store)
        await on_trigger_set(triggered(epoch=4), store)

        assert len(await settle(store, Kind.CANNOT_ORDER, "ann/pods/3", result={"channel": "email"})) == 1


class TestFacts:
    async def tell(self, store):
        await on_device_registered(registered(), store)
        await on_provider_changed(ProviderChanged(provider_id="acme", name="Acme", protocol="kafka"), store)
        offer = OfferChanged(
            provider_id="acme", product_id="pods", title="Coffee pods", pack_size=20, price=499, currency="USD"
        )
        await on_offer_changed(offer, store)
        await on_threshold_crossed(crossed(), store)
        await on_order_drafted(OrderDrafted(**ORDER, packs=2, quantity=40, price=998, currency="USD"), store)
        await on_reorder_approved(approved(), store)
        await on_order_fact(placed(), store)

    async def test_are_those_of_the_order_whatever_came_first(self, store):
        await self.tell(store)

        facts = await store.get_facts(await find(store, Kind.ORDER_PLACED))

        assert (facts.title, facts.provider, facts.quantity, facts.price) == ("Coffee pods", "Acme", 40, 998)
        assert (facts.unit, facts.level, facts.rate_per_day, facts.approved) == ("C62", 12, 2, True)

    async def test_are_not_those_of_another_crossing(self, store):
        await self.tell(store)
        await on_threshold_crossed(crossed(epoch=9, level=1), store)
        await on_threshold_crossed(crossed(epoch=3, level=2), store)

        facts = await store.get_facts(await find(store, Kind.ORDER_PLACED))

        assert (facts.level, facts.needed_by) == (None, a.NOON)

    async def test_that_nobody_told_are_not_known(self, store):
        await on_order_fact(placed(), store)

        facts = await store.get_facts(await find(store, Kind.ORDER_PLACED))

        assert (facts.title, facts.unit, facts.approved) == (None, None, False)

    async def test_follow_a_replaced_device_and_go_with_a_deregistered_one(self, store):
        await self.tell(store)
        new = registered("new", slots=(SlotSpec(slot="A", product_id="pods", unit="GRM", capacity=9),))
        moves = (SlotMove(old_slot="1", new_slot="A"),)
        notice = await find(store, Kind.ORDER_PLACED)

        await on_device_replaced(DeviceReplaced(**dict(new), replaces="brewer", moves=moves), store)
        assert (await store.get_facts(notice)).unit == "GRM"

        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="new", registration=1), store)
        assert (await store.get_facts(notice)).unit is None


class TestOnCustomerErased:
    async def test_deletes_everything_and_keeps_nothing_that_comes_later(self, store):
        await TestFacts().tell(store)
        await store.save_preferences("ann", {Kind.ORDER_PLACED: True})

        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await TestFacts().tell(store)

        for table in ("notice", "preference", "slot", "crossing", "known_order"):
            assert await store.connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await settle(store, Kind.ORDER_PLACED, result={"channel": "email"}) == []
