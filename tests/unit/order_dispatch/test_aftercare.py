"""Changes, suspicion, complaints, other goods and other prices than agreed, and goods that go back."""

from dataclasses import replace

import pytest

from services.order_dispatch.domain import (
    AlreadyCountedError,
    Ask,
    Cancellation,
    ExcessQuantityError,
    Fate,
    NotDeliveredError,
    State,
    TooLateError,
    Turn,
    clear,
    draft,
    flag,
    hear,
    look,
    modify,
    receive,
    take_back,
)
from tests.support import orders as a

WISH = Cancellation("customer", "too many", a.NOON)


def names(turn):
    return [type(event).__name__ for event in turn.events]


def judged(order, said, provider=a.ACME):
    return hear(order, said, provider, a.PATIENCE, a.NOON)


class TestModify:
    def test_changes_packs_quantity_and_price(self):
        turn = modify(a.drafted(), 3, None, a.NOON)

        assert (turn.order.packs, turn.order.quantity, turn.order.price) == (3, 60, 3 * 499)
        assert [(e.packs, e.quantity, e.price, e.currency) for e in turn.events] == [(3, 60, 1497, "USD")]

    def test_to_the_same_changes_nothing(self):
        assert modify(a.drafted(), 2, None, a.NOON) == Turn(a.drafted())

    def test_knows_no_price_where_there_was_none(self):
        assert modify(replace(a.drafted(), price=None, currency=None), 3, None, a.NOON).order.price is None

    @pytest.mark.parametrize("large", [{"pack_size": 2**52}, {"price": 2**53}])
    def test_stays_within_what_every_reader_can_hold(self, large):
        with pytest.raises(ExcessQuantityError):
            modify(replace(a.drafted(), **large), 5, None, a.NOON)

    def test_ends_with_the_providers_window(self):
        just = a.NOON + a.days(1) - a.days(1 / 86400)

        assert modify(a.drafted(), 3, 24, just).order.packs == 3
        with pytest.raises(TooLateError, match="it could be changed until 2026-03-02 12:00 UTC"):
            modify(a.drafted(), 3, 24, a.NOON + a.days(1))

    @pytest.mark.parametrize("state", [State.PLACING, State.PLACED, State.SHIPPED, State.DELIVERED])
    def test_is_too_late_once_the_provider_was_asked(self, state):
        with pytest.raises(TooLateError):
            modify(a.order(state), 3, None, a.NOON)


class TestFlag:
    def test_cancels_at_once_what_nobody_was_asked_for(self):
        turn = flag(a.drafted(), "stolen card", a.NOON)

        assert names(turn) == ["FraudFlagged", "OrderCancelled"]
        assert (turn.order.state, turn.order.is_flagged, turn.events[1].by) == (State.CANCELLED, True, "fraud")

    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN, State.PLACED])
    def test_asks_the_provider_to_cancel_what_it_may_have(self, state):
        turn = flag(a.order(state), "stolen card", a.NOON)

        assert (turn.asks, names(turn), turn.order.cancellation.by) == ((Ask.CANCEL,), ["FraudFlagged"], "fraud")

    def test_does_not_ask_again_where_the_customer_has(self):
        asked = replace(a.order(State.PLACED), cancellation=WISH)

        turn = flag(asked, "stolen card", a.NOON)

        assert (turn.asks, turn.order.cancellation) == ((), WISH)

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_of_goods_that_left_is_kept_for_the_pool(self, state):
        turn = flag(a.order(state), "stolen card", a.NOON)

        assert (turn.order.state, turn.asks, names(turn)) == (state, (), ["FraudFlagged"])

    def test_twice_is_said_once(self):
        flagged = flag(a.order(State.SHIPPED), "stolen card", a.NOON).order

        assert flag(flagged, "stolen card", a.NOON) == Turn(flagged)

    def test_keeps_the_pool_from_ordering_until_it_is_cleared(self):
        turn = draft(a.approved(order_id="o2"), a.slot(), a.ACME, a.offer(), a.NOON, "o1")

        assert names(turn) == ["OrderDrafted", "OrderFailed"]
        assert turn.events[1].reason == "order o1 of this pool is taken for fraud"

    def test_is_cleared_once(self):
        turn = clear(flag(a.order(State.SHIPPED), "", a.NOON).order, a.NOON)

        assert (names(turn), turn.order.is_flagged) == (["FraudCleared"], False)
        assert clear(turn.order, a.NOON) == Turn(turn.order)
        assert clear(a.drafted(), a.NOON) == Turn(a.drafted())


class TestClaim:
    def test_is_raised_when_less_came_than_was_ordered(self):
        (_, claim) = a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=35)).events

        assert (claim.ordered, claim.received) == (40, 35)

    def test_is_raised_for_goods_that_came_by_their_date_alone(self):
        shipped = a.heard(a.order(State.PLACED), a.update("shipped", quantity=30)).order

        assert names(look(shipped, a.PATIENCE, shipped.check_at)) == ["OrderDelivered", "ClaimRaised"]

    @pytest.mark.parametrize("came", [40, 45])
    def test_is_not_raised_for_all_or_more(self, came):
        assert names(a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=came))) == ["OrderDelivered"]


class TestTakeBack:
    def test_says_what_goes_back_and_why(self):
        turn = take_back(a.order(State.DELIVERED), 15, WISH)

        (said,) = turn.events
        assert (said.quantity, said.reason, said.by, said.device_id) == (15, "too many", "customer", "brewer")
        assert (turn.order.state, turn.order.returned_quantity) == (State.RETURNED, 15)

    @pytest.mark.parametrize("quantity", [0, -1, 41])
    def test_takes_no_more_than_came(self, quantity):
        with pytest.raises(NotDeliveredError) as missing:
            take_back(a.order(State.DELIVERED), quantity, WISH)

        assert missing.value.left == 40

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_takes_no_more_than_the_customer_counted(self, state):
        counted = receive(a.order(state), 30, a.NOON).order

        with pytest.raises(NotDeliveredError) as missing:
            take_back(counted, 31, WISH)

        assert (missing.value.left, str(missing.value)) == (30, "30 came")
        assert take_back(counted, 30, WISH).order.returned_quantity == 30

    def test_takes_nothing_where_the_customer_found_nothing(self):
        counted = receive(a.order(State.DELIVERED), 0, a.NOON).order

        with pytest.raises(NotDeliveredError) as missing:
            take_back(counted, 1, WISH)

        assert missing.value.left == 0

    def test_happens_once_and_only_to_what_came(self):
        returned = take_back(a.order(State.DELIVERED), 15, WISH).order

        for order in (returned, a.order(State.SHIPPED)):
            with pytest.raises(NotDeliveredError):
                take_back(order, 1, WISH)

    def test_leaves_updates_nothing_to_change(self):
        returned = take_back(a.order(State.DELIVERED), 15, WISH).order

        assert judged(returned, a.update("delivered")).fate is Fate.NOT_APPLIED


class TestSubstitution:
    @pytest.mark.parametrize("status", ["accepted", "shipped", "delivered"])
    def test_is_refused_and_the_order_asked_back(self, status):
        verdict = judged(a.order(State.PLACING), a.update(status, product_id="beans"))

        assert (verdict.fate, verdict.reason) == (Fate.REFUSED, "acme may not send beans instead of pods")
        assert (verdict.turn.asks, verdict.turn.order.cancellation.by) == ((Ask.CANCEL,), "substitution")
        assert verdict.turn.order.state is State.PLACING

    def test_is_asked_back_once(self):
        asked = judged(a.order(State.PLACING), a.update("accepted", product_id="beans")).turn.order

        again = judged(asked, a.update("shipped", product_id="beans"))

        assert (again.fate, again.turn) == (Fate.REFUSED, None)

    def test_is_taken_and_noted_where_the_provider_may_choose(self):
        free = replace(a.ACME, allows_substitutes=True)

        verdict = judged(a.order(State.PLACING), a.update("accepted", product_id="beans"), free)

        assert (verdict.turn.order.state, verdict.turn.order.substitute) == (State.PLACED, "beans")
        assert verdict.turn.events[0].product_id == "pods"

    def test_the_ordered_product_is_none(self):
        turn = judged(a.order(State.PLACING), a.update("accepted", product_id="pods")).turn

        assert (turn.order.state, turn.order.substitute) == (State.PLACED, None)

    def test_does_not_keep_an_order_from_ending(self):
        assert judged(a.order(State.PLACING), a.update("refused", product_id="beans")).fate is Fate.APPLIED


class TestReceive:
    def test_of_less_after_the_arrival_is_a_claim_and_moves_nothing(self):
        order = a.order(State.DELIVERED)

        turn = receive(order, 30, a.NOON)

        assert (turn.order, turn.asks, turn.refund) == (replace(order, counted_quantity=30), (), 0)
        assert [(event.ordered, event.received) for event in turn.events] == [(40, 30)]
        assert names(turn) == ["ClaimRaised"]

    def test_of_an_order_under_way_ends_its_way(self):
        turn = receive(a.order(State.SHIPPED), 30, a.NOON)

        assert (turn.order.state, turn.order.expected_quantity, turn.order.evidence) == (State.DELIVERED, 30, "reported")
        assert names(turn) == ["OrderDelivered", "ClaimRaised"]
        assert turn.events[0].quantity == 30

    def test_of_everything_is_no_claim(self):
        assert receive(a.order(State.DELIVERED), 40, a.NOON) == Turn(a.order(State.DELIVERED))
        assert names(receive(a.order(State.SHIPPED), 40, a.NOON)) == ["OrderDelivered"]

    def test_of_less_than_the_provider_admitted_is_a_claim_once(self):
        short = a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=35)).order

        assert receive(short, 35, a.NOON) == Turn(short)
        counted = receive(short, 30, a.NOON)
        assert [(event.ordered, event.received) for event in counted.events] == [(40, 30)]
        assert receive(counted.order, 30, a.NOON) == Turn(counted.order)
        with pytest.raises(AlreadyCountedError):
            receive(counted.order, 20, a.NOON)

    def test_of_more_than_was_ordered_is_no_claim_also_where_still_more_was_sent(self):
        generous = a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=80)).order

        assert names(receive(generous, 60, a.NOON)) == []

    @pytest.mark.parametrize(("state", "quantity"), [(State.PLACED, 1), (State.SHIPPED, 41), (State.DELIVERED, 41)])
    def test_of_what_was_never_sent_is_refused(self, state, quantity):
        with pytest.raises(NotDeliveredError):
            receive(a.order(state), quantity, a.NOON)


class TestPriceDrift:
    def test_is_noted_and_changes_no_price(self):
        order = a.heard(a.order(State.PLACING), a.update("accepted", price=1200, currency="USD")).order

        assert (order.price, order.billed, order.billed_currency) == (998, 1200, "USD")

    def test_counts_in_the_orders_currency_unless_another_is_named(self):
        assert a.heard(a.order(State.PLACING), a.update("accepted", price=1200)).order.billed_currency == "USD"

    @pytest.mark.parametrize("said", [{}, {"currency": "EUR"}, {"price": 5, "currency": "XXX"}])
    def test_without_an_amount_that_means_something_is_none(self, said):
        assert a.heard(a.order(State.PLACING), a.update("accepted", **said)).order.billed is None


class TestRehearsal:
    def test_goes_the_whole_way_and_brings_nothing(self):
        order, said = replace(a.order(State.PLACING), test=True), []
        for status in ("accepted", "shipped", "delivered"):
            turn = a.heard(order, a.update(status, quantity=40))
            order, said = turn.order, [*said, *turn.events]

        assert [type(event).__name__ for event in said] == ["OrderPlaced", "OrderShipped", "OrderDelivered"]
        assert all(event.test for event in said)
        assert [said[1].quantity, said[2].quantity] == [0, 0]

    def test_is_what_every_order_at_a_test_provider_is(self):
        turn = draft(a.approved(), a.slot(), replace(a.ACME, test=True), a.offer(), a.NOON)

        assert (turn.order.test, turn.events[0].test) == (True, True)
