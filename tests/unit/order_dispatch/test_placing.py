"""What happens before a provider has an order: stock, payment, and calls that go wrong."""

from dataclasses import replace

import pytest

from replenish_contracts.events import Shortage
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain import (
    CLOSED,
    NOT_SUBMITTED,
    Cancellation,
    FulfilmentPlan,
    Outcome,
    ProviderRequest,
    State,
    cancel,
    check_due_order,
    decide_update,
    end_unsubmitted,
    is_ready,
    mark_unknown,
    next_step,
    reason_not_to_submit,
    record_reply,
    refuse_for_shortage,
    withdraw,
)
from tests.support import orders as a

HOSTED = FulfilmentPlan(reserves=True, pays=True)
CALLED = FulfilmentPlan(calls=True)
WISH = Cancellation("customer", "enough", a.NOON)


def names(decision):
    return [type(event).__name__ for event in decision.events]


def on(order, way=HOSTED):
    return next_step(order, way, a.PATIENCE, a.NOON)


def called():
    """Return an order whose provider is about to be called."""
    return on(a.drafted(), CALLED).order


class TestProceed:
    def test_goes_by_stock_and_payment_to_the_provider(self):
        reserving = on(a.drafted())
        authorizing = on(replace(reserving.order, reserved_at=a.NOON))
        placing = on(replace(authorizing.order, authorized_at=a.NOON))

        assert [decision.order.state for decision in (reserving, authorizing, placing)] == [
            *(State.RESERVING, State.AUTHORIZING, State.PLACING)
        ]
        assert [decision.requests for decision in (reserving, authorizing, placing)] == [
            (),
            (),
            (ProviderRequest.SUBMIT,),
        ]

    def test_asks_for_the_ordered_goods_of_the_providers_stock(self):
        (asked,) = on(a.drafted()).events

        assert [(line.product_id, line.quantity) for line in asked.lines] == [("pods", 40)]
        assert (asked.provider_id, asked.order_id) == ("acme", "o1")

    def test_leaves_out_what_a_provider_does_not_need(self):
        assert on(a.drafted(), FulfilmentPlan(pays=True)).order.state is State.AUTHORIZING
        assert on(a.drafted(), FulfilmentPlan()).order.state is State.PLACING

    def test_asks_nobody_to_pay_nothing(self):
        assert on(replace(a.drafted(), price=0), FulfilmentPlan(pays=True)).order.state is State.PLACING

    @pytest.mark.parametrize("way", [FulfilmentPlan(pays=True), HOSTED])
    def test_fails_what_is_to_be_paid_and_has_no_price(self, way):
        decision = on(replace(a.drafted(), price=None, currency=None), way)

        assert (decision.order.state, decision.requests) == (State.FAILED, ())
        assert [event.reason for event in decision.events] == [
            "acme has no price for packs of 20, so the order cannot be paid"
        ]
        assert on(replace(a.drafted(), price=None, currency=None, test=True), way).order.state is State.PLACING

    def test_takes_neither_goods_nor_money_for_a_rehearsal(self):
        decision = on(replace(a.drafted(), test=True))

        assert (decision.order.state, decision.requests, decision.events) == (
            State.PLACING,
            (ProviderRequest.SUBMIT,),
            (),
        )

    def test_counts_as_sent_at_once_only_where_the_outbox_carries_it(self):
        assert on(a.drafted(), FulfilmentPlan()).order.sent_at == a.NOON
        assert called().sent_at is None


class TestIsReady:
    def test_only_what_was_waited_for_goes_on(self):
        reserving = on(a.drafted()).order
        authorizing = on(replace(reserving, reserved_at=a.NOON)).order

        assert is_ready(a.drafted())
        assert [is_ready(reserving), is_ready(replace(reserving, reserved_at=a.NOON))] == [False, True]
        assert [is_ready(authorizing), is_ready(replace(authorizing, authorized_at=a.NOON))] == [False, True]
        assert not is_ready(called())


class TestRunShort:
    def test_names_what_was_wanted_what_is_there_and_when_there_is_more(self):
        reserving = replace(on(a.drafted()).order, unit=BaseUnit.GRAM, scale=3)
        short = Shortage(product_id="pods", requested=40_000, available=12_500, restock_at=a.NOON + a.days(3))

        decision = refuse_for_shortage(reserving, [short], a.NOON)

        assert decision.order.state is State.REFUSED
        assert [event.reason for event in decision.events] == [
            "pods: 40 ordered, 12.5 available, restock on 2026-03-04"
        ]

    def test_says_that_nobody_knows_when(self):
        decision = refuse_for_shortage(
            on(a.drafted()).order, [Shortage(product_id="pods", requested=40, available=0)], a.NOON
        )

        assert decision.events[0].reason == "pods: 40 ordered, 0 available, restock date unknown"


class TestBeforeTheProviderIsAsked:
    @pytest.mark.parametrize("state", sorted(NOT_SUBMITTED))
    def test_cancelling_is_certain(self, state):
        order = replace(a.drafted(), state=state)

        decision = cancel(order, WISH)

        assert (decision.order.state, decision.requests, names(decision)) == (State.CANCELLED, (), ["OrderCancelled"])

    @pytest.mark.parametrize("state", sorted(NOT_SUBMITTED))
    def test_a_providers_word_counts_for_nothing(self, state):
        verdict = decide_update(replace(a.drafted(), state=state), a.update("shipped"), a.ACME, a.PATIENCE, a.NOON)

        assert (verdict.outcome, verdict.decision) == (Outcome.NOT_APPLIED, None)


class TestWhyNotSent:
    def test_an_order_that_waits_for_its_call_is_sent(self):
        assert reason_not_to_submit(called(), a.PATIENCE, a.NOON) is None

    def test_a_cancelled_one_is_not(self):
        asked = cancel(called(), WISH).order

        assert reason_not_to_submit(asked, a.PATIENCE, a.NOON) == "cancelled: customer"
        assert end_unsubmitted(asked, "cancelled", a.NOON).order.state is State.CANCELLED

    def test_one_that_could_not_be_for_too_long_is_not_and_fails(self):
        order, late = called(), a.NOON + a.days(1)
        why = reason_not_to_submit(order, a.PATIENCE, late)

        (said,) = end_unsubmitted(order, why, late).events

        assert (type(said).__name__, said.reason) == ("OrderFailed", "acme could not be reached for 24 hours")

    def test_silence_makes_no_unsent_order_unknown(self):
        decision = check_due_order(called(), a.PATIENCE, a.NOON + a.days(1))

        assert (decision.order.state, decision.transitions, decision.requests) == (State.PLACING, (), ())
        assert reason_not_to_submit(decision.order, a.PATIENCE, a.NOON + a.days(1)) is not None

    @pytest.mark.parametrize("state", [State.PLACED, State.UNKNOWN, State.CANCELLED])
    def test_one_that_is_elsewhere_by_now_is_not(self, state):
        assert reason_not_to_submit(replace(called(), state=state), a.PATIENCE, a.NOON) == f"the order is {state}"


class TestGotThrough:
    def test_waits_for_an_answer_from_the_moment_the_provider_was_reached(self):
        later = a.NOON + a.days(0.5)

        order = record_reply(called(), "A-1", a.PATIENCE, later).order

        assert (order.sent_at, order.check_at, order.reference) == (later, later + a.days(1), "A-1")

    def test_keeps_what_the_provider_called_it(self):
        order = record_reply(called(), "A-1", a.PATIENCE, a.NOON).order

        assert record_reply(order, None, a.PATIENCE, a.NOON).order.reference == "A-1"


class TestDoubt:
    def test_makes_an_order_unknown_and_asks_at_once(self):
        decision = mark_unknown(called(), "no clear answer", a.PATIENCE, a.NOON)

        assert (decision.order.state, decision.requests, names(decision)) == (
            State.UNKNOWN,
            (ProviderRequest.STATUS,),
            ["OrderUnknown"],
        )
        assert decision.order.check_at == a.NOON + a.days(2 / 24)

    def test_believes_not_found_only_when_the_call_must_be_over(self):
        order = mark_unknown(called(), "no clear answer", a.PATIENCE, a.NOON).order
        soon, later = a.NOON + a.days(9 / 1440), a.NOON + a.days(10 / 1440)

        early = decide_update(order, a.update("not_found"), a.ACME, a.PATIENCE, soon)
        decision = decide_update(order, a.update("not_found"), a.ACME, a.PATIENCE, later).decision

        assert (early.outcome, early.reason) == (
            Outcome.NOT_APPLIED,
            "the order may still be on its way to the provider",
        )
        assert decision.order.state is State.FAILED

    def test_believes_an_acceptance_at_once(self):
        order = mark_unknown(called(), "no clear answer", a.PATIENCE, a.NOON).order

        assert a.heard(order, a.update("accepted")).order.state is State.PLACED

    def test_a_wish_to_cancel_that_came_before_the_order_is_said_again(self):
        order = cancel(mark_unknown(called(), "no clear answer", a.PATIENCE, a.NOON).order, WISH).order

        decision = a.heard(order, a.update("accepted"))

        assert (decision.order.state, decision.requests) == (State.PLACED, (ProviderRequest.CANCEL,))


class TestResolving:
    def test_keeps_the_order_and_waits_for_the_providers_hours(self):
        decision = a.heard(a.order(State.PLACING), a.update("resolving", reason="card expired"))

        assert (decision.order.state, decision.events) == (State.PLACING, ())
        assert decision.order.resolve_by == decision.order.check_at == a.NOON + a.days(3)

    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN])
    def test_that_nobody_settled_cancels_the_order_when_its_time_is_over(self, state):
        order = a.heard(a.order(state), a.update("resolving")).order

        decision = check_due_order(order, a.PATIENCE, a.NOON + a.days(3))

        assert (decision.order.state, decision.requests) == (State.CANCELLED, (ProviderRequest.CANCEL,))
        assert [event.by for event in decision.events] == ["resolution"]

    def test_of_an_order_that_is_asked_about_is_asked_about_until_then(self):
        asked = a.order(State.UNKNOWN)

        order = a.heard(asked, a.update("resolving"), a.NOON + a.days(1)).order

        assert (order.resolve_by, order.check_at) == (a.NOON + a.days(4), asked.check_at)
        assert check_due_order(order, a.PATIENCE, asked.check_at).requests == (ProviderRequest.STATUS,)

    def test_said_again_does_not_prolong_it(self):
        order = a.heard(a.order(State.PLACING), a.update("resolving")).order
        later = a.NOON + a.days(2)

        again = decide_update(order, a.update("resolving", update_id="u2"), a.ACME, a.PATIENCE, later).decision

        assert again.order.resolve_by == a.NOON + a.days(3)

    def test_that_was_settled_goes_on_as_any_order(self):
        order = a.heard(a.order(State.PLACING), a.update("resolving")).order

        placed = a.heard(order, a.update("accepted")).order

        assert (placed.state, placed.resolve_by) == (State.PLACED, None)
        assert check_due_order(placed, a.PATIENCE, a.NOON + a.days(3)).order.state is State.PLACED

    def test_is_no_news_about_an_accepted_order(self):
        verdict = decide_update(a.order(State.PLACED), a.update("resolving"), a.ACME, a.PATIENCE, a.NOON)

        assert verdict.outcome is Outcome.NOT_APPLIED

    def test_hours_are_the_providers(self):
        quick = replace(a.ACME, resolution_hours=1)

        decision = decide_update(a.order(State.PLACING), a.update("resolving"), quick, a.PATIENCE, a.NOON).decision

        assert decision.order.resolve_by == a.NOON + a.days(1 / 24)


class TestHoursBeforeSubmission:
    @pytest.mark.parametrize(
        ("windows", "hours"),
        [
            ({}, 6),
            ({"cancel_window_hours": 0}, 0),
            ({"cancel_window_hours": 2}, 2),
            ({"cancel_window_hours": 2, "modify_window_hours": 24}, 24),
            ({"modify_window_hours": 1}, 6),
        ],
    )
    def test_an_order_waits_as_long_as_it_may_be_changed(self, windows, hours):
        assert replace(a.ACME, **windows).hours_before_submission(6) == hours


def test_no_end_without_goods_is_reached_twice():
    cancelled = withdraw(a.drafted(), WISH).order

    assert cancelled.state in CLOSED
    assert cancel(cancelled, WISH).transitions == ()
