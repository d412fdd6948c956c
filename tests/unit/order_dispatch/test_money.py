"""What an order's moves mean for its money."""

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

WISH = Cancellation("customer", "", a.NOON)
REFUND_ALL = (PaymentMove(MoneyMove.REFUND, 998),)


def paid(state):
    """Return an order that costs 998 for 40, and whose payment was authorized before its goods left."""
    order = replace(a.order(State.PLACED if state in (State.SHIPPED, State.DELIVERED) else state), authorized_at=a.NOON)
    for stop, status in ((State.SHIPPED, "shipped"), (State.DELIVERED, "delivered")):
        if state is not order.state and state in (stop, State.DELIVERED):
            order = a.heard(order, a.update(status)).order
    assert order.state is state
    return order


def short(quantity):
    """Return what becomes of an order that was paid in full when less of it arrives."""
    return a.heard(paid(State.SHIPPED), a.update("delivered", quantity=quantity))


class TestCharge:
    @pytest.mark.parametrize(("shipped", "cents"), [(None, 998), (40, 998), (30, 748), (0, 0), (80, 998)])
    def test_is_the_share_that_left_and_never_more_than_the_price(self, shipped, cents):
        assert amount_to_capture(replace(a.drafted(), shipped_quantity=shipped)) == cents

    @pytest.mark.parametrize(("billed", "currency", "cents"), [(500, "USD", 500), (2000, "USD", 998), (5, "EUR", 998)])
    def test_follows_a_price_that_fell_and_none_that_rose(self, billed, currency, cents):
        assert amount_to_capture(replace(a.drafted(), billed=billed, billed_currency=currency)) == cents

    def test_of_a_rehearsal_or_without_a_price_is_nothing(self):
        assert amount_to_capture(replace(a.drafted(), test=True)) == 0
        assert amount_to_capture(replace(a.drafted(), price=None)) == 0


class TestDues:
    def test_begin_before_the_provider_is_asked(self):
        decision = next_step(a.drafted(), FulfilmentPlan(pays=True), a.PATIENCE, a.NOON)

        assert (decision.order.state, money_moves(decision)) == (
            State.AUTHORIZING,
            (PaymentMove(MoneyMove.AUTHORIZE),),
        )

    def test_are_taken_when_the_goods_leave_and_not_before(self):
        assert money_moves(a.heard(paid(State.PLACING), a.update("accepted"))) == ()
        assert money_moves(a.heard(paid(State.PLACED), a.update("shipped"))) == (PaymentMove(MoneyMove.CAPTURE, 998),)
        assert money_moves(a.heard(paid(State.SHIPPED), a.update("delivered"))) == ()

    def test_are_taken_once_where_one_word_implies_others(self):
        assert money_moves(a.heard(paid(State.PLACING), a.update("delivered", quantity=30))) == (
            PaymentMove(MoneyMove.CAPTURE, 748),
        )

    def test_are_let_go_where_no_goods_come(self):
        void = (PaymentMove(MoneyMove.VOID),)

        assert money_moves(a.heard(paid(State.PLACING), a.update("refused"))) == void
        assert money_moves(a.heard(paid(State.UNKNOWN), a.update("not_found"))) == void
        assert money_moves(a.heard(paid(State.PLACED), a.update("cancelled"))) == void
        assert money_moves(fail(paid(State.PLACING), "nobody there", a.NOON)) == void
        assert money_moves(cancel(replace(a.drafted(), state=State.AUTHORIZING), WISH)) == void

    def test_are_let_go_where_nothing_of_the_order_left(self):
        assert money_moves(a.heard(paid(State.PLACED), a.update("shipped", quantity=0))) == (
            PaymentMove(MoneyMove.VOID),
        )

    def test_are_nobodys_business_where_we_take_no_money(self):
        assert money_moves(a.heard(a.order(State.PLACED), a.update("shipped"))) == ()
        assert money_moves(a.heard(a.order(State.PLACED), a.update("cancelled"))) == ()
        assert money_moves(return_goods(a.order(State.DELIVERED), 40, WISH)) == ()
        assert money_moves(flag_fraud(a.order(State.DELIVERED), "", a.NOON)) == ()

    def test_go_back_with_the_goods_by_their_share(self):
        assert money_moves(return_goods(paid(State.DELIVERED), 10, WISH)) == (PaymentMove(MoneyMove.REFUND, 249),)
        assert money_moves(return_goods(paid(State.DELIVERED), 40, WISH)) == REFUND_ALL


class TestDuesOfWhatDidNotCome:
    @pytest.mark.parametrize(("came", "back"), [(39, 25), (20, 499), (0, 998)])
    def test_go_back_when_the_provider_says_so(self, came, back):
        decision = short(came)

        assert (money_moves(decision), decision.order.refunded) == (
            (PaymentMove(MoneyMove.REFUND, back),),
            back,
        )

    @pytest.mark.parametrize("came", [40, 50])
    def test_are_none_where_all_came(self, came):
        assert money_moves(short(came)) == ()

    def test_were_never_taken_for_what_did_not_leave(self):
        left = a.heard(paid(State.PLACED), a.update("shipped", quantity=30))

        assert money_moves(left) == (PaymentMove(MoneyMove.CAPTURE, 748),)
        assert money_moves(a.heard(left.order, a.update("delivered", quantity=30))) == ()
        assert money_moves(a.heard(left.order, a.update("delivered", quantity=15))) == (
            PaymentMove(MoneyMove.REFUND, 374),
        )

    def test_go_back_when_the_customer_counts_and_once(self):
        on_its_way = record_count(paid(State.SHIPPED), 30, a.NOON)
        unpacked = record_count(paid(State.DELIVERED), 30, a.NOON)

        assert money_moves(on_its_way) == money_moves(unpacked) == (PaymentMove(MoneyMove.REFUND, 250),)
        assert money_moves(record_count(unpacked.order, 30, a.NOON)) == ()

    def test_go_back_by_the_customers_count_beyond_what_the_provider_admitted(self):
        assert money_moves(record_count(short(30).order, 20, a.NOON)) == (PaymentMove(MoneyMove.REFUND, 249),)

    def test_and_of_what_goes_back_later_are_all_that_was_taken(self):
        returned = return_goods(short(20).order, 20, WISH)

        assert money_moves(returned) == (PaymentMove(MoneyMove.REFUND, 499),)
        assert (returned.order.refunded, money_moves(flag_fraud(returned.order, "", a.NOON))) == (998, ())

    def test_follow_what_was_taken_whatever_price_is_named_later(self):
        cheaper = a.heard(paid(State.SHIPPED), a.update("delivered", price=500, currency="USD"))

        assert money_moves(cheaper) == ()
        assert money_moves(return_goods(cheaper.order, 40, WISH)) == REFUND_ALL

    def test_are_none_where_the_money_could_not_be_taken(self):
        lost = record_payment_failure(paid(State.SHIPPED), "the card was closed")

        assert (money_moves(record_count(lost, 0, a.NOON)), money_moves(flag_fraud(lost, "", a.NOON))) == (
            (),
            (),
        )
        assert lost.payment_problem == "the card was closed"


class TestDuesOfFraud:
    @pytest.mark.parametrize("came", [0, 20])
    def test_are_all_that_was_taken_and_kept_whatever_came(self, came):
        delivered = short(came).order

        assert flag_fraud(delivered, "", a.NOON).order.refunded == 998

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_go_back_where_they_were_taken(self, state):
        assert money_moves(flag_fraud(paid(state), "stolen card", a.NOON)) == REFUND_ALL

    def test_are_never_taken_for_goods_that_leave_all_the_same(self):
        flagged = flag_fraud(paid(State.PLACED), "stolen card", a.NOON)

        assert money_moves(flagged) == ()
        assert money_moves(a.heard(flagged.order, a.update("shipped"))) == (PaymentMove(MoneyMove.VOID),)

    def test_are_taken_again_when_it_was_none(self):
        cleared = clear_fraud(flag_fraud(paid(State.PLACED), "", a.NOON).order, a.NOON).order

        assert money_moves(a.heard(cleared, a.update("shipped"))) == (PaymentMove(MoneyMove.CAPTURE, 998),)

    def test_never_go_back_twice(self):
        returned = return_goods(paid(State.DELIVERED), 10, WISH).order
        flagged = flag_fraud(returned, "", a.NOON)
        again = flag_fraud(clear_fraud(flagged.order, a.NOON).order, "", a.NOON)

        assert money_moves(flagged) == (PaymentMove(MoneyMove.REFUND, 998 - 249),)
        assert money_moves(again) == ()
