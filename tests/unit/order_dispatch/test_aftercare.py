"""Changes, suspicion, complaints, other goods and other prices than agreed, and goods that go back."""

from dataclasses import replace

import pytest

from services.order_dispatch.domain import (
    AlreadyCountedError,
    Cancellation,
    Decision,
    ExcessQuantityError,
    NotDeliveredError,
    Outcome,
    ProviderRequest,
    State,
    TooLateError,
    check_due_order,
    clear_fraud,
    decide_update,
    draft,
    flag_fraud,
    modify,
    record_count,
    return_goods,
)
from tests.support import orders as a

WISH = Cancellation("customer", "too many", a.NOON)


def names(decision):
    return [type(event).__name__ for event in decision.events]


def judged(order, said, provider=a.ACME):
    return decide_update(order, said, provider, a.PATIENCE, a.NOON)


class TestModify:
    def test_changes_packs_quantity_and_price(self):
        decision = modify(a.drafted(), 3, None, a.NOON)

        assert (decision.order.packs, decision.order.quantity, decision.order.price) == (3, 60, 3 * 499)
        assert [(e.packs, e.quantity, e.price, e.currency) for e in decision.events] == [(3, 60, 1497, "USD")]

    def test_to_the_same_changes_nothing(self):
        assert modify(a.drafted(), 2, None, a.NOON) == Decision(a.drafted())

    def test_knows_no_price_where_there_was_none(self):
        assert modify(replace(a.drafted(), price=None, currency=None), 3, None, a.NOON).order.price is None

    @pytest.mark.parametrize("large", [{"pack_size": 2**52}, {"price": 2**53}])
    def test_stays_within_what_every_reader_can_hold(self, large):
        with pytest.raises(ExcessQuantityError):
            modify(replace(a.drafted(), **large), 5, None, a.NOON)

    def test_ends_with_the_providers_window(self):
        just = a.NOON + a.days(1) - a.days(1 / 86400)

        assert modify(a.drafted(), 3, 24, just).order.packs == 3
        with pytest.raises(TooLateError, match="changes were possible until 2026-03-02 12:00 UTC"):
            modify(a.drafted(), 3, 24, a.NOON + a.days(1))

    @pytest.mark.parametrize("state", [State.PLACING, State.PLACED, State.SHIPPED, State.DELIVERED])
    def test_is_too_late_once_the_provider_was_asked(self, state):
        with pytest.raises(TooLateError):
            modify(a.order(state), 3, None, a.NOON)


class TestFlag:
    def test_cancels_at_once_what_nobody_was_asked_for(self):
        decision = flag_fraud(a.drafted(), "stolen card", a.NOON)

        assert names(decision) == ["FraudFlagged", "OrderCancelled"]
        assert (decision.order.state, decision.order.is_flagged, decision.events[1].by) == (
            State.CANCELLED,
            True,
            "fraud",
        )

    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN, State.PLACED])
    def test_asks_the_provider_to_cancel_what_it_may_have(self, state):
        decision = flag_fraud(a.order(state), "stolen card", a.NOON)

        assert (decision.requests, names(decision), decision.order.cancellation.by) == (
            (ProviderRequest.CANCEL,),
            ["FraudFlagged"],
            "fraud",
        )

    def test_does_not_ask_again_where_the_customer_has(self):
        asked = replace(a.order(State.PLACED), cancellation=WISH)

        decision = flag_fraud(asked, "stolen card", a.NOON)

        assert (decision.requests, decision.order.cancellation) == ((), WISH)

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_of_goods_that_left_is_kept_for_the_pool(self, state):
        decision = flag_fraud(a.order(state), "stolen card", a.NOON)

        assert (decision.order.state, decision.requests, names(decision)) == (state, (), ["FraudFlagged"])

    def test_twice_is_said_once(self):
        flagged = flag_fraud(a.order(State.SHIPPED), "stolen card", a.NOON).order

        assert flag_fraud(flagged, "stolen card", a.NOON) == Decision(flagged)

    def test_keeps_the_pool_from_ordering_until_it_is_cleared(self):
        decision = draft(a.approved(order_id="o2"), a.slot(), a.ACME, a.offer(), a.NOON, "o1")

        assert names(decision) == ["OrderDrafted", "OrderFailed"]
        assert decision.events[1].reason == "order o1 of this pool is taken for fraud"

    def test_is_cleared_once(self):
        decision = clear_fraud(flag_fraud(a.order(State.SHIPPED), "", a.NOON).order, a.NOON)

        assert (names(decision), decision.order.is_flagged) == (["FraudCleared"], False)
        assert clear_fraud(decision.order, a.NOON) == Decision(decision.order)
        assert clear_fraud(a.drafted(), a.NOON) == Decision(a.drafted())


class TestClaim:
    def test_is_raised_when_less_came_than_was_ordered(self):
        (_, claim) = a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=35)).events

        assert (claim.ordered, claim.received) == (40, 35)

    def test_is_raised_for_goods_that_came_by_their_date_alone(self):
        shipped = a.heard(a.order(State.PLACED), a.update("shipped", quantity=30)).order

        assert names(check_due_order(shipped, a.PATIENCE, shipped.check_at)) == ["OrderDelivered", "ClaimRaised"]

    @pytest.mark.parametrize("came", [40, 45])
    def test_is_not_raised_for_all_or_more(self, came):
        assert names(a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=came))) == ["OrderDelivered"]


class TestTakeBack:
    def test_says_what_goes_back_and_why(self):
        decision = return_goods(a.order(State.DELIVERED), 15, WISH)

        (said,) = decision.events
        assert (said.quantity, said.reason, said.by, said.device_id) == (15, "too many", "customer", "brewer")
        assert (decision.order.state, decision.order.returned_quantity) == (State.RETURNED, 15)

    @pytest.mark.parametrize("quantity", [0, -1, 41])
    def test_takes_no_more_than_came(self, quantity):
        with pytest.raises(NotDeliveredError) as missing:
            return_goods(a.order(State.DELIVERED), quantity, WISH)

        assert missing.value.left == 40

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_takes_no_more_than_the_customer_counted(self, state):
        counted = record_count(a.order(state), 30, a.NOON).order

        with pytest.raises(NotDeliveredError) as missing:
            return_goods(counted, 31, WISH)

        assert (missing.value.left, str(missing.value)) == (30, "the received quantity is 30")
        assert return_goods(counted, 30, WISH).order.returned_quantity == 30

    def test_takes_nothing_where_the_customer_found_nothing(self):
        counted = record_count(a.order(State.DELIVERED), 0, a.NOON).order

        with pytest.raises(NotDeliveredError) as missing:
            return_goods(counted, 1, WISH)

        assert missing.value.left == 0

    def test_happens_once_and_only_to_what_came(self):
        returned = return_goods(a.order(State.DELIVERED), 15, WISH).order

        for order in (returned, a.order(State.SHIPPED)):
            with pytest.raises(NotDeliveredError):
                return_goods(order, 1, WISH)

    def test_leaves_updates_nothing_to_change(self):
        returned = return_goods(a.order(State.DELIVERED), 15, WISH).order

        assert judged(returned, a.update("delivered")).outcome is Outcome.NOT_APPLIED


class TestSubstitution:
    @pytest.mark.parametrize("status", ["accepted", "shipped", "delivered"])
    def test_is_refused_and_the_order_asked_back(self, status):
        verdict = judged(a.order(State.PLACING), a.update(status, product_id="beans"))

        assert (verdict.outcome, verdict.reason) == (Outcome.REFUSED, "acme may not send beans instead of pods")
        assert (verdict.decision.requests, verdict.decision.order.cancellation.by) == (
            (ProviderRequest.CANCEL,),
            "substitution",
        )
        assert verdict.decision.order.state is State.PLACING

    def test_is_asked_back_once(self):
        asked = judged(a.order(State.PLACING), a.update("accepted", product_id="beans")).decision.order

        again = judged(asked, a.update("shipped", product_id="beans"))

        assert (again.outcome, again.decision) == (Outcome.REFUSED, None)

    def test_is_taken_and_noted_where_the_provider_may_choose(self):
        free = replace(a.ACME, allows_substitutes=True)

        verdict = judged(a.order(State.PLACING), a.update("accepted", product_id="beans"), free)

        assert (verdict.decision.order.state, verdict.decision.order.substitute) == (State.PLACED, "beans")
        assert verdict.decision.events[0].product_id == "pods"

    def test_the_ordered_product_is_none(self):
        decision = judged(a.order(State.PLACING), a.update("accepted", product_id="pods")).decision

        assert (decision.order.state, decision.order.substitute) == (State.PLACED, None)

    def test_does_not_keep_an_order_from_ending(self):
        assert judged(a.order(State.PLACING), a.update("refused", product_id="beans")).outcome is Outcome.APPLIED


class TestReceive:
    def test_of_less_after_the_arrival_is_a_claim_and_moves_nothing(self):
        order = a.order(State.DELIVERED)

        decision = record_count(order, 30, a.NOON)

        assert (decision.order, decision.requests, decision.refund) == (replace(order, counted_quantity=30), (), 0)
        assert [(event.ordered, event.received) for event in decision.events] == [(40, 30)]
        assert names(decision) == ["ClaimRaised"]

    def test_of_an_order_under_way_ends_its_way(self):
        decision = record_count(a.order(State.SHIPPED), 30, a.NOON)

        assert (decision.order.state, decision.order.expected_quantity, decision.order.evidence) == (
            State.DELIVERED,
            30,
            "reported",
        )
        assert names(decision) == ["OrderDelivered", "ClaimRaised"]
        assert decision.events[0].quantity == 30

    def test_of_everything_is_no_claim(self):
        assert record_count(a.order(State.DELIVERED), 40, a.NOON) == Decision(a.order(State.DELIVERED))
        assert names(record_count(a.order(State.SHIPPED), 40, a.NOON)) == ["OrderDelivered"]

    def test_of_less_than_the_provider_admitted_is_a_claim_once(self):
        short = a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=35)).order

        assert record_count(short, 35, a.NOON) == Decision(short)
        counted = record_count(short, 30, a.NOON)
        assert [(event.ordered, event.received) for event in counted.events] == [(40, 30)]
        assert record_count(counted.order, 30, a.NOON) == Decision(counted.order)
        with pytest.raises(AlreadyCountedError):
            record_count(counted.order, 20, a.NOON)

    def test_of_more_than_was_ordered_is_no_claim_also_where_still_more_was_sent(self):
        generous = a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=80)).order

        assert names(record_count(generous, 60, a.NOON)) == []

    @pytest.mark.parametrize(("state", "quantity"), [(State.PLACED, 1), (State.SHIPPED, 41), (State.DELIVERED, 41)])
    def test_of_what_was_never_sent_is_refused(self, state, quantity):
        with pytest.raises(NotDeliveredError):
            record_count(a.order(state), quantity, a.NOON)


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
            decision = a.heard(order, a.update(status, quantity=40))
            order, said = decision.order, [*said, *decision.events]

        assert [type(event).__name__ for event in said] == ["OrderPlaced", "OrderShipped", "OrderDelivered"]
        assert all(event.test for event in said)
        assert [said[1].quantity, said[2].quantity] == [0, 0]

    def test_is_what_every_order_at_a_test_provider_is(self):
        decision = draft(a.approved(), a.slot(), replace(a.ACME, test=True), a.offer(), a.NOON)

        assert (decision.order.test, decision.events[0].test) == (True, True)
