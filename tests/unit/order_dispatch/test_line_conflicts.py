"""Contradictory, repeated and incomplete reports and requests about the lines of an order."""

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from services.order_dispatch.answers.answering import Step
from services.order_dispatch.answers.api import LinkToken
from services.order_dispatch.answers.links import AnswerLink, sign_link
from services.order_dispatch.domain import (
    Cancellation,
    DraftLine,
    LineState,
    ProviderRequest,
    State,
    TooLateError,
    cancel,
    decide_update,
    draft,
    fail,
    return_goods,
)
from services.order_dispatch.domain.placing import FulfilmentPlan, next_step
from tests.support import orders as a

CANCELLATION = Cancellation("customer", "enough", a.NOON)


def names(decision):
    return [type(event).__name__ for event in decision.events]


def paid(state=State.PLACED, **changes):
    return replace(a.basket(state, **changes), authorized_at=a.NOON)


def test_line_that_a_request_names_twice_is_cancelled_alone():
    decision = cancel(a.basket(State.PLACED), CANCELLATION, ["1", "1"])

    assert decision.order.cancellation is None
    assert [line.line_id for line in decision.order.lines_to_cancel] == ["1"]
    assert cancel(a.basket(), CANCELLATION, ["1", "1"]).order.cancellation is None


def test_failed_order_cannot_be_cancelled():
    failed = fail(a.drafted(), "no address", a.NOON).order

    for line_ids in ([], ["1"]):
        with pytest.raises(TooLateError, match="the order is already failed"):
            cancel(failed, CANCELLATION, line_ids)


def test_cancelled_order_with_a_refused_line_is_cancelled_idempotently():
    placing = replace(a.basket(State.PLACED), state=State.PLACING)
    refused = a.apply(placing, a.update("refused", lines=(a.about("1"),))).order
    cancelled = a.apply(refused, a.update("cancelled")).order

    assert cancelled.state is State.CANCELLED
    assert cancel(cancelled, CANCELLATION).order is cancelled


def test_total_of_an_update_is_not_for_the_lines_that_it_refuses():
    placing = replace(paid(), state=State.PLACING)
    lines = (a.about("1"), a.about("2", status="refused"))
    expected_at = a.NOON + a.days(1)

    placed = a.apply(placing, a.update("accepted", price=998, currency="USD", lines=lines, expected_at=expected_at))
    shipped = a.apply(placed.order, a.update("shipped"))

    assert placed.order.expected_at == expected_at
    assert shipped.capture is not None
    assert shipped.capture.due == 998


def test_line_with_nothing_in_a_parcel_has_not_left():
    lines = (a.about("1"), a.about("2", quantity=0))
    shipped = a.apply(paid(), a.update("shipped", shipment_id="P1", lines=lines)).order

    assert a.states(shipped) == [LineState.SHIPPED, LineState.ORDERED]
    assert [parcel.quantities for parcel in shipped.shipments] == [(("1", 40),)]
    cancelled = a.apply(shipped, a.update("cancelled", lines=(a.about("2"),)))
    assert a.states(cancelled.order) == [LineState.SHIPPED, LineState.CANCELLED]
    assert names(cancelled) == ["OrderLinesCancelled"]


def test_line_that_is_not_sent_at_all_is_short():
    lines = (a.about("1"), a.about("2", quantity=0, remaining=0))
    shipped = a.apply(paid(), a.update("shipped", shipment_id="P1", lines=lines)).order

    assert a.states(a.apply(shipped, a.update("delivered")).order) == [LineState.DELIVERED, LineState.SHORT]


def test_later_parcel_is_counted_against_what_is_still_to_leave():
    first = a.update("shipped", shipment_id="P1", lines=(a.about("1", quantity=20, remaining=10),))
    second = a.update("shipped", shipment_id="P2", lines=(a.about("1", quantity=10),))

    line = a.apply(a.apply(paid(), first).order, second).order.find_line("1")

    assert (line.shipped_quantity, line.remaining_quantity) == (30, 0)


def test_parcels_of_a_test_order_complete_its_line():
    order = a.basket(State.PLACED, provider=replace(a.ACME, test=True))
    for parcel in ("P1", "P2"):
        order = a.apply(order, a.update("shipped", shipment_id=parcel, lines=(a.about("1", quantity=20),))).order

    assert order.find_line("1").remaining_quantity == 0


def test_quantity_that_arrived_with_a_parcel_counts():
    shipped = a.apply(paid(), a.update("shipped", shipment_id="P1")).order
    lines = (a.about("1", quantity=30), a.about("2"))

    delivered = a.apply(shipped, a.update("delivered", shipment_id="P1", lines=lines))

    assert a.states(delivered.order) == [LineState.SHORT, LineState.DELIVERED]
    assert names(delivered) == ["OrderDelivered", "ClaimRaised"]
    assert [line.quantity for line in delivered.events[0].lines] == [30, 100]
    assert delivered.order.shipments[0].quantities == (("1", 30), ("2", 100))
    assert delivered.refund == 250


def test_parcel_arrives_as_a_whole():
    shipped = a.apply(paid(), a.update("shipped", shipment_id="P1")).order

    delivered = a.apply(shipped, a.update("delivered", shipment_id="P1", lines=(a.about("1"),)))

    assert delivered.order.state is State.DELIVERED
    assert names(delivered) == ["OrderDelivered"]


def test_unknown_parcel_that_arrives_holds_what_left_without_an_id():
    shipped = a.apply(paid(), a.update("shipped", lines=(a.about("1"),))).order

    delivered = a.apply(shipped, a.update("delivered", shipment_id="P1"))

    assert a.states(delivered.order) == [LineState.DELIVERED, LineState.ORDERED]
    assert [line.line_id for line in delivered.events[0].lines] == ["1"]


def test_line_of_a_parcel_with_another_status_does_not_arrive_with_it():
    shipped = a.apply(paid(), a.update("shipped", shipment_id="P1")).order
    lines = (a.about("1"), a.about("2", status="shipped"))

    delivered = a.apply(shipped, a.update("delivered", shipment_id="P1", lines=lines)).order

    assert a.states(delivered) == [LineState.DELIVERED, LineState.SHIPPED]


def test_parcel_does_not_have_the_tracking_number_of_an_earlier_one():
    first = a.update("shipped", shipment_id="P1", tracking="T1", lines=(a.about("1"),))
    second = a.update("shipped", shipment_id="P2", lines=(a.about("2"),))

    decision = a.apply(a.apply(paid(), first).order, second)

    assert [parcel.tracking for parcel in decision.order.shipments] == ["T1", None]
    assert decision.events[-1].tracking is None


def test_line_that_the_customer_cancelled_does_not_fail_with_an_order_that_was_not_received():
    requested = cancel(a.basket(State.UNKNOWN), CANCELLATION, ["1"])
    assert requested.requests == (ProviderRequest.CANCEL,)

    late = a.NOON + a.days(2)
    decision = decide_update(requested.order, a.update("not_found"), a.ACME, a.TIMEOUTS, late).decision

    assert decision.order.state is State.FAILED
    ends = [(type(event).__name__, [line.line_id for line in event.lines]) for event in decision.events]
    assert ends == [("OrderLinesCancelled", ["1"]), ("OrderFailed", ["2"])]


def test_order_whose_lines_were_all_cancelled_one_by_one_does_not_fail():
    order = a.basket(State.UNKNOWN)
    for line_id in ("1", "2"):
        order = cancel(order, CANCELLATION, [line_id]).order

    late = a.NOON + a.days(2)
    decision = decide_update(order, a.update("not_found"), a.ACME, a.TIMEOUTS, late).decision

    assert decision.order.state is State.CANCELLED
    assert names(decision) == ["OrderCancelled"]
    assert decision.events[0].by == "customer"


def test_fee_is_refunded_when_the_last_line_ends_after_the_return_of_the_others():
    delivered = a.apply(paid(fee=200), a.update("delivered", lines=(a.about("1"),))).order
    returned = return_goods(delivered, 40, CANCELLATION, "1")
    assert returned.refund == 998

    ended = a.apply(returned.order, a.update("cancelled"))

    assert ended.order.state is State.RETURNED
    assert (ended.refund, ended.order.fee_refunded) == (200, 200)


def test_lines_in_several_currencies_have_no_common_price():
    lines = [
        a.ReorderLine(
            line_id=str(number),
            product_id=product,
            pool_id=f"ann/{product}",
            device_id="brewer",
            slot="1",
            packs=1,
            pack_size=20,
            quantity=20,
            receipt_id="r1",
            epoch=1,
        )
        for number, product in enumerate(("pods", "filters"), start=1)
    ]
    offers = [a.offer(currency="USD"), a.offer(product_id="filters", currency="EUR")]
    drafts = [DraftLine(line, a.slot(), offer) for line, offer in zip(lines, offers, strict=True)]
    order = draft(a.approved(lines=tuple(lines)), "o1", drafts, a.ACME, a.NOON).order

    failed = next_step(order, FulfilmentPlan(pays=True), a.TIMEOUTS, a.NOON)

    assert failed.events[0].reason == "acme has no price for all lines in one currency, so the order cannot be paid"


def test_link_may_name_200_lines():
    link = AnswerLink("o" * 36, Step.SHIP, tuple(str(number) for number in range(1, 201)))

    TypeAdapter(LinkToken).validate_python(sign_link([bytes(32)], link, 2_000_000_000))
