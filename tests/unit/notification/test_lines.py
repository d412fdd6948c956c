"""What is stored of the lines in events, and which notices share a mail."""

import pytest

from replenish_contracts.events import (
    ClaimRaised,
    OrderCancelled,
    OrderDrafted,
    OrderLinesCancelled,
    OrderPlaced,
    OrderShipped,
    PaymentRefunded,
    ShopCancelRequested,
)
from services.notification.domain import (
    Kind,
    LineState,
    NoticeTiming,
    choose_contents,
    decide,
    line_rows,
    reference_of,
)
from tests.support import notification_events as a

ORDER = {
    "order_id": "o1",
    "customer_id": "ann",
    "product_id": "pods",
    "pool_id": "ann/pods",
    "provider_id": "acme",
    "occurred_at": a.NOON,
}
PODS = a.event_line("1", "pods", 40)
FILTERS = a.event_line("2", "filters", 100)


class TestLineRows:
    def test_event_without_lines_has_its_own_quantity(self):
        (row,) = line_rows(OrderDrafted(**ORDER, packs=2, quantity=40))

        assert (row["line_id"], row["product_id"], row["quantity"], row["packs"]) == ("1", "pods", 40, 2)
        assert row["state"] is LineState.ORDERED

    def test_shipped_quantity_is_kept_by_parcel(self):
        (row,) = line_rows(OrderShipped(**ORDER, quantity=40, lines=(PODS,), shipment_id="parcel-1"))

        assert (row["state"], row["shipped"]) == (LineState.SHIPPED, {"parcel-1": 40})
        assert (row["quantity"], row["agreed_at"]) == (None, None)

    def test_placed_lines_have_terms(self):
        lines = (a.event_line("1", "pods", 40, packs=2, pack_size=20, unit_price=499, receipt_id="r"),)

        (row,) = line_rows(OrderPlaced(**ORDER, packs=2, quantity=40, lines=lines))

        assert (row["quantity"], row["pack_size"], row["unit_price"]) == (40, 20, 499)
        assert row["agreed_at"] == "2026-03-01T12:00:00+00:00"


class TestReferenceOf:
    @pytest.mark.parametrize(
        ("event", "reference"),
        [
            (OrderCancelled(**ORDER, by="customer", reason="x", lines=(PODS, FILTERS)), "o1"),
            (OrderShipped(**ORDER, quantity=40), "o1"),
            (OrderShipped(**ORDER, quantity=40, lines=(PODS,), shipment_id="parcel-1"), "o1/parcel-1"),
            (OrderShipped(**ORDER, quantity=100, lines=(FILTERS,), complete=False), "o1/2"),
            (OrderLinesCancelled(**ORDER, by="customer", reason="x", lines=(FILTERS,), complete=True), "o1/2"),
            (ClaimRaised(**ORDER, ordered=40, received=30), "o1"),
            (ClaimRaised(**ORDER, ordered=40, received=30, lines=(PODS,)), "o1"),
            (ClaimRaised(**ORDER, ordered=100, received=30, lines=(FILTERS,)), "o1/2"),
            (ShopCancelRequested(**ORDER, reason="x", lines=(FILTERS,)), "o1/2"),
            (PaymentRefunded(**ORDER, payment_id="p", amount=5, currency="EUR", refunded=5), "o1"),
            (PaymentRefunded(**ORDER, payment_id="p", amount=5, currency="EUR", refunded=12), "o1/12"),
        ],
    )
    def test_reference_tells_parts_of_order_apart(self, event, reference):
        assert reference_of(event) == reference

    def test_reference_of_many_lines_is_short_and_ignores_their_order(self):
        lines = tuple(a.event_line(f"line-{number}" * 20, "pods", 1) for number in range(100))
        cancelled = {"by": "customer", "reason": "x"}

        references = {
            reference_of(OrderLinesCancelled(**ORDER, **cancelled, lines=given)) for given in (lines, lines[::-1])
        }

        assert [len(reference) for reference in references] == [39]


def notice(notice_id, kind, sent_with=None, **details):
    return a.notice(kind, notice_id=notice_id, sent_with=sent_with, details=details)


PLACED = notice("placed", Kind.ORDER_PLACED)
SHIPPED = notice("shipped", Kind.ORDER_SHIPPED, complete=False)
REFUSED_LINES = notice("refused-lines", Kind.ORDER_REFUSED, complete=False)
CANCELLED_LINES = notice("cancelled-lines", Kind.ORDER_CANCELLED, complete=False)
CANCELLED_ORDER = notice("cancelled-order", Kind.ORDER_CANCELLED)
CLAIM_1, CLAIM_2 = notice("claim-1", Kind.CLAIM_RAISED), notice("claim-2", Kind.CLAIM_RAISED)


class TestChooseContents:
    @pytest.mark.parametrize(
        ("own", "due", "contents"),
        [
            (PLACED, [PLACED], [PLACED]),
            (PLACED, [PLACED, REFUSED_LINES], [PLACED, REFUSED_LINES]),
            (REFUSED_LINES, [REFUSED_LINES, PLACED], [PLACED, REFUSED_LINES]),
            (CANCELLED_LINES, [CANCELLED_LINES, SHIPPED, REFUSED_LINES], [SHIPPED, CANCELLED_LINES, REFUSED_LINES]),
            (REFUSED_LINES, [CANCELLED_LINES, REFUSED_LINES], [REFUSED_LINES, CANCELLED_LINES]),
            (CLAIM_1, [CLAIM_1, CLAIM_2, SHIPPED], [CLAIM_1, CLAIM_2]),
            (PLACED, [PLACED, SHIPPED], [PLACED]),
            (CANCELLED_ORDER, [CANCELLED_ORDER, REFUSED_LINES, PLACED], [CANCELLED_ORDER]),
        ],
    )
    def test_notices_of_one_moment_share_mail(self, own, due, contents):
        assert choose_contents(own.notice_id, due) == contents

    def test_repeated_attempt_has_same_contents(self):
        own = notice("claim-1", Kind.CLAIM_RAISED, sent_with="claim-1")
        bound = notice("claim-2", Kind.CLAIM_RAISED, sent_with="claim-1")
        late = notice("claim-3", Kind.CLAIM_RAISED)

        assert choose_contents("claim-1", [own, bound, late]) == [own, bound]

    def test_leading_notice_stays_first_in_repeated_attempt(self):
        own = notice("refused-lines", Kind.ORDER_REFUSED, sent_with="refused-lines", complete=False)
        leading = notice("placed", Kind.ORDER_PLACED, sent_with="refused-lines")

        assert choose_contents("refused-lines", [own, leading]) == [leading, own]

    def test_notice_in_other_mail_is_not_sent_again(self):
        own = notice("claim-2", Kind.CLAIM_RAISED, sent_with="claim-1")

        assert choose_contents("claim-2", [own, CLAIM_1]) == []


class TestDecide:
    def test_mails_to_share_wait(self):
        timing = NoticeTiming(a.TIMING.grace, a.TIMING.quiet, share=a.TIMING.grace)

        due = [
            decide(kind, preference=None, last_notified_at=None, timing=timing, now=a.NOON).due_at
            for kind in (Kind.ORDER_PLACED, Kind.CART_PREPARED)
        ]

        assert due == [a.NOON + a.TIMING.grace, a.NOON]
