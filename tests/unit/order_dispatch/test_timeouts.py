"""Due checks, cancellations and the transition table."""

import pytest

from replenish_contracts.events import Evidence
from services.order_dispatch.domain import (
    CLOSED,
    TRANSITIONS,
    Cancellation,
    Decision,
    IllegalTransitionError,
    ProviderRequest,
    State,
    TooLateError,
    cancel,
    check_due_order,
)
from tests.support import orders as a

CANCELLATION = Cancellation("customer", "enough", a.NOON)


class TestCheckDueOrder:
    def test_check_due_order_without_answer_becomes_unknown(self):
        decision = check_due_order(a.order(State.PLACING), a.TIMEOUTS, a.NOON + a.days(1))

        assert decision.order.state is State.UNKNOWN
        assert decision.requests == (ProviderRequest.STATUS,)
        assert [event.reason for event in decision.events] == ["no answer for 24 hours"]

    def test_check_due_order_requests_status_with_growing_pauses(self):
        order, pauses, now = a.order(State.UNKNOWN), [], a.NOON + a.days(1)
        for _ in range(7):
            pauses.append((order.check_at - now) / a.days(1 / 24))
            now = order.check_at
            decision = check_due_order(order, a.TIMEOUTS, now)
            assert (decision.requests, decision.events) == ((ProviderRequest.STATUS,), ())
            order = decision.order

        assert [round(pause) for pause in pauses] == [2, 4, 8, 16, 24, 24, 24]

    def test_check_due_order_overdue_but_not_shipped_requests_status(self):
        placed = a.order(State.PLACED)

        decision = check_due_order(placed, a.TIMEOUTS, placed.check_at)

        assert (decision.order.state, decision.requests) == (State.PLACED, (ProviderRequest.STATUS,))

    def test_check_due_order_shipped_delivers_on_expected_date(self):
        shipped = a.order(State.SHIPPED)

        decision = check_due_order(shipped, a.TIMEOUTS, shipped.check_at)

        assert decision.order.state is State.DELIVERED
        assert decision.events[0].evidence is Evidence.ESTIMATED


class TestCancel:
    def test_cancel_drafted_order_at_once(self):
        decision = cancel(a.drafted(), CANCELLATION)

        assert decision.order.state is State.CANCELLED
        assert (decision.events[0].by, decision.requests) == ("customer", ())

    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN, State.PLACED])
    def test_cancel_submitted_order_sends_request(self, state):
        decision = cancel(a.order(state), CANCELLATION)

        assert (decision.order.state, decision.requests, decision.events) == (state, (ProviderRequest.CANCEL,), ())

    def test_cancel_sends_one_request(self):
        cancelling = cancel(a.order(State.PLACED), CANCELLATION).order

        assert cancel(cancelling, CANCELLATION) == Decision(cancelling)

    def test_cancel_cancelled_order_changes_nothing(self):
        cancelled = cancel(a.drafted(), CANCELLATION).order

        assert cancel(cancelled, CANCELLATION) == Decision(cancelled)

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_cancel_shipped_order_is_too_late(self, state):
        with pytest.raises(TooLateError) as raised:
            cancel(a.order(state), CANCELLATION)

        assert raised.value.state is state


class TestTransitions:
    def test_transitions_from_closed_states_only_return_goods(self):
        out = [(from_state, to_state) for from_state, to_state in TRANSITIONS if from_state in CLOSED]

        assert out == [(State.DELIVERED, State.RETURNED)]

    def test_transitions_reach_every_state(self):
        assert {to_state for _, to_state in TRANSITIONS} | {State.DRAFTED} == set(State)

    def test_transition_outside_the_table_raises(self):
        with pytest.raises(IllegalTransitionError, match="from drafted to shipped"):
            Decision(a.drafted()).move_to(State.SHIPPED, a.NOON, "test")
