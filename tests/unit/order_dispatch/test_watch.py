"""What silence, time and people do to an order."""

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

WISH = Cancellation("customer", "enough", a.NOON)


class TestLook:
    def test_silence_makes_an_order_unknown_and_asks_without_sending_again(self):
        decision = check_due_order(a.order(State.PLACING), a.PATIENCE, a.NOON + a.days(1))

        assert decision.order.state is State.UNKNOWN
        assert decision.requests == (ProviderRequest.STATUS,)
        assert [event.reason for event in decision.events] == ["no answer for 24 hours"]

    def test_asks_ever_more_rarely_and_never_stops(self):
        order, pauses, now = a.order(State.UNKNOWN), [], a.NOON + a.days(1)
        for _ in range(7):
            pauses.append((order.check_at - now) / a.days(1 / 24))
            now = order.check_at
            decision = check_due_order(order, a.PATIENCE, now)
            assert (decision.requests, decision.events) == ((ProviderRequest.STATUS,), ())
            order = decision.order

        assert [round(pause) for pause in pauses] == [2, 4, 8, 16, 24, 24, 24]

    def test_an_overdue_order_that_never_left_is_asked_about_not_credited(self):
        placed = a.order(State.PLACED)

        decision = check_due_order(placed, a.PATIENCE, placed.check_at)

        assert (decision.order.state, decision.requests) == (State.PLACED, (ProviderRequest.STATUS,))

    def test_the_expected_date_delivers_by_estimate(self):
        shipped = a.order(State.SHIPPED)

        decision = check_due_order(shipped, a.PATIENCE, shipped.check_at)

        assert decision.order.state is State.DELIVERED
        assert decision.events[0].evidence is Evidence.ESTIMATED


class TestAskToCancel:
    def test_ends_a_drafted_order_at_once(self):
        decision = cancel(a.drafted(), WISH)

        assert decision.order.state is State.CANCELLED
        assert (decision.events[0].by, decision.requests) == ("customer", ())

    @pytest.mark.parametrize("state", [State.PLACING, State.UNKNOWN, State.PLACED])
    def test_asks_the_provider_and_waits_for_its_word(self, state):
        decision = cancel(a.order(state), WISH)

        assert (decision.order.state, decision.requests, decision.events) == (state, (ProviderRequest.CANCEL,), ())

    def test_asks_once(self):
        asked = cancel(a.order(State.PLACED), WISH).order

        assert cancel(asked, WISH) == Decision(asked)

    def test_twice_is_no_mistake(self):
        cancelled = cancel(a.drafted(), WISH).order

        assert cancel(cancelled, WISH) == Decision(cancelled)

    @pytest.mark.parametrize("state", [State.SHIPPED, State.DELIVERED])
    def test_is_too_late_once_goods_left(self, state):
        with pytest.raises(TooLateError) as late:
            cancel(a.order(state), WISH)

        assert late.value.state is state


class TestTransitions:
    def test_all_that_leads_out_of_a_closed_state_is_goods_going_back(self):
        out = [(here, there) for here, there in TRANSITIONS if here in CLOSED]

        assert out == [(State.DELIVERED, State.RETURNED)]

    def test_every_state_can_be_reached(self):
        assert {there for _, there in TRANSITIONS} | {State.DRAFTED} == set(State)

    def test_a_move_outside_the_table_is_an_error(self):
        with pytest.raises(IllegalTransitionError, match="from drafted to shipped"):
            Decision(a.drafted()).move_to(State.SHIPPED, a.NOON, "somebody said so")
