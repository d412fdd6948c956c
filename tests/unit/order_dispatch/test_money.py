"""Payment moves that an order's transitions require."""

from dataclasses import replace

import pytest

from services.order_dispatch.domain import (
    Cancellation,
    Decision,
    FulfilmentPlan,
    MoneyMove,
    PaymentMove,
    State,
    cancel,
    capture_shipments,
    clear_fraud,
    fail,
    flag_fraud,
    money_moves,
    next_step,
    record_count,
    record_payment_failure,
    return_goods,
)
from tests.support import orders as a

CANCELLATION = Cancellation("customer", "", a.NOON)
REFUND_ALL = (PaymentMove(MoneyMove.REFUND, 998),)


def capture(due):
    """Return the last capture of an order, which releases what is not due."""
    return PaymentMove(MoneyMove.CAPTURE, due, final=True)


def paid(state):
    """Return an order of 40 for 998 whose payment was authorized before shipment."""
    order = replace(a.order(State.PLACED if state in (State.SHIPPED, State.DELIVERED) else state), authorized_at=a.NOON)
    for stop, status in ((State.SHIPPED, "shipped"), (State.DELIVERED, "delivered")):
        if state is not order.state and state in (stop, State.DELIVERED):
            order = a.apply(order, a.update(status)).order
    assert order.state is state
    return order


def short(quantity):
    """Return the decision about a fully captured order of which less is delivered."""
    return a.apply(paid(State.SHIPPED), a.update("delivered", quantity=quantity))


def captured(order):
    """Return the amount due once the order's only line has left."""
    decision = capture_shipments(Decision(replace(order, authorized_at=a.NOON)))
    return decision.order.captured


class TestCapturedAmount:
    @pytest.mark.parametrize(("shipped", "cents"), [(40, 998), (30, 748), (0, 0), (80, 998)])
    def test_captured_amount_is_shipped_share_up_to_the_price(self, shipped, cents):
        assert captured(a.with_line(a.drafted(), shipped_quantity=shipped)) == cents

    @pytest.mark.parametrize(("billed", "currency", "cents"), [(500, "USD", 500), (2000, "USD", 998), (5, "EUR", 998)])
    def test_captured_amount_follows_lower_billed_price(self, billed, currency, cents):
        left = a.with_line(a.drafted(), shipped_quantity=40)

        assert captured(replace(left, billed=billed, billed_currency=currency, billed_for=998)) == cents

    def test_captured_amount_is_zero_for_test_order_or_missing_price(self):
        testing = a.apply(replace(paid(State.PLACED), test=True), a.update("shipped")).order

        assert testing.captured == 0
        assert captured(a.with_line(a.drafted(), unit_price=None, shipped_quantity=40)) == 0


class TestMoneyMoves:
    def test_money_moves_authorize_before_submission(self):
        decision = next_step(a.drafted(), FulfilmentPlan(pays=True), a.TIMEOUTS, a.NOON)

        assert (decision.order.state, money_moves(decision)) == (
            State.AUTHORIZING,
            (PaymentMove(MoneyMove.AUTHORIZE),),
        )

    def test_money_moves_capture_at_shipment(self):
        assert money_moves(a.apply(paid(State.PLACING), a.update("accepted"))) == ()
        assert money_moves(a.apply(paid(State.PLACED), a.update("shipped"))) == (capture(998),)
        assert money_moves(a.apply(paid(State.SHIPPED), a.update("delivered"))) == ()

    def test_money_moves_capture_once_if_states_are_implied(self):
        assert money_moves(a.apply(paid(State.PLACING), a.update("delivered", quantity=30))) == (capture(748),)

    def test_money_moves_void_if_order_ends_without_goods(self):
        void = (PaymentMove(MoneyMove.VOID),)

        assert money_moves(a.apply(paid(State.PLACING), a.update("refused"))) == void
        assert money_moves(a.apply(paid(State.UNKNOWN), a.update("not_found"))) == void
        assert money_moves(a.apply(paid(State.PLACED), a.update("cancelled"))) == void
        assert money_moves(fail(paid(State.PLACING), "no provider", a.NOON)) == void
        assert money_moves(cancel(replace(a.drafted(), state=State.AUTHORIZING), CANCELLATION)) == void

    def test_money_moves_void_if_nothing_was_shipped(self):
        assert money_moves(a.apply(paid(State.PLACED), a.update("shipped", quantity=0))) == (capture(0),)

    def test_money_moves_none_without_payment_service(self):
        assert money_moves(a.apply(a.order(State.PLACED), a.update("shipped"))) == ()
        assert money_moves(a.apply(a.order(State.PLACED), a.update("cancelled"))) == ()
        assert money_moves(return_goods(a.order(State.DELIVERED), 40, CANCELLATION)) == ()
        assert money_moves(flag_fraud(a.order(State.DELIVERED), "", a.NOON)) == ()

    def test_money_moves_refund_share_of_returned_goods(self):
        assert money_moves(return_goods(paid(State.DELIVERED), 10, CANCELLATION)) == (
            PaymentMove(MoneyMove.REFUND, 249),
        )
        assert money_moves(return_goods(paid(State.DELIVERED), 40, CANCELLATION)) == REFUND_ALL


class TestRefundOfMissingGoods:
    @pytest.mark.parametrize(("received", "refund"), [(39, 25), (20, 499), (0, 998)])
    def test_refund_for_short_delivery(self, received, refund):
        decision = short(received)

        assert (money_moves(decision), decision.order.refunded) == (
            (PaymentMove(MoneyMove.REFUND, refund),),
            refund,
        )

    @pytest.mark.parametrize("received", [40, 50])
    def test_refund_none_for_full_delivery(self, received):
        assert money_moves(short(received)) == ()

    def test_refund_none_for_goods_that_were_not_captured(self):
        left = a.apply(paid(State.PLACED), a.update("shipped", quantity=30))

        assert money_moves(left) == (capture(748),)
        assert money_moves(a.apply(left.order, a.update("delivered", quantity=30))) == ()
        assert money_moves(a.apply(left.order, a.update("delivered", quantity=15))) == (
            PaymentMove(MoneyMove.REFUND, 374),
        )

    def test_refund_once_for_customers_count(self):
        in_transit = record_count(paid(State.SHIPPED), 30, a.NOON)
        delivered = record_count(paid(State.DELIVERED), 30, a.NOON)

        assert money_moves(in_transit) == money_moves(delivered) == (PaymentMove(MoneyMove.REFUND, 250),)
        assert money_moves(record_count(delivered.order, 30, a.NOON)) == ()

    def test_refund_for_count_below_reported_quantity(self):
        assert money_moves(record_count(short(30).order, 20, a.NOON)) == (PaymentMove(MoneyMove.REFUND, 249),)

    def test_refund_with_later_return_is_all_that_was_captured(self):
        returned = return_goods(short(20).order, 20, CANCELLATION)

        assert money_moves(returned) == (PaymentMove(MoneyMove.REFUND, 499),)
        assert (returned.order.refunded, money_moves(flag_fraud(returned.order, "", a.NOON))) == (998, ())

    def test_refund_ignores_later_billed_price(self):
        cheaper = a.apply(paid(State.SHIPPED), a.update("delivered", price=500, currency="USD"))

        assert money_moves(cheaper) == ()
        assert money_moves(return_goods(cheaper.order, 40, CANCELLATION)) == REFUND_ALL

    def test_refund_none_after_failed_capture(self):
        failed = record_payment_failure(paid(State.SHIPPED), "the card was closed")

        assert (money_moves(record_count(failed, 0, a.NOON)), money_moves(flag_fraud(failed, "", a.NOON))) == (
            (),
            (),
        )
        assert failed.payment_problem == "the card was closed"


class TestRefundOfFraud:
    @pytest.mark.parametrize("received", [0, 20])
    def test_flag_fraud_refunds_net_captured_amount(self, received):
        delivered = short(received).order

        assert flag_fraud(delivered, "", a.NOON).order.refunded == 998

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_flag_fraud_refunds_after_capture(self, state):
        assert money_moves(flag_fraud(paid(state), "stolen card", a.NOON)) == REFUND_ALL

    def test_flag_fraud_before_shipment_prevents_capture(self):
        flagged = flag_fraud(paid(State.PLACED), "stolen card", a.NOON)

        assert money_moves(flagged) == ()
        assert money_moves(a.apply(flagged.order, a.update("shipped"))) == (capture(0),)

    def test_clear_fraud_allows_capture(self):
        cleared = clear_fraud(flag_fraud(paid(State.PLACED), "", a.NOON).order, a.NOON).order

        assert money_moves(a.apply(cleared, a.update("shipped"))) == (capture(998),)

    def test_flag_fraud_refunds_once(self):
        returned = return_goods(paid(State.DELIVERED), 10, CANCELLATION).order
        flagged = flag_fraud(returned, "", a.NOON)
        again = flag_fraud(clear_fraud(flagged.order, a.NOON).order, "", a.NOON)

        assert money_moves(flagged) == (PaymentMove(MoneyMove.REFUND, 998 - 249),)
        assert money_moves(again) == ()


class TestCaptureOfShipments:
    """A basket of 2 packs at 499, 1 at 350 and 3 at 129 with a fee of 250."""

    PRICE = 998 + 350 + 387 + 250

    def basket(self, state=State.PLACED, **changes):
        order = replace(a.basket(State.PLACED, lines=3, fee=250), authorized_at=a.NOON, **changes)
        return order if state is State.PLACED else a.apply(order, a.update("shipped")).order

    def test_capture_takes_what_left_and_the_fee_first(self):
        first = a.apply(self.basket(), a.update("shipped", lines=(a.about("2"),)))
        rest = a.apply(first.order, a.update("shipped", update_id="u2"))

        assert money_moves(first) == (PaymentMove(MoneyMove.CAPTURE, 350 + 250),)
        assert money_moves(rest) == (capture(self.PRICE),)

    def test_capture_of_everything_at_once_is_the_price(self):
        assert money_moves(a.apply(self.basket(), a.update("shipped"))) == (capture(self.PRICE),)

    def test_capture_of_parts_sums_to_the_price(self):
        order, due = self.basket(), []
        for number in range(40):
            line = a.about("1", quantity=1)
            decision = a.apply(
                order, a.update("shipped", lines=(line,), shipment_id=f"p{number}", update_id=f"u{number}")
            )
            order = decision.order
            due += [move.amount for move in money_moves(decision)]
        last = a.apply(order, a.update("shipped", update_id="last"))

        assert due == sorted(due)
        assert due[0] == 998 // 40 + 250
        assert money_moves(last) == (capture(self.PRICE),)

    def test_capture_follows_lower_billed_price_of_a_line(self):
        billed = a.update("shipped", lines=(a.about("1", price=900), a.about("2"), a.about("3")))

        assert money_moves(a.apply(self.basket(), billed)) == (capture(self.PRICE - 98),)

    def test_capture_follows_lower_billed_price_of_the_order_rounded_once(self):
        decision = a.apply(self.basket(), a.update("shipped", price=1000, currency="USD"))

        assert money_moves(decision) == (capture(1000),)
        assert sum(line.captured for line in decision.order.lines) + decision.order.fee_captured == 1000

    def test_billed_price_does_not_count_for_cancelled_lines(self):
        smaller = a.apply(self.basket(), a.update("cancelled", lines=(a.about("1"),))).order

        decision = a.apply(smaller, a.update("shipped", price=350 + 387 + 250, currency="USD"))

        assert money_moves(decision) == (capture(350 + 387 + 250),)

    def test_billed_price_is_for_the_lines_of_its_time(self):
        halved = a.apply(self.basket(), a.update("accepted", price=self.PRICE // 2, currency="USD")).order
        smaller = a.apply(halved, a.update("cancelled", lines=(a.about("2"), a.about("3")), update_id="u2")).order

        decision = a.apply(smaller, a.update("shipped", update_id="u3"))

        assert money_moves(decision) == (capture((998 + 250) * (self.PRICE // 2) // self.PRICE),)

    def test_shipment_of_nothing_costs_no_fee(self):
        nothing = tuple(a.about(line, quantity=0) for line in ("1", "2", "3"))

        assert money_moves(a.apply(self.basket(), a.update("shipped", lines=nothing))) == (capture(0),)

    def test_cancellation_of_what_waits_releases_the_rest(self):
        left = a.apply(self.basket(), a.update("shipped", lines=(a.about("1"),))).order

        decision = a.apply(left, a.update("cancelled", lines=(a.about("2"), a.about("3")), update_id="u2"))

        assert money_moves(decision) == (capture(998 + 250),)

    def test_flagged_order_captures_nothing_more(self):
        left = a.apply(self.basket(), a.update("shipped", lines=(a.about("1"),))).order
        flagged = flag_fraud(left, "", a.NOON)

        rest = a.apply(flagged.order, a.update("shipped", update_id="u2"))

        assert money_moves(flagged) == (PaymentMove(MoneyMove.REFUND, 998 + 250),)
        assert money_moves(rest) == (capture(998 + 250),)


class TestRefundOfLines:
    def delivered(self):
        order = replace(a.basket(State.PLACED, lines=3, fee=250), authorized_at=a.NOON)
        return a.apply(order, a.update("delivered")).order

    def test_refund_is_that_of_the_line(self):
        assert money_moves(return_goods(self.delivered(), 10, CANCELLATION, "1")) == (
            PaymentMove(MoneyMove.REFUND, 249),
        )
        assert money_moves(record_count(self.delivered(), 50, a.NOON, "2")) == (PaymentMove(MoneyMove.REFUND, 175),)

    def test_fee_is_refunded_with_the_last_line(self):
        order, refunds = self.delivered(), []
        for line in order.lines:
            decision = return_goods(order, line.quantity, CANCELLATION, line.line_id)
            order, refunds = decision.order, [*refunds, decision.refund]

        assert refunds == [998, 350, 387 + 250]
        assert (order.refunded, order.captured) == (order.captured, TestCaptureOfShipments.PRICE)

    def test_failed_capture_keeps_what_earlier_ones_brought(self):
        left = replace(a.basket(State.PLACED, lines=3, fee=250), authorized_at=a.NOON)
        left = a.apply(left, a.update("shipped", lines=(a.about("1"),))).order
        shipped = a.apply(left, a.update("shipped", update_id="u2")).order

        failed = record_payment_failure(shipped, "expired", 998 + 250)

        assert (failed.captured, [line.captured for line in failed.lines]) == (998 + 250, [998, 0, 0])
        assert money_moves(flag_fraud(failed, "", a.NOON)) == (PaymentMove(MoneyMove.REFUND, 998 + 250),)
