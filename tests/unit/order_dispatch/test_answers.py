"""What a provider's updates do, in whatever order they come."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

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


def judged(order, said, at=a.NOON):
    return decide_update(order, said, a.ACME, a.PATIENCE, at)


def names(decision):
    return [type(event).__name__ for event in decision.events]


class TestAccepted:
    def test_places_the_order_with_the_providers_date(self):
        decision = a.heard(a.order(State.PLACING), a.update("accepted", expected_at=a.NOON + a.days(2)))

        assert decision.order.state is State.PLACED
        assert (
            decision.events[0].expected_at
            == decision.order.promised_at
            == decision.order.check_at
            == a.NOON + a.days(2)
        )

    def test_without_a_date_counts_the_providers_usual_days(self):
        decision = a.heard(a.order(State.PLACING), a.update("accepted"))

        assert decision.order.promised_at == decision.order.expected_at == a.NOON + a.days(3)

    def test_without_any_promise_expects_the_default_but_calls_it_no_promise(self):
        decision = decide_update(a.order(State.PLACING), a.update("accepted"), None, a.PATIENCE, a.NOON).decision

        assert decision.order.promised_at is None
        assert decision.order.expected_at == a.NOON + a.days(5)

    def test_a_date_years_away_is_left_out(self):
        decision = a.heard(a.order(State.PLACING), a.update("accepted", expected_at=a.NOON + a.days(4000)))

        assert decision.order.expected_at == a.NOON + a.days(3)

    def test_ends_not_knowing(self):
        assert a.heard(a.order(State.UNKNOWN), a.update("accepted")).order.state is State.PLACED

    def test_of_an_older_hour_changes_nothing_that_a_newer_one_said(self):
        later, sooner = a.NOON + a.days(4), a.NOON + a.days(2)
        newer = a.update("accepted", update_id="u2", expected_at=later, tracking="T2", price=500, currency="USD")
        placed = a.heard(a.order(State.PLACING), newer, a.NOON).order
        older = a.update(
            "accepted", occurred_at=a.NOON - a.days(1), expected_at=sooner, tracking="T1", price=400, currency="USD"
        )

        stale = decide_update(placed, older, a.ACME, a.PATIENCE, a.NOON, newest=newer.occurred_at)

        assert stale.outcome is Outcome.APPLIED
        assert stale.decision.order.expected_at == later
        assert (stale.decision.order.tracking, stale.decision.order.billed) == ("T2", 500)

    def test_of_an_older_hour_adds_what_nobody_said_yet(self):
        newer = a.update("accepted", update_id="u2")
        placed = a.heard(a.order(State.PLACING), newer, a.NOON).order
        older = a.update("accepted", occurred_at=a.NOON - a.days(1), tracking="T1", product_id="pods-xl")
        kind = replace(a.ACME, allows_substitutes=True)

        order = decide_update(placed, older, kind, a.PATIENCE, a.NOON, newest=newer.occurred_at).decision.order

        assert (order.tracking, order.substitute) == ("T1", "pods-xl")

    def test_again_moves_the_date_and_keeps_the_promise(self):
        placed = a.heard(a.order(State.PLACING), a.update("accepted", expected_at=a.NOON + a.days(2))).order

        decision = a.heard(placed, a.update("accepted", update_id="u2", expected_at=a.NOON + a.days(6)))

        assert (decision.events, decision.transitions) == ((), ())
        assert decision.order.expected_at == a.NOON + a.days(6)
        assert decision.order.promised_at == a.NOON + a.days(2)

    def test_again_with_a_date_that_passed_does_not_make_us_ask_at_every_tick(self):
        late = a.NOON + a.days(9)
        placed = check_due_order(a.order(State.PLACED), a.PATIENCE, late).order

        decision = decide_update(placed, a.update("accepted", update_id="u2"), a.ACME, a.PATIENCE, late).decision

        assert decision.order.check_at == late + a.days(2 / 24)

    def test_after_shipping_is_late(self):
        verdict = judged(a.order(State.SHIPPED), a.update("accepted"))

        assert (verdict.outcome, verdict.decision) == (Outcome.NOT_APPLIED, None)
        assert verdict.reason == "the order is already shipped"


class TestShipped:
    def test_implies_that_it_was_accepted(self):
        decision = a.heard(a.order(State.PLACING), a.update("shipped", tracking="T1", expected_at=a.NOON + a.days(1)))

        assert names(decision) == ["OrderPlaced", "OrderShipped"]
        assert [step.to_state for step in decision.transitions] == [State.PLACED, State.SHIPPED]
        assert decision.events[1].tracking == "T1"
        assert decision.order.check_at == a.NOON + a.days(1)

    def test_with_less_than_ordered_ships_less(self):
        decision = a.heard(a.order(State.PLACED), a.update("shipped", quantity=30))

        assert decision.events[0].quantity == 30

    def test_again_moves_the_date_and_keeps_the_quantity(self):
        shipped = a.heard(a.order(State.PLACED), a.update("shipped", quantity=30)).order

        decision = a.heard(shipped, a.update("shipped", update_id="u2", expected_at=a.NOON + a.days(8)))

        assert decision.events == ()
        assert (decision.order.expected_quantity, decision.order.check_at) == (30, a.NOON + a.days(8))

    @pytest.mark.parametrize("status", ["shipped", "delivered"])
    def test_with_more_than_anybody_sends_is_refused_as_a_slip(self, status):
        order = a.order(State.PLACED)

        some_more = judged(order, a.update(status, quantity=39_999))
        slip = judged(order, a.update(status, quantity=40_000))

        assert some_more.outcome is Outcome.APPLIED
        assert (slip.outcome, slip.decision) == (Outcome.REFUSED, None)
        assert slip.reason == "implausible quantity: 40 ordered, 40000 reported, in steps of the order's unit"

    def test_again_with_another_quantity_is_not_applied(self):
        verdict = judged(a.order(State.SHIPPED), a.update("shipped", update_id="u2", quantity=1))

        assert verdict.outcome is Outcome.NOT_APPLIED


class TestDelivered:
    def test_credits_what_was_shipped(self):
        shipped = a.heard(a.order(State.PLACED), a.update("shipped", quantity=30)).order

        said, claim = a.heard(shipped, a.update("delivered")).events

        assert (said.quantity, said.evidence) == (30, Evidence.REPORTED)
        assert (said.device_id, said.slot) == ("brewer", "1")
        assert (claim.ordered, claim.received) == (40, 30)

    def test_believes_the_count_at_the_door(self):
        said, claim = a.heard(a.order(State.SHIPPED), a.update("delivered", quantity=39)).events

        assert said.quantity == claim.received == 39

    def test_implies_everything_before_and_makes_up_no_date(self):
        decision = decide_update(a.order(State.PLACING), a.update("delivered"), None, a.PATIENCE, a.NOON).decision

        assert names(decision) == ["OrderPlaced", "OrderShipped", "OrderDelivered"]
        assert decision.order.expected_at is None

    def test_counts_from_the_providers_date_but_not_from_its_future_nor_from_before_the_order(self):
        order = replace(a.order(State.SHIPPED), drafted_at=a.NOON - a.days(3))
        early = a.heard(order, a.update("delivered", occurred_at=a.NOON - a.days(1)))
        ahead = a.heard(order, a.update("delivered", occurred_at=a.NOON + a.days(900)))
        before = a.heard(order, a.update("delivered", occurred_at=a.NOON - a.days(900)))

        assert early.order.delivered_at == a.NOON - a.days(1)
        assert ahead.order.delivered_at == a.NOON
        assert before.order.delivered_at == order.drafted_at

    def test_promises_nothing_for_before_the_order(self):
        decision = a.heard(a.order(State.PLACING), a.update("shipped", expected_at=a.NOON - a.days(900)))

        assert decision.order.expected_at == a.heard(a.order(State.PLACING), a.update("shipped")).order.expected_at


class TestRefused:
    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN])
    def test_ends_an_order_with_the_providers_words(self, state):
        decision = a.heard(a.order(state), a.update("refused", reason="sold out"))

        assert decision.order.state is State.REFUSED
        assert decision.events[0].reason == "sold out"

    def test_after_accepting_is_a_cancellation(self):
        decision = a.heard(a.order(State.PLACED), a.update("refused", reason="sold out"))

        assert decision.order.state is State.CANCELLED
        assert (decision.events[0].by, decision.events[0].reason) == ("provider", "sold out")


class TestCancelled:
    def test_names_who_wanted_it(self):
        asked = cancel(a.order(State.PLACED), Cancellation("customer", "moving house", a.NOON))
        assert asked.requests == (ProviderRequest.CANCEL,)

        decision = a.heard(asked.order, a.update("cancelled", reason="as asked"))

        assert (decision.events[0].by, decision.events[0].reason) == ("customer", "moving house")

    def test_comes_too_late_for_shipped_goods(self):
        assert judged(a.order(State.SHIPPED), a.update("cancelled")).outcome is Outcome.NOT_APPLIED


class TestNotFound:
    def test_fails_an_unknown_order(self):
        decision = a.heard(a.order(State.UNKNOWN), a.update("not_found"))

        assert decision.order.state is State.FAILED
        assert decision.order.check_at is None

    def test_is_no_answer_before_anybody_asked(self):
        assert judged(a.order(State.PLACING), a.update("not_found")).outcome is Outcome.NOT_APPLIED

    def test_cannot_take_an_acceptance_back(self):
        assert judged(a.order(State.PLACED), a.update("not_found")).outcome is Outcome.NOT_APPLIED

    def test_agrees_to_a_cancellation(self):
        asked = cancel(a.order(State.PLACING), Cancellation("customer", "", a.NOON)).order

        assert a.heard(asked, a.update("not_found")).order.state is State.CANCELLED


class TestHear:
    def test_an_order_of_another_provider_is_refused(self):
        assert judged(a.order(State.PLACING), a.update("accepted", provider_id="evil")).outcome is Outcome.REFUSED

    def test_an_order_nobody_knows_is_unmatched(self):
        assert judged(None, a.update("accepted")).outcome is Outcome.UNMATCHED

    def test_a_drafted_order_was_never_asked_for(self):
        assert judged(a.drafted(), a.update("accepted")).outcome is Outcome.NOT_APPLIED

    @pytest.mark.parametrize("status", UpdateStatus)
    def test_closed_states_absorb(self, status):
        assert judged(a.order(State.DELIVERED), a.update(status)).outcome is Outcome.NOT_APPLIED

    @pytest.mark.parametrize("order", list(itertools.permutations(["accepted", "shipped", "delivered"])))
    def test_any_order_of_a_delivery_says_each_fact_once(self, order):
        place, said = a.order(State.PLACING), Counter()
        for status in order:
            verdict = judged(place, a.update(status))
            if verdict.decision:
                place = verdict.decision.order
                said.update(names(verdict.decision))

        assert place.state is State.DELIVERED
        assert said == {"OrderPlaced": 1, "OrderShipped": 1, "OrderDelivered": 1}


updates = some.builds(
    a.update,
    some.sampled_from(UpdateStatus),
    quantity=some.none() | some.integers(0, 100),
    expected_at=some.none() | some.integers(-5, 900).map(lambda day: a.NOON + a.days(day)),
)


class TestAnyLife:
    @given(some.lists(updates | some.integers(0, 20), max_size=12))
    def test_makes_only_moves_of_the_table_and_ends_once(self, happenings):
        order, now, ends = a.order(State.PLACING), a.NOON, []
        for happening in happenings:
            if isinstance(happening, int):
                now += a.days(happening)
                due = order.check_at is not None and order.check_at <= now
                decision = check_due_order(order, a.PATIENCE, now) if due else None
            else:
                decision = judged(order, happening, now).decision
            if decision is None:
                continue
            assert all((step.from_state, step.to_state) in TRANSITIONS for step in decision.transitions)
            assert [step.number for step in decision.transitions] == list(
                range(order.step + 1, decision.order.step + 1)
            )
            ends += [step.to_state for step in decision.transitions if step.to_state in CLOSED]
            order = decision.order
            waits = order.check_at is not None
            assert waits != (order.state in CLOSED), "an open order is always looked at again"

        assert len(ends) == (order.state in CLOSED)
