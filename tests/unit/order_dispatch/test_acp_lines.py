"""ACP checkouts and orders of several lines."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kit import RejectedError
from replenish_contracts.events import UpdateStatus
from services.order_dispatch.domain import Cancellation, LineState, Order, OrderLine, State, cancel, decide_update
from services.order_dispatch.providers import acp
from services.order_dispatch.providers.acp.checkout import create
from services.order_dispatch.providers.acp.messages import Session
from services.order_dispatch.providers.acp.translation import obstacle, read_session
from services.order_dispatch.providers.parsing import parse
from services.order_dispatch.providers.protocol import answer_as_update
from services.order_dispatch.providers.registry import max_lines
from tests.support import orders as a
from tests.support.recording import RecordingClient

ACCEPTED, SHIPPED, DELIVERED, CANCELLED = (
    UpdateStatus(name) for name in ("accepted", "shipped", "delivered", "cancelled")
)
#: The lines of a.basket(): 2 packs of 20 pods for 998, 1 pack of 100 filters for 350.
PODS, FILTERS = "1", "2"


OPEN_SESSION = {"id": "cs_1", "status": "ready_for_payment", "currency": "usd"}


def item(line_id, ordered, fulfilled=0, current=None, **more):
    current = ordered if current is None else current
    return {"id": line_id, "quantity": {"ordered": ordered, "current": current, "fulfilled": fulfilled}, **more}


def parcel(status, *parts, **more):
    return {"id": "f", "status": status, "line_items": [{"id": i, "quantity": n} for i, n in parts], **more}


def read_order(*items, order=None, status="processing", parcels=()):
    data = {"checkout_session_id": "cs_1", "status": status, "line_items": items, "fulfillments": parcels}
    body = json.dumps({"type": "order_update", "data": data}).encode()
    return acp.parse_callback(body, order or a.basket(State.PLACED)).answer


def lines_of(answer):
    return [(line.line_id, line.status, line.quantity, line.remaining) for line in answer.lines]


def apply(order: Order, answer, number=1) -> Order:
    update = answer_as_update(answer, order, f"u{number}", a.NOON)
    assert update is not None
    decided = decide_update(order, update, a.ACME, a.TIMEOUTS, a.NOON)
    return order if decided.decision is None else decided.decision.order


def session(*lines, **changes):
    plain = {"id": "cs_1", "status": "ready_for_payment", "currency": "usd", "line_items": lines}
    return parse(Session, json.dumps(plain | changes).encode())


def session_line(line_id, item_id, total=None):
    totals = [] if total is None else [{"type": "subtotal", "amount": 1}, {"type": "total", "amount": total}]
    return {"id": line_id, "item": {"id": item_id}, "totals": totals}


def total(amount, kind="total"):
    return {"type": kind, "amount": amount}


class TestCheckout:
    async def test_checkout_has_a_line_item_for_each_line(self):
        client = RecordingClient(OPEN_SESSION)

        await create(a.basket(), client)

        (body,) = client.bodies
        totals = [
            (line["id"], {entry["type"]: entry["amount"] for entry in line["totals"]}) for line in body["line_items"]
        ]
        assert [(line["id"], line["item"], line["quantity"]) for line in body["line_items"]] == [
            (PODS, {"id": "pods", "unit_amount": 499}, 2),
            (FILTERS, {"id": "filters", "unit_amount": 350}, 1),
        ]
        assert totals == [
            (PODS, {"items_base_amount": 998, "subtotal": 998, "total": 998}),
            (FILTERS, {"items_base_amount": 350, "subtotal": 350, "total": 350}),
        ]

    async def test_checkout_omits_a_line_that_ended_before(self):
        client = RecordingClient(OPEN_SESSION)

        await create(a.with_line(a.basket(), PODS, state=LineState.CANCELLED), client)

        assert [line["id"] for line in client.bodies[0]["line_items"]] == [FILTERS]

    async def test_checkout_of_a_closed_order_names_its_lines(self):
        client = RecordingClient(OPEN_SESSION)

        await create(a.with_line(a.drafted(), state=LineState.CANCELLED), client)

        assert [line["id"] for line in client.bodies[0]["line_items"]] == ["1"]

    @pytest.mark.parametrize(
        ("totals", "reason"),
        [
            ([total(1348, "subtotal"), total(100, "fulfillment"), total(1448)], None),
            (
                [total(1348, "subtotal"), total(100, "fulfillment"), total(1, "tax"), total(1449)],
                "1449 instead of 1448",
            ),
        ],
    )
    def test_total_may_include_the_agreed_fee(self, totals, reason):
        found = obstacle(session(totals=totals), a.basket(fee=100))

        assert (reason or "") in (found or "")
        assert (found is None) == (reason is None)

    def test_line_that_ended_before_is_not_part_of_the_agreed_price(self):
        order = a.with_line(a.basket(), FILTERS, state=LineState.CANCELLED)

        assert obstacle(session(totals=[total(998)]), order) is None
        assert "999 instead of 998" in (obstacle(session(totals=[total(999)]), order) or "")

    def test_line_that_was_withdrawn_from_a_draft_is_subtracted_once(self):
        withdrawn = cancel(a.basket(), Cancellation("customer", "enough", a.NOON), [PODS]).order

        assert obstacle(session(totals=[total(350)]), withdrawn) is None

    def test_checkout_without_a_line_is_not_completed(self):
        found = obstacle(session(session_line(PODS, "pods"), totals=[total(998)]), a.basket())

        assert found == "the checkout lacks lines of the order, which has pods, filters"

    async def test_line_cancellation_is_rejected_without_a_request(self):
        cancellation = Cancellation("customer", "enough", a.NOON)
        client = RecordingClient({})

        with pytest.raises(RejectedError, match="single lines"):
            await acp.cancel(a.with_line(a.basket(State.PLACED), PODS, cancellation=cancellation), client)

        assert client.bodies == []

    def test_account_may_limit_the_lines(self):
        acp.check_account({"max_lines": 1})

        assert max_lines(a.replace(a.ACME, protocol="acp", account={"max_lines": 1})) == 1
        assert max_lines(a.replace(a.ACME, protocol="acp")) is None


class TestProgress:
    def test_one_line_is_sent_while_the_other_waits(self):
        answer = read_order(item(PODS, 2), item(FILTERS, 1, fulfilled=1))

        assert answer.status == "shipped"
        assert answer.quantity is None
        assert lines_of(answer) == [(PODS, ACCEPTED, None, None), (FILTERS, SHIPPED, 100, 0)]

    def test_part_of_a_line_leaves_the_rest_for_later(self):
        answer = read_order(item(PODS, 2, fulfilled=1), item(FILTERS, 1))

        assert lines_of(answer) == [(PODS, SHIPPED, 20, 20), (FILTERS, ACCEPTED, None, None)]

    def test_part_of_an_order_of_one_line_leaves_the_rest_for_later(self):
        answer = read_order(item("li_1", 2, fulfilled=1), order=a.order(State.PLACED))

        assert (answer.status, answer.quantity) == ("shipped", 20)
        assert [(line.quantity, line.remaining) for line in answer.lines] == [(20, 20)]

    def test_order_of_one_line_sent_completely_needs_no_rest(self):
        answer = read_order(item("li_1", 2, fulfilled=2), order=a.order(State.PLACED), status="shipped")

        assert (answer.status, answer.quantity, answer.lines[0].remaining) == ("shipped", 40, 0)

    def test_dropped_line_is_cancelled(self):
        answer = read_order(item(PODS, 2, current=0), item(FILTERS, 1), status="confirmed")

        assert answer.status == "accepted"
        assert lines_of(answer) == [(PODS, CANCELLED, None, None), (FILTERS, ACCEPTED, None, None)]

    def test_dropped_rest_leaves_nothing_for_later(self):
        order = apply(a.basket(State.PLACED), read_order(item(PODS, 2, fulfilled=1), item(FILTERS, 1)))
        order = apply(order, read_order(item(PODS, 2, current=1, fulfilled=1), item(FILTERS, 1), order=order), 2)

        line = order.find_line(PODS)
        assert (line.shipped_quantity, line.remaining_quantity) == (20, 0)

    def test_line_is_delivered_with_its_own_parcels(self):
        parcels = [parcel("delivered", (PODS, 2)), parcel("in_transit", (FILTERS, 1))]
        answer = read_order(item(PODS, 2, fulfilled=2), item(FILTERS, 1, fulfilled=1), parcels=parcels)

        assert lines_of(answer) == [(PODS, DELIVERED, 40, 0), (FILTERS, SHIPPED, 100, 0)]

    def test_line_in_two_parcels_is_delivered_with_the_second(self):
        parts = [("delivered", "in_transit"), ("delivered", "delivered")]
        answers = [
            read_order(
                item(PODS, 2, fulfilled=2), item(FILTERS, 1), parcels=[parcel(status, (PODS, 1)) for status in both]
            )
            for both in parts
        ]

        assert [lines_of(answer)[0][1] for answer in answers] == [SHIPPED, DELIVERED]

    def test_parcels_count_what_left_if_the_lines_do_not(self):
        parcels = [parcel("in_transit", (PODS, 1)), parcel("pending", (PODS, 1), (FILTERS, 1))]
        answer = read_order(item(PODS, 2), item(FILTERS, 1), parcels=parcels)

        assert lines_of(answer) == [(PODS, SHIPPED, 20, 20), (FILTERS, ACCEPTED, None, None)]

    @pytest.mark.parametrize(
        ("status", "read"), [("shipped", SHIPPED), ("completed", DELIVERED), ("canceled", CANCELLED)]
    )
    def test_state_of_an_order_without_counts_is_that_of_all_lines(self, status, read):
        answer = read_order(item(PODS, 2), item(FILTERS, 1), status=status)

        assert lines_of(answer) == [(PODS, read, None, None), (FILTERS, read, None, None)]

    def test_line_without_a_count_waits_if_others_are_counted(self):
        answer = read_order(item(PODS, 2, fulfilled=2), item(FILTERS, 1), status="shipped")

        assert lines_of(answer) == [(PODS, SHIPPED, 40, 0), (FILTERS, ACCEPTED, None, None)]

    def test_reduced_line_is_sent_with_its_current_quantity(self):
        answer = read_order(item(PODS, 2, current=1), item(FILTERS, 1), status="shipped")

        assert lines_of(answer) == [(PODS, SHIPPED, 20, 0), (FILTERS, SHIPPED, None, None)]

    def test_order_without_lines_is_about_all(self):
        answer = read_order(status="shipped")

        assert (answer.status, answer.lines, answer.quantity) == ("shipped", (), None)

    def test_review_is_about_the_whole_order(self):
        answer = read_order(item(PODS, 2), item(FILTERS, 1, current=0), status="manual_review")

        assert (answer.status, answer.lines) == ("resolving", ())

    def test_tracking_is_that_of_the_last_parcel_that_left(self):
        parcels = [
            parcel("delivered", (PODS, 2), tracking_number="T1"),
            parcel("in_transit", (FILTERS, 1), tracking_number="T2"),
        ]
        answer = read_order(item(PODS, 2, fulfilled=2), item(FILTERS, 1, fulfilled=1), parcels=parcels)

        assert answer.tracking == "T2"

    def test_snapshots_repeated_and_late_count_each_pack_once(self):
        before = read_order(item(PODS, 2, fulfilled=1), item(FILTERS, 1))
        after = read_order(item(PODS, 2, fulfilled=2), item(FILTERS, 1, fulfilled=1))
        order = a.basket(State.PLACED)
        for number, answer in enumerate((before, before, after, before, after)):
            order = apply(order, answer, number)

        assert [(line.shipped_quantity, line.remaining_quantity) for line in order.lines] == [(40, 0), (100, 0)]


def with_second_line_of_pods(order: Order) -> Order:
    line: OrderLine = order.find_line(FILTERS)
    return a.with_line(order, FILTERS, product_id="pods", packs=2, pack_size=20, quantity=40, slot=line.slot)


class TestMatching:
    def test_merchant_with_own_line_ids_is_matched_by_item(self):
        answer = read_order(item("li_9", 1, fulfilled=1, product_id="filters"), item("li_8", 2, product_id="pods"))

        assert sorted(lines_of(answer)) == [(PODS, ACCEPTED, None, None), (FILTERS, SHIPPED, 100, 0)]

    def test_our_line_ids_with_swapped_items_are_matched_by_item(self):
        answer = read_order(item("1", 1, fulfilled=1, product_id="filters"), item("2", 2, product_id="pods"))

        assert sorted(lines_of(answer)) == [(PODS, ACCEPTED, None, None), (FILTERS, SHIPPED, 100, 0)]

    def test_two_lines_of_one_item_are_matched_by_position(self):
        order = with_second_line_of_pods(a.basket(State.PLACED))
        answer = read_order(
            item("li_1", 2, product_id="pods"), item("li_2", 2, fulfilled=2, product_id="pods"), order=order
        )

        assert sorted(lines_of(answer)) == [(PODS, ACCEPTED, None, None), (FILTERS, SHIPPED, 40, 0)]

    def test_line_that_ended_before_is_not_awaited(self):
        order = a.with_line(with_second_line_of_pods(a.basket(State.PLACED)), PODS, state=LineState.CANCELLED)
        answer = read_order(item("li_1", 2, fulfilled=2, product_id="pods"), order=order)

        assert lines_of(answer) == [(FILTERS, SHIPPED, 40, 0)]

    def test_gift_is_ignored(self):
        answer = read_order(item(PODS, 2, fulfilled=2), item(FILTERS, 1), item("gift", 1, fulfilled=1))

        assert lines_of(answer) == [(PODS, SHIPPED, 40, 0), (FILTERS, ACCEPTED, None, None)]

    @pytest.mark.parametrize(
        ("items", "status", "read"),
        [
            ((item("li_1", 2, fulfilled=2), item("li_2", 1)), "processing", "accepted"),
            ((item("li_1", 2, fulfilled=2), item("li_2", 1, current=0)), "shipped", "accepted"),
            ((item("li_1", 2, fulfilled=2), item("li_2", 1, fulfilled=1)), "shipped", "shipped"),
            ((item("li_1", 2, current=0), item("li_2", 1, current=0)), "processing", "cancelled"),
            ((item(PODS, 2, fulfilled=2),), "shipped", "shipped"),
        ],
    )
    def test_unmatched_lines_are_about_the_whole_order_with_a_reason(self, items, status, read):
        answer = read_order(*items, status=status)

        assert (answer.status, answer.lines, answer.quantity) == (read, (), None)
        assert "cannot be matched" in (answer.reason or "")

    def test_checkout_names_the_items_of_the_merchants_lines(self):
        lines = session_line("li_8", "pods", 900), session_line("li_9", "filters", 350)
        order = {"line_items": [item("li_8", 2), item("li_9", 1, fulfilled=1)], "status": "processing"}
        answer = read_session(session(*lines, status="completed", order=order), a.basket(State.PLACED))

        assert sorted(lines_of(answer)) == [(PODS, ACCEPTED, None, None), (FILTERS, SHIPPED, 100, 0)]


class TestPrice:
    def test_session_has_the_price_of_each_line_and_of_the_order(self):
        lines = session_line(PODS, "pods", 900), session_line(FILTERS, "filters", 340)
        answer = read_session(
            session(*lines, status="completed", totals=[total(1240)], order={"status": "confirmed"}), a.basket()
        )

        assert (answer.status, answer.price, answer.currency) == ("accepted", 1240, "USD")
        assert [(line.line_id, line.price) for line in answer.lines] == [(PODS, 900), (FILTERS, 340)]

    def test_line_without_total_has_no_price(self):
        lines = session_line(PODS, "pods", 900), session_line(FILTERS, "filters")
        answer = read_session(session(*lines, status="completed", order={"status": "confirmed"}), a.basket())

        assert [line.price for line in answer.lines] == [900, None]

    def test_order_of_one_line_has_only_the_orders_price(self):
        found = session(
            session_line("1", "pods", 900), status="completed", totals=[total(998)], order={"status": "confirmed"}
        )

        assert (read_session(found, a.drafted()).price, read_session(found, a.drafted()).lines) == (998, ())


@st.composite
def histories(draw):
    """Return the snapshots of a merchant that sends pods and filters pack by pack, and the order of their arrival."""
    sent = {PODS: 0, FILTERS: 0}
    steps = [dict(sent)]
    for line_id in draw(st.permutations([PODS, PODS, FILTERS])):
        sent[line_id] += 1
        steps.append(dict(sent))
    return draw(st.lists(st.sampled_from(steps), max_size=8)), steps[-1]


@given(histories())
def test_snapshots_in_any_order_count_each_pack_once(history):
    arrived, last = history
    order = a.basket(State.PLACED)
    for number, counts in enumerate((*arrived, last)):
        items = item(PODS, 2, fulfilled=counts[PODS]), item(FILTERS, 1, fulfilled=counts[FILTERS])
        order = apply(order, read_order(*items, order=order), number)
        assert all((line.shipped_quantity or 0) + line.remaining_quantity <= line.quantity for line in order.lines)

    assert [(line.shipped_quantity, line.remaining_quantity) for line in order.lines] == [(40, 0), (100, 0)]
