"""From a drafted to a submitted order: stock, payment, submission, unknown outcomes."""

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
CANCELLATION = Cancellation("customer", "enough", a.NOON)


def names(decision):
    return [type(event).__name__ for event in decision.events]


def advance(order, plan=HOSTED):
    return next_step(order, plan, a.TIMEOUTS, a.NOON)


def called():
    """Return an order whose submission is a pending call."""
    return advance(a.drafted(), CALLED).order


class TestNextStep:
    def test_next_step_reserves_authorizes_submits(self):
        reserving = advance(a.drafted())
        authorizing = advance(replace(reserving.order, reserved_at=a.NOON))
        placing = advance(replace(authorizing.order, authorized_at=a.NOON))

        assert [decision.order.state for decision in (reserving, authorizing, placing)] == [
            *(State.RESERVING, State.AUTHORIZING, State.PLACING)
        ]
        assert [decision.requests for decision in (reserving, authorizing, placing)] == [
            (),
            (),
            (ProviderRequest.SUBMIT,),
        ]

    def test_next_step_requests_allocation_of_ordered_goods(self):
        (requested,) = advance(a.drafted()).events

        assert [(line.product_id, line.quantity) for line in requested.lines] == [("pods", 40)]
        assert (requested.provider_id, requested.order_id) == ("acme", "o1")

    def test_next_step_skips_what_the_plan_does_not_need(self):
        assert advance(a.drafted(), FulfilmentPlan(pays=True)).order.state is State.AUTHORIZING
        assert advance(a.drafted(), FulfilmentPlan()).order.state is State.PLACING

    def test_next_step_skips_payment_of_zero_price(self):
        assert advance(replace(a.drafted(), price=0), FulfilmentPlan(pays=True)).order.state is State.PLACING

    @pytest.mark.parametrize("plan", [FulfilmentPlan(pays=True), HOSTED])
    def test_next_step_fails_paid_order_without_price(self, plan):
        unpriced = replace(a.with_line(a.drafted(), unit_price=None), price=None, currency=None)

        decision = advance(unpriced, plan)

        assert (decision.order.state, decision.requests) == (State.FAILED, ())
        assert [event.reason for event in decision.events] == [
            "acme has no price for packs of 20, so the order cannot be paid"
        ]
        assert advance(replace(unpriced, test=True), plan).order.state is State.PLACING

    def test_next_step_of_test_order_skips_stock_and_payment(self):
        decision = advance(replace(a.drafted(), test=True))

        assert (decision.order.state, decision.requests, decision.events) == (
            State.PLACING,
            (ProviderRequest.SUBMIT,),
            (),
        )

    def test_next_step_counts_as_sent_only_if_submitted_by_event(self):
        assert advance(a.drafted(), FulfilmentPlan()).order.sent_at == a.NOON
        assert called().sent_at is None


class TestIsReady:
    def test_is_ready_only_after_the_current_step(self):
        reserving = advance(a.drafted()).order
        authorizing = advance(replace(reserving, reserved_at=a.NOON)).order

        assert is_ready(a.drafted())
        assert [is_ready(reserving), is_ready(replace(reserving, reserved_at=a.NOON))] == [False, True]
        assert [is_ready(authorizing), is_ready(replace(authorizing, authorized_at=a.NOON))] == [False, True]
        assert not is_ready(called())


class TestRefuseForShortage:
    def test_refuse_for_shortage_states_quantities_and_restock_date(self):
        reserving = a.with_line(advance(a.drafted()).order, unit=BaseUnit.GRAM, scale=3)
        short = Shortage(product_id="pods", requested=40_000, available=12_500, restock_at=a.NOON + a.days(3))

        decision = refuse_for_shortage(reserving, [short], a.NOON)

        assert decision.order.state is State.REFUSED
        assert [event.reason for event in decision.events] == [
            "pods: 40 ordered, 12.5 available, restock on 2026-03-04"
        ]

    def test_refuse_for_shortage_without_restock_date(self):
        decision = refuse_for_shortage(
            advance(a.drafted()).order, [Shortage(product_id="pods", requested=40, available=0)], a.NOON
        )

        assert decision.events[0].reason == "pods: 40 ordered, 0 available, restock date unknown"


class TestBeforeSubmission:
    @pytest.mark.parametrize("state", sorted(NOT_SUBMITTED))
    def test_cancel_takes_effect_at_once(self, state):
        order = replace(a.drafted(), state=state)

        decision = cancel(order, CANCELLATION)

        assert (decision.order.state, decision.requests, names(decision)) == (State.CANCELLED, (), ["OrderCancelled"])

    @pytest.mark.parametrize("state", sorted(NOT_SUBMITTED))
    def test_decide_update_is_not_applied(self, state):
        decided = decide_update(replace(a.drafted(), state=state), a.update("shipped"), a.ACME, a.TIMEOUTS, a.NOON)

        assert (decided.outcome, decided.decision) == (Outcome.NOT_APPLIED, None)


class TestReasonNotToSubmit:
    def test_reason_not_to_submit_is_none_for_waiting_order(self):
        assert reason_not_to_submit(called(), a.TIMEOUTS, a.NOON) is None

    def test_reason_not_to_submit_cancelled_order(self):
        cancelling = cancel(called(), CANCELLATION).order

        assert reason_not_to_submit(cancelling, a.TIMEOUTS, a.NOON) == "cancelled: customer"
        assert end_unsubmitted(cancelling, "cancelled", a.NOON).order.state is State.CANCELLED

    def test_reason_not_to_submit_after_answer_hours(self):
        order, late = called(), a.NOON + a.days(1)
        reason = reason_not_to_submit(order, a.TIMEOUTS, late)

        (event,) = end_unsubmitted(order, reason, late).events

        assert (type(event).__name__, event.reason) == ("OrderFailed", "acme could not be reached for 24 hours")

    def test_check_due_order_keeps_unsent_order(self):
        decision = check_due_order(called(), a.TIMEOUTS, a.NOON + a.days(1))

        assert (decision.order.state, decision.transitions, decision.requests) == (State.PLACING, (), ())
        assert reason_not_to_submit(decision.order, a.TIMEOUTS, a.NOON + a.days(1)) is not None

    @pytest.mark.parametrize("state", [State.PLACED, State.UNKNOWN, State.CANCELLED])
    def test_reason_not_to_submit_order_in_another_state(self, state):
        assert reason_not_to_submit(replace(called(), state=state), a.TIMEOUTS, a.NOON) == f"the order is {state}"


class TestRecordReply:
    def test_record_reply_starts_deadline_of_answer(self):
        later = a.NOON + a.days(0.5)

        order = record_reply(called(), "A-1", a.TIMEOUTS, later).order

        assert (order.sent_at, order.check_at, order.reference) == (later, later + a.days(1), "A-1")

    def test_record_reply_keeps_reference(self):
        order = record_reply(called(), "A-1", a.TIMEOUTS, a.NOON).order

        assert record_reply(order, None, a.TIMEOUTS, a.NOON).order.reference == "A-1"


class TestMarkUnknown:
    def test_mark_unknown_requests_status_at_once(self):
        decision = mark_unknown(called(), "no clear result", a.TIMEOUTS, a.NOON)

        assert (decision.order.state, decision.requests, names(decision)) == (
            State.UNKNOWN,
            (ProviderRequest.STATUS,),
            ["OrderUnknown"],
        )
        assert decision.order.check_at == a.NOON + a.days(2 / 24)

    def test_not_found_is_applied_only_after_call_has_ended(self):
        order = mark_unknown(called(), "no clear result", a.TIMEOUTS, a.NOON).order
        soon, later = a.NOON + a.days(9 / 1440), a.NOON + a.days(10 / 1440)

        early = decide_update(order, a.update("not_found"), a.ACME, a.TIMEOUTS, soon)
        decision = decide_update(order, a.update("not_found"), a.ACME, a.TIMEOUTS, later).decision

        assert (early.outcome, early.reason) == (
            Outcome.NOT_APPLIED,
            "the order may still be on its way to the provider",
        )
        assert decision.order.state is State.FAILED

    def test_accepted_is_applied_at_once(self):
        order = mark_unknown(called(), "no clear result", a.TIMEOUTS, a.NOON).order

        assert a.apply(order, a.update("accepted")).order.state is State.PLACED

    def test_cancel_request_is_repeated_after_acceptance(self):
        order = cancel(mark_unknown(called(), "no clear result", a.TIMEOUTS, a.NOON).order, CANCELLATION).order

        decision = a.apply(order, a.update("accepted"))

        assert (decision.order.state, decision.requests) == (State.PLACED, (ProviderRequest.CANCEL,))


class TestResolving:
    def test_resolving_keeps_order_for_resolution_hours(self):
        decision = a.apply(a.order(State.PLACING), a.update("resolving", reason="card expired"))

        assert (decision.order.state, decision.events) == (State.PLACING, ())
        assert decision.order.resolve_by == decision.order.check_at == a.NOON + a.days(3)

    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN])
    def test_resolving_cancels_after_resolution_hours(self, state):
        order = a.apply(a.order(state), a.update("resolving")).order

        decision = check_due_order(order, a.TIMEOUTS, a.NOON + a.days(3))

        assert (decision.order.state, decision.requests) == (State.CANCELLED, (ProviderRequest.CANCEL,))
        assert [event.by for event in decision.events] == ["resolution"]

    def test_resolving_continues_status_requests_of_unknown_order(self):
        unknown = a.order(State.UNKNOWN)

        order = a.apply(unknown, a.update("resolving"), a.NOON + a.days(1)).order

        assert (order.resolve_by, order.check_at) == (a.NOON + a.days(4), unknown.check_at)
        assert check_due_order(order, a.TIMEOUTS, unknown.check_at).requests == (ProviderRequest.STATUS,)

    def test_resolving_again_does_not_extend(self):
        order = a.apply(a.order(State.PLACING), a.update("resolving")).order
        later = a.NOON + a.days(2)

        again = decide_update(order, a.update("resolving", update_id="u2"), a.ACME, a.TIMEOUTS, later).decision

        assert again.order.resolve_by == a.NOON + a.days(3)

    def test_resolving_ends_with_acceptance(self):
        order = a.apply(a.order(State.PLACING), a.update("resolving")).order

        placed = a.apply(order, a.update("accepted")).order

        assert (placed.state, placed.resolve_by) == (State.PLACED, None)
        assert check_due_order(placed, a.TIMEOUTS, a.NOON + a.days(3)).order.state is State.PLACED

    def test_resolving_after_acceptance_is_not_applied(self):
        decided = decide_update(a.order(State.PLACED), a.update("resolving"), a.ACME, a.TIMEOUTS, a.NOON)

        assert decided.outcome is Outcome.NOT_APPLIED

    def test_resolving_uses_providers_hours(self):
        quick = replace(a.ACME, resolution_hours=1)

        decision = decide_update(a.order(State.PLACING), a.update("resolving"), quick, a.TIMEOUTS, a.NOON).decision

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
    def test_hours_before_submission_cover_modify_window(self, windows, hours):
        assert replace(a.ACME, **windows).hours_before_submission(6) == hours


def test_cancel_twice_adds_no_transition():
    cancelled = withdraw(a.drafted(), CANCELLATION).order

    assert cancelled.state in CLOSED
    assert cancel(cancelled, CANCELLATION).transitions == ()
