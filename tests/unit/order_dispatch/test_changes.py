"""Changes of packs, fraud, counts, claims, substitutes, billed prices, returns and test orders."""

from dataclasses import replace

import pytest

from services.order_dispatch.domain import (
    AlreadyCountedError,
    Cancellation,
    Decision,
    ExcessQuantityError,
    LineState,
    NotDeliveredError,
    Outcome,
    ProviderRequest,
    State,
    TooLateError,
    check_due_order,
    clear_fraud,
    decide_update,
    flag_fraud,
    modify,
    record_count,
    return_goods,
)
from tests.support import orders as a

CANCELLATION = Cancellation("customer", "too many", a.NOON)


def names(decision):
    return [type(event).__name__ for event in decision.events]


def decide(order, update, provider=a.ACME):
    return decide_update(order, update, provider, a.TIMEOUTS, a.NOON)


class TestModify:
    def test_modify_changes_packs_quantity_and_price(self):
        decision = modify(a.drafted(), 3, None, a.NOON)

        assert (a.only(decision.order).packs, a.only(decision.order).quantity, decision.order.price) == (3, 60, 3 * 499)
        assert [(e.packs, e.quantity, e.price, e.currency) for e in decision.events] == [(3, 60, 1497, "USD")]

    def test_modify_to_same_packs_changes_nothing(self):
        assert modify(a.drafted(), 2, None, a.NOON) == Decision(a.drafted())

    def test_modify_keeps_missing_price(self):
        assert (
            modify(
                replace(a.with_line(a.drafted(), unit_price=None), price=None, currency=None), 3, None, a.NOON
            ).order.price
            is None
        )

    @pytest.mark.parametrize("large", [{"pack_size": 2**52}, {"unit_price": 2**52}])
    def test_modify_rejects_excess_quantity_and_price(self, large):
        with pytest.raises(ExcessQuantityError):
            modify(a.with_line(a.drafted(), **large), 5, None, a.NOON)

    def test_modify_ends_with_providers_window(self):
        just = a.NOON + a.days(1) - a.days(1 / 86400)

        assert a.only(modify(a.drafted(), 3, 24, just).order).packs == 3
        with pytest.raises(TooLateError, match="changes were possible until 2026-03-02 12:00 UTC"):
            modify(a.drafted(), 3, 24, a.NOON + a.days(1))

    @pytest.mark.parametrize("state", [State.PLACING, State.PLACED, State.SHIPPED, State.DELIVERED])
    def test_modify_is_too_late_after_submission(self, state):
        with pytest.raises(TooLateError):
            modify(a.order(state), 3, None, a.NOON)


class TestFlagFraud:
    def test_flag_fraud_cancels_unsubmitted_order_at_once(self):
        decision = flag_fraud(a.drafted(), "stolen card", a.NOON)

        assert names(decision) == ["FraudFlagged", "OrderCancelled"]
        assert (decision.order.state, decision.order.is_flagged, decision.events[1].by) == (
            State.CANCELLED,
            True,
            "fraud",
        )

    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN, State.PLACED])
    def test_flag_fraud_requests_cancellation_of_submitted_order(self, state):
        decision = flag_fraud(a.order(state), "stolen card", a.NOON)

        assert (decision.requests, names(decision), decision.order.cancellation.by) == (
            (ProviderRequest.CANCEL,),
            ["FraudFlagged"],
            "fraud",
        )

    def test_flag_fraud_sends_no_second_cancel_request(self):
        cancelling = replace(a.order(State.PLACED), cancellation=CANCELLATION)

        decision = flag_fraud(cancelling, "stolen card", a.NOON)

        assert (decision.requests, decision.order.cancellation) == ((), CANCELLATION)

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_flag_fraud_of_shipped_goods_only_flags(self, state):
        decision = flag_fraud(a.order(state), "stolen card", a.NOON)

        assert (decision.order.state, decision.requests, names(decision)) == (state, (), ["FraudFlagged"])

    def test_flag_fraud_twice_publishes_once(self):
        flagged = flag_fraud(a.order(State.SHIPPED), "stolen card", a.NOON).order

        assert flag_fraud(flagged, "stolen card", a.NOON) == Decision(flagged)

    def test_draft_fails_if_pool_is_flagged(self):
        decision = a.draft(a.approved(order_id="o2"), a.slot(), a.ACME, a.offer(), a.NOON, "o1")

        assert names(decision) == ["OrderDrafted", "OrderFailed"]
        assert decision.events[1].reason == "order o1 of this pool is taken for fraud"

    def test_clear_fraud_publishes_once(self):
        decision = clear_fraud(flag_fraud(a.order(State.SHIPPED), "", a.NOON).order, a.NOON)

        assert (names(decision), decision.order.is_flagged) == (["FraudCleared"], False)
        assert clear_fraud(decision.order, a.NOON) == Decision(decision.order)
        assert clear_fraud(a.drafted(), a.NOON) == Decision(a.drafted())


class TestClaim:
    def test_claim_is_raised_for_short_delivery(self):
        (_, claim) = a.apply(a.order(State.SHIPPED), a.update("delivered", quantity=35)).events

        assert (claim.ordered, claim.received) == (40, 35)

    def test_claim_is_raised_for_estimated_short_delivery(self):
        shipped = a.apply(a.order(State.PLACED), a.update("shipped", quantity=30)).order

        assert names(check_due_order(shipped, a.TIMEOUTS, shipped.check_at)) == ["OrderDelivered", "ClaimRaised"]

    @pytest.mark.parametrize("received", [40, 45])
    def test_claim_is_not_raised_for_full_or_excess_delivery(self, received):
        assert names(a.apply(a.order(State.SHIPPED), a.update("delivered", quantity=received))) == ["OrderDelivered"]


class TestReturnGoods:
    def test_return_goods_publishes_quantity_and_reason(self):
        decision = return_goods(a.order(State.DELIVERED), 15, CANCELLATION)

        (event,) = decision.events
        assert (event.quantity, event.reason, event.by, event.device_id) == (15, "too many", "customer", "brewer")
        assert (decision.order.state, a.only(decision.order).returned_quantity) == (State.RETURNED, 15)

    @pytest.mark.parametrize("quantity", [0, -1, 41])
    def test_return_goods_rejects_more_than_received(self, quantity):
        with pytest.raises(NotDeliveredError) as raised:
            return_goods(a.order(State.DELIVERED), quantity, CANCELLATION)

        assert raised.value.left == 40

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_return_goods_rejects_more_than_counted(self, state):
        counted = record_count(a.order(state), 30, a.NOON).order

        with pytest.raises(NotDeliveredError) as raised:
            return_goods(counted, 31, CANCELLATION)

        assert (raised.value.left, str(raised.value)) == (30, "only 30 was received")
        assert a.only(return_goods(counted, 30, CANCELLATION).order).returned_quantity == 30

    def test_return_goods_rejects_all_if_count_is_zero(self):
        counted = record_count(a.order(State.DELIVERED), 0, a.NOON).order

        with pytest.raises(NotDeliveredError) as raised:
            return_goods(counted, 1, CANCELLATION)

        assert raised.value.left == 0

    def test_return_goods_once_and_only_after_delivery(self):
        returned = return_goods(a.order(State.DELIVERED), 15, CANCELLATION).order

        for order in (returned, a.order(State.SHIPPED)):
            with pytest.raises(NotDeliveredError):
                return_goods(order, 1, CANCELLATION)

    def test_update_after_return_is_not_applied(self):
        returned = return_goods(a.order(State.DELIVERED), 15, CANCELLATION).order

        assert decide(returned, a.update("delivered")).outcome is Outcome.NOT_APPLIED


class TestSubstitution:
    @pytest.mark.parametrize("status", ["accepted", "shipped", "delivered"])
    def test_substitute_is_refused_and_order_cancelled(self, status):
        decided = decide(a.order(State.PLACING), a.update(status, product_id="beans"))

        assert (decided.outcome, decided.reason) == (Outcome.REFUSED, "acme may not send beans instead of pods")
        assert (decided.decision.requests, decided.decision.order.cancellation.by) == (
            (ProviderRequest.CANCEL,),
            "substitution",
        )
        assert decided.decision.order.state is State.PLACING

    def test_substitute_cancels_once(self):
        cancelling = decide(a.order(State.PLACING), a.update("accepted", product_id="beans")).decision.order

        again = decide(cancelling, a.update("shipped", product_id="beans"))

        assert (again.outcome, again.decision) == (Outcome.REFUSED, None)

    def test_substitute_is_recorded_if_allowed(self):
        free = replace(a.ACME, allows_substitutes=True)

        decided = decide(a.order(State.PLACING), a.update("accepted", product_id="beans"), free)

        assert (decided.decision.order.state, a.only(decided.decision.order).substitute) == (State.PLACED, "beans")
        assert decided.decision.events[0].product_id == "pods"

    def test_ordered_product_is_no_substitute(self):
        decision = decide(a.order(State.PLACING), a.update("accepted", product_id="pods")).decision

        assert (decision.order.state, a.only(decision.order).substitute) == (State.PLACED, None)

    def test_substitute_in_refusal_is_ignored(self):
        assert decide(a.order(State.PLACING), a.update("refused", product_id="beans")).outcome is Outcome.APPLIED


class TestRecordCount:
    def test_record_count_after_delivery_raises_claim_only(self):
        order = a.order(State.DELIVERED)

        decision = record_count(order, 30, a.NOON)

        counted = a.with_line(order, counted_quantity=30, state=LineState.SHORT)
        assert (decision.order, decision.requests, decision.refund) == (counted, (), 0)
        assert [(event.ordered, event.received) for event in decision.events] == [(40, 30)]
        assert names(decision) == ["ClaimRaised"]

    def test_record_count_in_transit_delivers_the_order(self):
        decision = record_count(a.order(State.SHIPPED), 30, a.NOON)

        assert (decision.order.state, a.only(decision.order).received_quantity, decision.order.evidence) == (
            State.DELIVERED,
            30,
            "reported",
        )
        assert names(decision) == ["OrderDelivered", "ClaimRaised"]
        assert decision.events[0].quantity == 30

    def test_record_count_of_full_quantity_raises_no_claim(self):
        assert record_count(a.order(State.DELIVERED), 40, a.NOON) == Decision(a.order(State.DELIVERED))
        assert names(record_count(a.order(State.SHIPPED), 40, a.NOON)) == ["OrderDelivered"]

    def test_record_count_below_reported_quantity_raises_one_claim(self):
        short = a.apply(a.order(State.SHIPPED), a.update("delivered", quantity=35)).order

        assert record_count(short, 35, a.NOON) == Decision(short)
        counted = record_count(short, 30, a.NOON)
        assert [(event.ordered, event.received) for event in counted.events] == [(40, 30)]
        assert record_count(counted.order, 30, a.NOON) == Decision(counted.order)
        with pytest.raises(AlreadyCountedError):
            record_count(counted.order, 20, a.NOON)

    def test_record_count_above_ordered_quantity_raises_no_claim(self):
        generous = a.apply(a.order(State.SHIPPED), a.update("delivered", quantity=80)).order

        assert names(record_count(generous, 60, a.NOON)) == []

    @pytest.mark.parametrize(("state", "quantity"), [(State.PLACED, 1), (State.SHIPPED, 41), (State.DELIVERED, 41)])
    def test_record_count_above_shipped_quantity_is_rejected(self, state, quantity):
        with pytest.raises(NotDeliveredError):
            record_count(a.order(state), quantity, a.NOON)


class TestBilledPrice:
    def test_billed_price_is_recorded_without_changing_the_price(self):
        order = a.apply(a.order(State.PLACING), a.update("accepted", price=1200, currency="USD")).order

        assert (order.price, order.billed, order.billed_currency) == (998, 1200, "USD")

    def test_billed_price_defaults_to_orders_currency(self):
        assert a.apply(a.order(State.PLACING), a.update("accepted", price=1200)).order.billed_currency == "USD"

    @pytest.mark.parametrize("fields", [{}, {"currency": "EUR"}, {"price": 5, "currency": "XXX"}])
    def test_billed_price_without_usable_amount_is_ignored(self, fields):
        assert a.apply(a.order(State.PLACING), a.update("accepted", **fields)).order.billed is None


class TestTestOrder:
    def test_test_order_passes_all_states_with_quantity_zero(self):
        order, events = replace(a.order(State.PLACING), test=True), []
        for status in ("accepted", "shipped", "delivered"):
            decision = a.apply(order, a.update(status, quantity=40))
            order, events = decision.order, [*events, *decision.events]

        assert [type(event).__name__ for event in events] == ["OrderPlaced", "OrderShipped", "OrderDelivered"]
        assert all(event.test for event in events)
        assert [events[1].quantity, events[2].quantity] == [0, 0]

    def test_test_provider_makes_every_order_a_test_order(self):
        decision = a.draft(a.approved(), a.slot(), replace(a.ACME, test=True), a.offer(), a.NOON)

        assert (decision.order.test, decision.events[0].test) == (True, True)
