"""What an order's moves mean for its money."""

from dataclasses import replace

import pytest

from services.order_dispatch.domain import (
    Cancellation,
    Due,
    Move,
    State,
    Way,
    ask_to_cancel,
    charge,
    clear,
    dues,
    fail,
    flag,
    lose,
    proceed,
    receive,
    take_back,
)
from tests.support import orders as a

WISH = Cancellation("customer", "", a.NOON)
REFUND_ALL = (Due(Move.REFUND, 998),)


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
        assert charge(replace(a.drafted(), shipped_quantity=shipped)) == cents

    @pytest.mark.parametrize(("billed", "currency", "cents"), [(500, "USD", 500), (2000, "USD", 998), (5, "EUR", 998)])
    def test_follows_a_price_that_fell_and_none_that_rose(self, billed, currency, cents):
        assert charge(replace(a.drafted(), billed=billed, billed_currency=currency)) == cents

    def test_of_a_rehearsal_or_without_a_price_is_nothing(self):
        assert charge(replace(a.drafted(), test=True)) == 0
        assert charge(replace(a.drafted(), price=None)) == 0


class TestDues:
    def test_begin_before_the_provider_is_asked(self):
        turn = proceed(a.drafted(), Way(pays=True), a.PATIENCE, a.NOON)

        assert (turn.order.state, dues(turn)) == (State.AUTHORIZING, (Due(Move.BEGIN),))

    def test_are_taken_when_the_goods_leave_and_not_before(self):
        assert dues(a.heard(paid(State.PLACING), a.update("accepted"))) == ()
        assert dues(a.heard(paid(State.PLACED), a.update("shipped"))) == (Due(Move.CAPTURE, 998),)
        assert dues(a.heard(paid(State.SHIPPED), a.update("delivered"))) == ()

    def test_are_taken_once_where_one_word_implies_others(self):
        assert dues(a.heard(paid(State.PLACING), a.update("delivered", quantity=30))) == (Due(Move.CAPTURE, 748),)

    def test_are_let_go_where_no_goods_come(self):
        void = (Due(Move.VOID),)

        assert dues(a.heard(paid(State.PLACING), a.update("refused"))) == void
        assert dues(a.heard(paid(State.UNKNOWN), a.update("not_found"))) == void
        assert dues(a.heard(paid(State.PLACED), a.update("cancelled"))) == void
        assert dues(fail(paid(State.PLACING), "nobody there", a.NOON)) == void
        assert dues(ask_to_cancel(replace(a.drafted(), state=State.AUTHORIZING), WISH)) == void

    def test_are_let_go_where_nothing_of_the_order_left(self):
        assert dues(a.heard(paid(State.PLACED), a.update("shipped", quantity=0))) == (Due(Move.VOID),)

    def test_are_nobodys_business_where_we_take_no_money(self):
        assert dues(a.heard(a.order(State.PLACED), a.update("shipped"))) == ()
        assert dues(a.heard(a.order(State.PLACED), a.update("cancelled"))) == ()
        assert dues(take_back(a.order(State.DELIVERED), 40, WISH)) == ()
        assert dues(flag(a.order(State.DELIVERED), "", a.NOON)) == ()

    def test_go_back_with_the_goods_by_their_share(self):
        assert dues(take_back(paid(State.DELIVERED), 10, WISH)) == (Due(Move.REFUND, 249),)
        assert dues(take_back(paid(State.DELIVERED), 40, WISH)) == REFUND_ALL


class TestDuesOfWhatDidNotCome:
    @pytest.mark.parametrize(("came", "back"), [(39, 25), (20, 499), (0, 998)])
    def test_go_back_when_the_provider_says_so(self, came, back):
        turn = short(came)

        assert (dues(turn), turn.order.refunded) == ((Due(Move.REFUND, back),), back)

    @pytest.mark.parametrize("came", [40, 50])
    def test_are_none_where_all_came(self, came):
        assert dues(short(came)) == ()

    def test_were_never_taken_for_what_did_not_leave(self):
        left = a.heard(paid(State.PLACED), a.update("shipped", quantity=30))

        assert dues(left) == (Due(Move.CAPTURE, 748),)
        assert dues(a.heard(left.order, a.update("delivered", quantity=30))) == ()
        assert dues(a.heard(left.order, a.update("delivered", quantity=15))) == (Due(Move.REFUND, 374),)

    def test_go_back_when_the_customer_counts_and_once(self):
        on_its_way = receive(paid(State.SHIPPED), 30, a.NOON)
        unpacked = receive(paid(State.DELIVERED), 30, a.NOON)

        assert dues(on_its_way) == dues(unpacked) == (Due(Move.REFUND, 250),)
        assert dues(receive(unpacked.order, 30, a.NOON)) == ()

    def test_go_back_by_the_customers_count_beyond_what_the_provider_admitted(self):
        assert dues(receive(short(30).order, 20, a.NOON)) == (Due(Move.REFUND, 249),)

    def test_and_of_what_goes_back_later_are_all_that_was_taken(self):
        returned = take_back(short(20).order, 20, WISH)

        assert dues(returned) == (Due(Move.REFUND, 499),)
        assert (returned.order.refunded, dues(flag(returned.order, "", a.NOON))) == (998, ())

    def test_follow_what_was_taken_whatever_price_is_named_later(self):
        cheaper = a.heard(paid(State.SHIPPED), a.update("delivered", price=500, currency="USD"))

        assert dues(cheaper) == ()
        assert dues(take_back(cheaper.order, 40, WISH)) == REFUND_ALL

    def test_are_none_where_the_money_could_not_be_taken(self):
        lost = lose(paid(State.SHIPPED), "the card was closed")

        assert (dues(receive(lost, 0, a.NOON)), dues(flag(lost, "", a.NOON))) == ((), ())
        assert lost.payment_problem == "the card was closed"


class TestDuesOfFraud:
    @pytest.mark.parametrize("came", [0, 20])
    def test_are_all_that_was_taken_and_kept_whatever_came(self, came):
        delivered = short(came).order

        assert flag(delivered, "", a.NOON).order.refunded == 998

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_go_back_where_they_were_taken(self, state):
        assert dues(flag(paid(state), "stolen card", a.NOON)) == REFUND_ALL

    def test_are_never_taken_for_goods_that_leave_all_the_same(self):
        flagged = flag(paid(State.PLACED), "stolen card", a.NOON)

        assert dues(flagged) == ()
        assert dues(a.heard(flagged.order, a.update("shipped"))) == (Due(Move.VOID),)

    def test_are_taken_again_when_it_was_none(self):
        cleared = clear(flag(paid(State.PLACED), "", a.NOON).order, a.NOON).order

        assert dues(a.heard(cleared, a.update("shipped"))) == (Due(Move.CAPTURE, 998),)

    def test_never_go_back_twice(self):
        returned = take_back(paid(State.DELIVERED), 10, WISH).order
        flagged = flag(returned, "", a.NOON)
        again = flag(clear(flagged.order, a.NOON).order, "", a.NOON)

        assert dues(flagged) == (Due(Move.REFUND, 998 - 249),)
        assert dues(again) == ()
