"""Payment moves that an order's transitions require."""

from dataclasses import replace

import pytest

from services.order_dispatch.domain import (
    Cancellation,
    FulfilmentPlan,
    MoneyMove,
    PaymentMove,
    State,
    amount_to_capture,
    cancel,
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


class TestAmountToCapture:
    @pytest.mark.parametrize(("shipped", "cents"), [(None, 998), (40, 998), (30, 748), (0, 0), (80, 998)])
    def test_amount_to_capture_is_shipped_share_up_to_the_price(self, shipped, cents):
        assert amount_to_capture(replace(a.drafted(), shipped_quantity=shipped)) == cents

    @pytest.mark.parametrize(("billed", "currency", "cents"), [(500, "USD", 500), (2000, "USD", 998), (5, "EUR", 998)])
    def test_amount_to_capture_follows_lower_billed_price(self, billed, currency, cents):
        assert amount_to_capture(replace(a.drafted(), billed=billed, billed_currency=currency)) == cents

    def test_amount_to_capture_is_zero_for_test_order_or_missing_price(self):
        assert amount_to_capture(replace(a.drafted(), test=True)) == 0
        assert amount_to_capture(replace(a.drafted(), price=None)) == 0


class TestMoneyMoves:
    def test_money_moves_authorize_before_submission(self):
        decision = next_step(a.drafted(), FulfilmentPlan(pays=True), a.TIMEOUTS, a.NOON)

        assert (decision.order.state, money_moves(decision)) == (
            State.AUTHORIZING,
            (PaymentMove(MoneyMove.AUTHORIZE),),
        )

    def test_money_moves_capture_at_shipment(self):
        assert money_moves(a.apply(paid(State.PLACING), a.update("accepted"))) == ()
        assert money_moves(a.apply(paid(State.PLACED), a.update("shipped"))) == (PaymentMove(MoneyMove.CAPTURE, 998),)
        assert money_moves(a.apply(paid(State.SHIPPED), a.update("delivered"))) == ()

    def test_money_moves_capture_once_if_states_are_implied(self):
        assert money_moves(a.apply(paid(State.PLACING), a.update("delivered", quantity=30))) == (
            PaymentMove(MoneyMove.CAPTURE, 748),
        )

    def test_money_moves_void_if_order_ends_without_goods(self):
        void = (PaymentMove(MoneyMove.VOID),)

        assert money_moves(a.apply(paid(State.PLACING), a.update("refused"))) == void
        assert money_moves(a.apply(paid(State.UNKNOWN), a.update("not_found"))) == void
        assert money_moves(a.apply(paid(State.PLACED), a.update("cancelled"))) == void
        assert money_moves(fail(paid(State.PLACING), "no provider", a.NOON)) == void
        assert money_moves(cancel(replace(a.drafted(), state=State.AUTHORIZING), CANCELLATION)) == void

    def test_money_moves_void_if_nothing_was_shipped(self):
        assert money_moves(a.apply(paid(State.PLACED), a.update("shipped", quantity=0))) == (
            PaymentMove(MoneyMove.VOID),
        )

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

        assert money_moves(left) == (PaymentMove(MoneyMove.CAPTURE, 748),)
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
        assert money_moves(a.apply(flagged.order, a.update("shipped"))) == (PaymentMove(MoneyMove.VOID),)

    def test_clear_fraud_allows_capture(self):
        cleared = clear_fraud(flag_fraud(paid(State.PLACED), "", a.NOON).order, a.NOON).order

        assert money_moves(a.apply(cleared, a.update("shipped"))) == (PaymentMove(MoneyMove.CAPTURE, 998),)

    def test_flag_fraud_refunds_once(self):
        returned = return_goods(paid(State.DELIVERED), 10, CANCELLATION).order
        flagged = flag_fraud(returned, "", a.NOON)
        again = flag_fraud(clear_fraud(flagged.order, a.NOON).order, "", a.NOON)

        assert money_moves(flagged) == (PaymentMove(MoneyMove.REFUND, 998 - 249),)
        assert money_moves(again) == ()
