"""Facts and notices of orders of several lines."""

import itertools
from datetime import timedelta

import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import (
    ClaimRaised,
    CustomerErased,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderLinesRefused,
    OrderModified,
    OrderPlaced,
    OrderReturned,
    OrderShipped,
    PaymentRefunded,
    ReorderLine,
    split_order_id,
)
from services.notification.domain import Kind, LineState, NoticeState, notice_id_of
from services.notification.handlers import (
    on_customer_erased,
    on_offer_changed,
    on_order_drafted,
    on_order_fact,
    on_order_returned,
    on_reorder_approved,
    on_reorder_held,
    on_threshold_crossed,
)
from services.notification.service import SERVICE
from services.notification.settings import Settings
from tests.integration.notification.builders import ORDER, SLOT, approved, crossed, held
from tests.support import notification_events as a

HOUR = timedelta(hours=1)
PODS, FILTERS = a.event_line("1", "pods", 40), a.event_line("2", "filters", 100)
AGREED = (
    a.event_line("1", "pods", 40, packs=2, pack_size=20, unit_price=499, epoch=3, receipt_id="r1"),
    a.event_line("2", "filters", 100, packs=1, pack_size=100, unit_price=942, epoch=7, receipt_id="r2"),
)
DRAFTED = OrderDrafted(**ORDER, packs=2, quantity=40, price=2340, currency="EUR", fee=400, lines=AGREED)
FEWER = a.event_line("1", "pods", 20, packs=1, pack_size=20, unit_price=499, epoch=3, receipt_id="r1")
MODIFIED = OrderModified(
    **(ORDER | {"occurred_at": a.NOON + HOUR}),
    packs=1,
    quantity=20,
    price=1841,
    currency="EUR",
    fee=400,
    lines=(FEWER, AGREED[1]),
)
PLACED = OrderPlaced(**(ORDER | {"occurred_at": a.NOON + 2 * HOUR}), packs=1, quantity=20, lines=(FEWER, AGREED[1]))
FIRST_PARCEL = OrderShipped(
    **ORDER, quantity=10, shipment_id="parcel-1", complete=False, lines=(a.event_line("1", "pods", 10),)
)
SECOND_PARCEL = OrderShipped(
    **ORDER, quantity=10, shipment_id="parcel-2", complete=False, lines=(a.event_line("1", "pods", 10),)
)
REFUSED_LINE = OrderLinesRefused(**ORDER, reason="sold out", lines=(FILTERS,))


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        yield opened


async def consume(store, *events):
    for event in events:
        if isinstance(event, OrderDrafted | OrderModified):
            await on_order_drafted(event, store)
        elif isinstance(event, OrderReturned):
            await on_order_returned(event, store)
        else:
            await on_order_fact(event, store)


async def facts_of(store, kind=Kind.ORDER_PLACED):
    return await store.get_facts(a.notice(kind, epoch=None))


async def find(store, kind, reference="o1"):
    return await store.find_notice(notice_id_of("ann", kind, reference))


class TestFacts:
    async def test_lines_have_terms_titles_and_run_out(self, store):
        pods = {"provider_id": "acme", "product_id": "pods", "pack_size": 20, "price": 499, "currency": "EUR"}
        await on_offer_changed(OfferChanged(**pods, title="Coffee pods"), store)
        await on_offer_changed(OfferChanged(**(pods | {"product_id": "filters"}), title="Paper filters"), store)
        await on_threshold_crossed(crossed(product_id="filters", pool_id="ann/filters", epoch=7), store)

        await consume(store, DRAFTED)

        facts = await facts_of(store)
        assert (facts.price, facts.fee) == (2340, 400)
        assert facts.lines == (
            a.line(),
            a.filters(run_out_at=a.NOON),
        )

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    async def test_latest_terms_win_in_any_order_and_twice(self, store, order):
        events = (DRAFTED, MODIFIED, PLACED)

        await consume(store, *(events[at] for at in order), *(events[at] for at in order))

        facts = await facts_of(store)
        assert [(line.line_id, line.quantity, line.packs) for line in facts.lines] == [("1", 20, 1), ("2", 100, 1)]
        assert facts.price == 1841

    @pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
    async def test_states_and_parcels_do_not_depend_on_order_or_repetition(self, store, order):
        events = (MODIFIED, FIRST_PARCEL, SECOND_PARCEL, REFUSED_LINE)

        await consume(store, *(events[at] for at in order), *(events[at] for at in reversed(order)))

        states = [(line.state, line.shipped) for line in (await facts_of(store)).lines]
        assert states == [(LineState.SHIPPED, 20), (LineState.REFUSED, None)]

    async def test_line_follows_its_events_to_return(self, store):
        arrived = OrderDelivered(**ORDER, **SLOT, quantity=40, evidence="reported", lines=(PODS,), complete=False)
        short = ClaimRaised(**ORDER, ordered=40, received=30, lines=(PODS,))
        returned = OrderReturned(**ORDER, **SLOT, quantity=30, reason="x", by="customer", lines=(PODS,))
        states = []
        for event in (DRAFTED, arrived, short, returned, arrived):
            await consume(store, event)
            states.append((await facts_of(store)).lines[0].state)

        assert states == [
            *(LineState.ORDERED, LineState.DELIVERED, LineState.SHORT),
            *(LineState.RETURNED, LineState.RETURNED),
        ]

    async def test_lines_are_known_without_draft(self, store):
        await consume(store, FIRST_PARCEL)

        (line,) = (await facts_of(store)).lines
        assert (line.product_id, line.quantity, line.shipped, line.unit) == ("pods", None, 10, "C62")

    async def test_events_without_lines_are_one_line(self, store):
        await consume(store, OrderDrafted(**ORDER, packs=2, quantity=40), OrderShipped(**ORDER, quantity=40))

        (line,) = (await facts_of(store)).lines
        assert (line.line_id, line.quantity, line.shipped, line.state) == ("1", 40, 40, LineState.SHIPPED)

    async def test_line_is_stored_once_if_event_has_it_twice(self, store):
        await consume(store, OrderCancelled(**ORDER, by="customer", reason="x", lines=(PODS, PODS)))

        assert len((await facts_of(store)).lines) == 1

    async def test_erased_customer_has_no_lines(self, store):
        await consume(store, DRAFTED)

        await on_customer_erased(CustomerErased(customer_id="ann"), store)
        await consume(store, DRAFTED, PLACED, REFUSED_LINE)

        assert await store.connection.fetchval("SELECT count(*) FROM order_line") == 0
        assert await store.list_notices("ann", None, 10) == []

    async def test_draft_and_fact_take_one_statement_for_any_number_of_lines(self, store):
        counted = Counted(store.connection)
        store.connection = counted
        many = tuple(
            a.event_line(f"line-{number}", "pods", 1, packs=1, pack_size=1, receipt_id="r") for number in range(200)
        )

        taken = []
        for lines in (AGREED[:1], many):
            counted.statements = []
            await consume(store, DRAFTED.model_copy(update={"lines": lines}))
            await store.save_lines(PLACED.model_copy(update={"lines": lines}))
            taken.append(len(counted.statements))

        assert taken == [2, 2]


class Counted:
    """A connection that lists its statements."""

    def __init__(self, connection):
        self._connection, self.statements = connection, []

    def __getattr__(self, name):
        async def run(sql, *arguments):
            self.statements.append(sql)
            return await getattr(self._connection, name)(sql, *arguments)

        return run


class TestNotices:
    async def test_lines_and_quantities_are_stored(self, store):
        await consume(store, DRAFTED, REFUSED_LINE, REFUSED_LINE)

        notice = await find(store, Kind.ORDER_REFUSED, "o1/2")
        assert notice.details == {"reason": "sold out", "complete": False, "lines": {"2": 100}}
        assert (notice.state, len(store.added_tasks)) == (NoticeState.DUE, 1)

    async def test_preference_about_orders_covers_their_lines(self, store):
        await store.save_preferences("ann", {Kind.ORDER_REFUSED: False})

        await consume(store, DRAFTED, REFUSED_LINE)

        assert (await find(store, Kind.ORDER_REFUSED, "o1/2")).state is NoticeState.NOT_SENT

    async def test_each_parcel_has_notice(self, store):
        await store.save_preferences("ann", {Kind.ORDER_SHIPPED: True})

        await consume(store, DRAFTED, FIRST_PARCEL, SECOND_PARCEL, FIRST_PARCEL)

        assert len(store.added_tasks) == 2

    async def test_each_refund_has_notice(self, store):
        first = PaymentRefunded(**ORDER, payment_id="p", amount=5, currency="EUR", refunded=5)
        second = PaymentRefunded(**ORDER, payment_id="p", amount=7, currency="EUR", refunded=12)

        await consume(store, DRAFTED, first, second, second)

        assert len(store.added_tasks) == 2

    async def test_only_mails_about_several_lines_wait(self, store):
        await consume(store, OrderPlaced(**(ORDER | {"order_id": "o2"}), packs=2, quantity=40))
        await consume(store, DRAFTED, PLACED)

        one_line, several = (task.due_at for task in store.added_tasks)
        assert one_line == a.NOON
        assert several - one_line == timedelta(seconds=Settings.model_fields["mail_share_seconds"].default)

    async def test_approval_of_several_lines_withdraws_requests_of_each(self, store):
        await on_reorder_held(held("awaiting_approval", order_id="o1"), store)
        filters = {"product_id": "filters", "pool_id": "ann/filters"}
        await on_reorder_held(held("awaiting_approval", order_id="o2", epoch=7, **filters), store)
        await on_reorder_held(held("no_offer", epoch=6, **filters), store)
        lines = tuple(ReorderLine(**line.model_dump(include=set(ReorderLine.model_fields))) for line in AGREED)

        await on_reorder_approved(approved(lines=lines), store)

        notices = [
            await find(store, Kind.APPROVAL_NEEDED),
            await find(store, Kind.APPROVAL_NEEDED, "o2"),
            await find(store, Kind.CANNOT_ORDER, "ann/filters/6"),
        ]
        assert [notice.state for notice in notices] == [NoticeState.WITHDRAWN] * 3

    @pytest.mark.parametrize("order", [1, -1], ids=["approved first", "drafted first"])
    async def test_parts_of_split_order_are_approved(self, store, order):
        lines = tuple(ReorderLine(**line.model_dump(include=set(ReorderLine.model_fields))) for line in AGREED)
        part = split_order_id("o1", lines[1].line_id)
        drafted = DRAFTED.model_copy(update={"order_id": part, "lines": AGREED[1:]})
        placed = PLACED.model_copy(update={"order_id": part, "lines": AGREED[1:]})
        steps = [(on_reorder_approved, approved(lines=lines)), (on_order_drafted, drafted)]

        for handler, event in steps[::order]:
            await handler(event, store)
        await consume(store, placed)

        facts = await store.get_facts(await find(store, Kind.ORDER_PLACED, part))
        assert (facts.approved, facts.needed_by) == (True, a.NOON)
