"""Decisions about a provider's updates, in any order of arrival."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.events import Evidence, UpdateStatus
from services.order_dispatch.domain import (
    CLOSED,
    TRANSITIONS,
    Cancellation,
    Outcome,
    ProviderRequest,
    State,
    cancel,
    check_due_order,
    decide_update,
)
from tests.support import orders as a


def decide(order, update, at=a.NOON):
    return decide_update(order, update, a.ACME, a.TIMEOUTS, at)


def names(decision):
    return [type(event).__name__ for event in decision.events]


class TestAccepted:
    def test_accepted_places_order_with_providers_date(self):
        decision = a.apply(a.order(State.PLACING), a.update("accepted", expected_at=a.NOON + a.days(2)))

        assert decision.order.state is State.PLACED
        assert (
            decision.events[0].expected_at
            == decision.order.promised_at
            == decision.order.check_at
            == a.NOON + a.days(2)
        )

    def test_accepted_without_date_uses_lead_time(self):
        decision = a.apply(a.order(State.PLACING), a.update("accepted"))

        assert decision.order.promised_at == decision.order.expected_at == a.NOON + a.days(3)

    def test_accepted_without_lead_time_sets_default_date_without_promise(self):
        decision = decide_update(a.order(State.PLACING), a.update("accepted"), None, a.TIMEOUTS, a.NOON).decision

        assert decision.order.promised_at is None
        assert decision.order.expected_at == a.NOON + a.days(5)

    def test_accepted_ignores_date_years_away(self):
        decision = a.apply(a.order(State.PLACING), a.update("accepted", expected_at=a.NOON + a.days(4000)))

        assert decision.order.expected_at == a.NOON + a.days(3)

    def test_accepted_places_unknown_order(self):
        assert a.apply(a.order(State.UNKNOWN), a.update("accepted")).order.state is State.PLACED

    def test_accepted_stale_overwrites_nothing(self):
        later, sooner = a.NOON + a.days(4), a.NOON + a.days(2)
        newer = a.update("accepted", update_id="u2", expected_at=later, tracking="T2", price=500, currency="USD")
        placed = a.apply(a.order(State.PLACING), newer, a.NOON).order
        older = a.update(
            "accepted", occurred_at=a.NOON - a.days(1), expected_at=sooner, tracking="T1", price=400, currency="USD"
        )

        stale = decide_update(placed, older, a.ACME, a.TIMEOUTS, a.NOON, newest=newer.occurred_at)

        assert stale.outcome is Outcome.APPLIED
        assert stale.decision.order.expected_at == later
        assert (stale.decision.order.tracking, stale.decision.order.billed) == ("T2", 500)

    def test_accepted_stale_adds_missing_values(self):
        newer = a.update("accepted", update_id="u2")
        placed = a.apply(a.order(State.PLACING), newer, a.NOON).order
        older = a.update("accepted", occurred_at=a.NOON - a.days(1), tracking="T1", product_id="pods-xl")
        permissive = replace(a.ACME, allows_substitutes=True)

        order = decide_update(placed, older, permissive, a.TIMEOUTS, a.NOON, newest=newer.occurred_at).decision.order

        assert (order.tracking, a.only(order).substitute) == ("T1", "pods-xl")

    def test_accepted_again_moves_date_and_keeps_promise(self):
        placed = a.apply(a.order(State.PLACING), a.update("accepted", expected_at=a.NOON + a.days(2))).order

        decision = a.apply(placed, a.update("accepted", update_id="u2", expected_at=a.NOON + a.days(6)))

        assert (decision.events, decision.transitions) == ((), ())
        assert decision.order.expected_at == a.NOON + a.days(6)
        assert decision.order.promised_at == a.NOON + a.days(2)

    def test_accepted_again_with_past_date_schedules_a_later_check(self):
        late = a.NOON + a.days(9)
        placed = check_due_order(a.order(State.PLACED), a.TIMEOUTS, late).order

        decision = decide_update(placed, a.update("accepted", update_id="u2"), a.ACME, a.TIMEOUTS, late).decision

        assert decision.order.check_at == late + a.days(2 / 24)

    def test_accepted_after_shipping_is_not_applied(self):
        decided = decide(a.order(State.SHIPPED), a.update("accepted"))

        assert (decided.outcome, decided.decision) == (Outcome.NOT_APPLIED, None)
        assert decided.reason == "the order is already shipped"


class TestShipped:
    def test_shipped_implies_accepted(self):
        decision = a.apply(a.order(State.PLACING), a.update("shipped", tracking="T1", expected_at=a.NOON + a.days(1)))

        assert names(decision) == ["OrderPlaced", "OrderShipped"]
        assert [step.to_state for step in decision.transitions] == [State.PLACED, State.SHIPPED]
        assert decision.events[1].tracking == "T1"
        assert decision.order.check_at == a.NOON + a.days(1)

    def test_shipped_with_less_than_ordered_ships_less(self):
        decision = a.apply(a.order(State.PLACED), a.update("shipped", quantity=30))

        assert decision.events[0].quantity == 30

    def test_shipped_again_moves_date_and_keeps_quantity(self):
        shipped = a.apply(a.order(State.PLACED), a.update("shipped", quantity=30)).order

        decision = a.apply(shipped, a.update("shipped", update_id="u2", expected_at=a.NOON + a.days(8)))

        assert decision.events == ()
        assert (a.only(decision.order).shipped_quantity, decision.order.check_at) == (30, a.NOON + a.days(8))

    @pytest.mark.parametrize("status", ["shipped", "delivered"])
    def test_shipped_with_implausible_quantity_is_refused(self, status):
        order = a.order(State.PLACED)

        some_more = decide(order, a.update(status, quantity=39_999))
        excess = decide(order, a.update(status, quantity=40_000))

        assert some_more.outcome is Outcome.APPLIED
        assert (excess.outcome, excess.decision) == (Outcome.REFUSED, None)
        assert excess.reason == "implausible quantity for the order: 40 ordered, 40000 reported"

    def test_shipped_again_with_other_quantity_is_not_applied(self):
        decided = decide(a.order(State.SHIPPED), a.update("shipped", update_id="u2", quantity=1))

        assert decided.outcome is Outcome.NOT_APPLIED


class TestDelivered:
    def test_delivered_credits_shipped_quantity(self):
        shipped = a.apply(a.order(State.PLACED), a.update("shipped", quantity=30)).order

        delivered, claim = a.apply(shipped, a.update("delivered")).events

        assert (delivered.quantity, delivered.evidence) == (30, Evidence.REPORTED)
        assert (delivered.device_id, delivered.slot) == ("brewer", "1")
        assert (claim.ordered, claim.received) == (40, 30)

    def test_delivered_quantity_replaces_shipped_quantity(self):
        delivered, claim = a.apply(a.order(State.SHIPPED), a.update("delivered", quantity=39)).events

        assert delivered.quantity == claim.received == 39

    def test_delivered_implies_all_earlier_states(self):
        decision = decide_update(a.order(State.PLACING), a.update("delivered"), None, a.TIMEOUTS, a.NOON).decision

        assert names(decision) == ["OrderPlaced", "OrderShipped", "OrderDelivered"]
        assert decision.order.expected_at is None

    def test_delivered_clamps_reported_time(self):
        order = replace(a.order(State.SHIPPED), drafted_at=a.NOON - a.days(3))
        early = a.apply(order, a.update("delivered", occurred_at=a.NOON - a.days(1)))
        ahead = a.apply(order, a.update("delivered", occurred_at=a.NOON + a.days(900)))
        before = a.apply(order, a.update("delivered", occurred_at=a.NOON - a.days(900)))

        assert early.order.delivered_at == a.NOON - a.days(1)
        assert ahead.order.delivered_at == a.NOON
        assert before.order.delivered_at == order.drafted_at

    def test_shipped_ignores_date_before_the_order(self):
        decision = a.apply(a.order(State.PLACING), a.update("shipped", expected_at=a.NOON - a.days(900)))

        assert decision.order.expected_at == a.apply(a.order(State.PLACING), a.update("shipped")).order.expected_at


class TestRefused:
    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN])
    def test_refused_ends_order_with_providers_reason(self, state):
        decision = a.apply(a.order(state), a.update("refused", reason="sold out"))

        assert decision.order.state is State.REFUSED
        assert decision.events[0].reason == "sold out"

    def test_refused_after_acceptance_cancels(self):
        decision = a.apply(a.order(State.PLACED), a.update("refused", reason="sold out"))

        assert decision.order.state is State.CANCELLED
        assert (decision.events[0].by, decision.events[0].reason) == ("provider", "sold out")


class TestCancelled:
    def test_cancelled_keeps_requester_and_reason(self):
        cancelling = cancel(a.order(State.PLACED), Cancellation("customer", "moving house", a.NOON))
        assert cancelling.requests == (ProviderRequest.CANCEL,)

        decision = a.apply(cancelling.order, a.update("cancelled", reason="as cancelling"))

        assert (decision.events[0].by, decision.events[0].reason) == ("customer", "moving house")

    def test_cancelled_after_shipping_is_not_applied(self):
        assert decide(a.order(State.SHIPPED), a.update("cancelled")).outcome is Outcome.NOT_APPLIED


class TestNotFound:
    def test_not_found_fails_unknown_order(self):
        decision = a.apply(a.order(State.UNKNOWN), a.update("not_found"))

        assert decision.order.state is State.FAILED
        assert decision.order.check_at is None

    def test_not_found_before_status_request_is_not_applied(self):
        assert decide(a.order(State.PLACING), a.update("not_found")).outcome is Outcome.NOT_APPLIED

    def test_not_found_after_acceptance_is_not_applied(self):
        assert decide(a.order(State.PLACED), a.update("not_found")).outcome is Outcome.NOT_APPLIED

    def test_not_found_completes_a_cancellation(self):
        cancelling = cancel(a.order(State.PLACING), Cancellation("customer", "", a.NOON)).order

        assert a.apply(cancelling, a.update("not_found")).order.state is State.CANCELLED


class TestDecideUpdate:
    def test_decide_update_of_another_provider_is_refused(self):
        assert decide(a.order(State.PLACING), a.update("accepted", provider_id="evil")).outcome is Outcome.REFUSED

    def test_decide_update_of_unknown_order_is_unmatched(self):
        assert decide(None, a.update("accepted")).outcome is Outcome.UNMATCHED

    def test_decide_update_of_drafted_order_is_not_applied(self):
        assert decide(a.drafted(), a.update("accepted")).outcome is Outcome.NOT_APPLIED

    @pytest.mark.parametrize("status", UpdateStatus)
    def test_decide_update_of_closed_order_is_not_applied(self, status):
        assert decide(a.order(State.DELIVERED), a.update(status)).outcome is Outcome.NOT_APPLIED

    @pytest.mark.parametrize("order", list(itertools.permutations(["accepted", "shipped", "delivered"])))
    def test_decide_update_in_any_order_publishes_each_event_once(self, order):
        current, counts = a.order(State.PLACING), Counter()
        for status in order:
            decided = decide(current, a.update(status))
            if decided.decision:
                current = decided.decision.order
                counts.update(names(decided.decision))

        assert current.state is State.DELIVERED
        assert counts == {"OrderPlaced": 1, "OrderShipped": 1, "OrderDelivered": 1}


updates = st.builds(
    a.update,
    st.sampled_from(UpdateStatus),
    quantity=st.none() | st.integers(0, 100),
    expected_at=st.none() | st.integers(-5, 900).map(lambda day: a.NOON + a.days(day)),
)


class TestAnySequence:
    @given(st.lists(updates | st.integers(0, 20), max_size=12))
    def test_any_sequence_makes_only_legal_transitions_and_closes_once(self, steps):
        order, now, ends = a.order(State.PLACING), a.NOON, []
        for happened in steps:
            if isinstance(happened, int):
                now += a.days(happened)
                due = order.check_at is not None and order.check_at <= now
                decision = check_due_order(order, a.TIMEOUTS, now) if due else None
            else:
                decision = decide(order, happened, now).decision
            if decision is None:
                continue
            assert all((step.from_state, step.to_state) in TRANSITIONS for step in decision.transitions)
            assert [step.number for step in decision.transitions] == list(
                range(order.step + 1, decision.order.step + 1)
            )
            ends += [step.to_state for step in decision.transitions if step.to_state in CLOSED]
            order = decision.order
            waits = order.check_at is not None
            assert waits != (order.state in CLOSED), "an open order always has a next check"

        assert len(ends) == (order.state in CLOSED)
