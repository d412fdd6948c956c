"""Decisions about notices, mail outcomes, facts of mails, and erasure."""

import re
from datetime import timedelta

import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceReplaced,
    Fault,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    ProviderChanged,
    ReorderDeclined,
    SlotMove,
    SlotSpec,
)
from services.notification.domain import Kind, NoticeState, notice_id_of
from services.notification.handlers import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
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
from tests.integration.notification.builders import (
    ORDER,
    POOL,
    SLOT,
    approved,
    crossed,
    held,
    placed,
    registered,
    settle,
    triggered,
)
from tests.support import notification_events as a


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        yield opened


class Explained:
    """A connection that also explains each statement, as for a large table."""

    def __init__(self, connection):
        self._connection, self.plans = connection, []

    async def execute(self, sql, *arguments):
        await self._connection.execute("SET LOCAL enable_seqscan = off")
        rows = await self._connection.fetch(f"EXPLAIN {sql}", *arguments)
        self.plans.append((sql, "\n".join(row[0] for row in rows)))
        return await self._connection.execute(sql, *arguments)


async def find(store, kind, reference="o1"):
    return await store.find_notice(notice_id_of("ann", kind, reference))


class TestOnOrderFact:
    async def test_repeated_event_queues_one_mail(self, store):
        await on_order_fact(placed(), store)
        await on_order_fact(placed(), store)

        (intended,) = store.added_tasks
        notice = await find(store, Kind.ORDER_PLACED)
        assert (intended.kind, intended.task_id) == ("mail", notice.notice_id)
        assert (notice.state, notice.order_id) == (NoticeState.DUE, "o1")

    async def test_details_of_event_are_stored(self, store):
        await on_order_fact(OrderCancelled(**ORDER, by="customer", reason="enough"), store)

        assert (await find(store, Kind.ORDER_CANCELLED)).details == {"by": "customer", "reason": "enough"}

    async def test_test_order_is_stored_as_such(self, store):
        await on_order_fact(OrderCancelled(**ORDER, by="customer", reason="enough", test=True), store)

        assert (await find(store, Kind.ORDER_CANCELLED)).is_test

    async def test_proposed_test_order_is_stored_as_such(self, store):
        await on_reorder_held(held("awaiting_approval", order_id="o7", test=True), store)

        assert (await find(store, Kind.APPROVAL_NEEDED, "o7")).is_test

    async def test_ended_link_is_told(self, store):
        await on_reorder_held(held("link_ended"), store)

        (notice,) = await store.list_notices("ann", None, 10)
        assert (notice["kind"], len(store.added_tasks)) == ("cannot_order", 1)

    async def test_pause_by_the_customer_is_not_told(self, store):
        await on_reorder_held(held("paused_at_provider"), store)

        assert await store.list_notices("ann", None, 10) == []

    async def test_fault_of_failed_order_is_stored(self, store):
        await on_order_fact(OrderFailed(**ORDER, reason="no", fault=Fault.PAYMENT), store)

        assert (await find(store, Kind.ORDER_FAILED)).details == {"reason": "no", "fault": "payment"}

    async def test_suppressed_notice_has_reason(self, store):
        delivered = OrderDelivered(**ORDER, **SLOT, quantity=40, evidence="estimated")

        await on_order_fact(delivered, store)

        notice = await find(store, Kind.ORDER_DELIVERED)
        assert (notice.state, notice.reason) == (NoticeState.NOT_SENT, "the customer sees the parcel")
        assert store.added_tasks == []

    async def test_preference_of_customer_is_applied(self, store):
        await store.save_preferences("ann", {Kind.ORDER_PLACED: False, Kind.ORDER_DELIVERED: True})

        await on_order_fact(placed(), store)
        await on_order_fact(OrderDelivered(**ORDER, **SLOT, quantity=40, evidence="reported"), store)

        assert (await find(store, Kind.ORDER_PLACED)).state is NoticeState.NOT_SENT
        assert (await find(store, Kind.ORDER_DELIVERED)).state is NoticeState.DUE

    async def test_no_mail_if_provider_notifies(self, store):
        await on_provider_changed(ProviderChanged(provider_id="acme", name="Acme", protocol="drs"), store)

        await on_order_fact(placed(), store)

        notice = await find(store, Kind.ORDER_PLACED)
        assert (notice.state, notice.reason) == (NoticeState.NOT_SENT, "the provider notifies its customers itself")
        assert store.added_tasks == []


class TestOnReorderHeld:
    async def test_hold_for_approval_requests_approval(self, store):
        await on_reorder_held(held("awaiting_approval", order_id="o7"), store)

        assert (await find(store, Kind.APPROVAL_NEEDED, "o7")).state is NoticeState.DUE

    async def test_hold_without_action_sends_nothing(self, store):
        await on_reorder_held(held("enough"), store)

        assert await store.list_notices("ann", None, 10) == []

    async def test_notice_of_hold_is_delayed_and_withdrawn(self, store):
        await on_reorder_held(held("no_offer"), store)
        assert store.added_tasks[0].due_at == a.NOON + timedelta(hours=1)

        await on_trigger_set(triggered(epoch=4), store)

        assert (await find(store, Kind.CANNOT_ORDER, "ann/pods/3")).state is NoticeState.WITHDRAWN

    async def test_earlier_event_does_not_withdraw_notice(self, store):
        await on_reorder_held(held("no_offer"), store)
        await on_trigger_set(triggered(epoch=3), store)

        assert (await find(store, Kind.CANNOT_ORDER, "ann/pods/3")).state is NoticeState.DUE

    @pytest.mark.parametrize(
        ("reason", "kind"), [("notify_only", Kind.RUNNING_LOW), ("cancelled_again", "ordering_stopped")]
    )
    async def test_ended_hold_is_not_notified(self, store, reason, kind):
        await on_reorder_held(held(reason), store)
        await on_trigger_set(triggered(epoch=4), store)

        assert (await find(store, Kind(kind), "ann/pods/3")).state is NoticeState.WITHDRAWN

    async def test_answered_approval_is_not_requested(self, store):
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
    async def test_answered_approval_is_found_by_pool(self, store, answer):
        store.connection = explained = Explained(store.connection)

        declined = ReorderDeclined(**POOL, epoch=3, order_id="o8", reason="the customer")
        await answer(declined if answer is on_reorder_declined else approved(order_id="o8"), store)

        (plan,) = [plan for sql, plan in explained.plans if "-- withdraw_approval_request" in sql]
        assert re.search(r"Index Cond: .*pool_id = ", plan), plan

    async def test_same_hold_is_notified_again_after_a_week(self, store):
        await on_reorder_held(held("no_offer"), store)
        store.now += timedelta(days=1)
        await on_reorder_held(held("offer_unavailable", epoch=5), store)
        store.now += timedelta(days=7)
        await on_reorder_held(held("no_offer", epoch=6), store)

        states = [(await find(store, Kind.CANNOT_ORDER, f"ann/pods/{epoch}")).state for epoch in (3, 5, 6)]
        assert states == [NoticeState.DUE, NoticeState.NOT_SENT, NoticeState.DUE]


class TestOnMailSent:
    async def test_notice_is_published_after_acceptance_by_server(self, store):
        await on_order_fact(placed(), store)

        (said,) = await settle(store, Kind.ORDER_PLACED, result={"channel": "email"})

        assert (said.customer_id, said.kind, said.order_id, said.channel) == ("ann", "order_placed", "o1", "email")
        assert said.notice_id == notice_id_of("ann", Kind.ORDER_PLACED, "o1")
        assert await settle(store, Kind.ORDER_PLACED, result={"channel": "email"}) == []

    async def test_refusal_by_server_is_stored(self, store):
        await on_order_fact(placed(), store)

        assert (
            await settle(store, Kind.ORDER_PLACED, refused="the mail server rejected the mail permanently (550)") == []
        )

        notice = await find(store, Kind.ORDER_PLACED)
        assert (notice.state, notice.reason) == (
            NoticeState.REFUSED,
            "the mail server rejected the mail permanently (550)",
        )

    async def test_mail_sent_before_withdrawal_counts_as_sent(self, store):
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

    async def test_facts_do_not_depend_on_event_order(self, store):
        await self.tell(store)

        facts = await store.get_facts(await find(store, Kind.ORDER_PLACED))

        assert (facts.title, facts.provider, facts.quantity, facts.price) == ("Coffee pods", "Acme", 40, 998)
        assert (facts.unit, facts.level, facts.rate_per_day, facts.approved) == ("C62", 12, 2, True)

    async def test_facts_of_other_crossing_are_not_used(self, store):
        await self.tell(store)
        await on_threshold_crossed(crossed(epoch=9, level=1), store)
        await on_threshold_crossed(crossed(epoch=3, level=2), store)

        facts = await store.get_facts(await find(store, Kind.ORDER_PLACED))

        assert (facts.level, facts.needed_by) == (None, a.NOON)

    async def test_missing_facts_are_none(self, store):
        await on_order_fact(placed(), store)

        facts = await store.get_facts(await find(store, Kind.ORDER_PLACED))

        assert (facts.title, facts.unit, facts.approved) == (None, None, False)

    async def test_facts_follow_replaced_device_until_deregistration(self, store):
        await self.tell(store)
        new = registered("new", slots=(SlotSpec(slot="A", product_id="pods", unit="GRM", capacity=9),))
        moves = (SlotMove(old_slot="1", new_slot="A"),)
        notice = await find(store, Kind.ORDER_PLACED)

        await on_device_replaced(DeviceReplaced(**dict(new), replaces="brewer", moves=moves), store)
        assert (await store.get_facts(notice)).unit == "GRM"

        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="new", registration=1), store)
        assert (await store.get_facts(notice)).unit is None


class TestOnCustomerErased:
    async def test_erasure_deletes_data_and_ignores_later_events(self, store):
        await TestFacts().tell(store)
        await store.save_preferences("ann", {Kind.ORDER_PLACED: True})

        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await TestFacts().tell(store)

        for table in ("notice", "preference", "slot", "crossing", "known_order"):
            assert await store.connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await settle(store, Kind.ORDER_PLACED, result={"channel": "email"}) == []
