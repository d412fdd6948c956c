"""What is decided about an order's money."""

import pytest

from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain import (
    CLOSED,
    IN_PROGRESS,
    TRANSITIONS,
    Confirmed,
    Declined,
    IllegalPaymentTransitionError,
    Mandate,
    PaymentDecision,
    PaymentRequest,
    PaymentState,
    Status,
    UnexpectedAnswerError,
    check_answer,
    expire,
    mark_unknown,
    open_payment,
    request_capture,
    request_refund,
    request_void,
    withdraw,
)
from tests.support import payments as pay

S = PaymentState


class TestOpen:
    def test_asks_to_reserve_the_price_under_a_key_of_its_own(self):
        decision = open_payment(pay.NEW, pay.MANDATE, pay.NOON)

        assert (decision.payment.state, decision.payment.requested_amount, decision.payment.mandate) == (
            S.AUTHORIZING,
            1000,
            5000,
        )
        assert decision.calls[0].idempotency_key == decision.payment.idempotency_key == "pay1-authorize-1"
        assert decision.calls[0].obstacle is None
        assert decision.bookings == decision.events == ()

    @pytest.mark.parametrize(
        ("mandate", "says"),
        [
            (None, "no payment method"),
            (Mandate(999, "EUR"), "limit of 9.99 EUR"),
            (Mandate(5000, "USD"), "limit is in USD"),
        ],
    )
    def test_finds_what_stands_in_the_way_before_anybody_is_asked(self, mandate, says):
        (call,) = open_payment(pay.NEW, mandate, pay.NOON).calls

        assert says in call.obstacle


class TestAuthorized:
    def test_books_the_money_as_held_and_says_so(self):
        decision = pay.done(pay.opened())

        assert decision.payment.state is S.AUTHORIZED
        assert pay.names(decision) == ["PaymentAuthorized"]
        assert pay.balances(decision) == {"held:sandbox": 1000, "customer:ann": -1000}
        assert decision.payment.expires_at == pay.NOON + pay.WEEK

    def test_keeps_the_services_own_date(self):
        late = pay.NOON + 3 * pay.WEEK
        answer = Confirmed(Status.AUTHORIZED, "sp_1", 1000, "EUR", late)

        assert pay.settled(pay.opened(), answer).payment.expires_at == late

    def test_is_let_go_at_once_if_nobody_wants_it_any_more(self):
        decision = pay.done(request_void(pay.opened(), pay.NOON).payment)

        assert decision.payment.state is S.VOIDING
        assert pay.names(decision) == ["PaymentAuthorized"]
        assert [call.step for call in decision.calls] == [PaymentStep.VOID]

    def test_takes_nothing_that_was_wanted_before_the_order_was_cancelled(self):
        wanted = request_capture(pay.opened(), 1000, pay.NOON).payment

        voiding = pay.done(request_void(wanted, pay.NOON).payment).payment

        assert pay.declined(voiding).payment.state is S.AUTHORIZED

    def test_declined_ends_it(self):
        decision = pay.declined(pay.opened(), "no funds")

        assert decision.payment.state is S.DECLINED
        assert (decision.events[0].step, decision.events[0].reason, decision.events[0].amount) == (
            "authorize",
            "no funds",
            1000,
        )
        assert decision.bookings == ()

    def test_withdrawn_before_anybody_was_asked_books_nothing(self):
        decision = withdraw(request_void(pay.opened(), pay.NOON).payment, pay.NOON)

        assert decision.payment.state is S.VOIDED
        assert (pay.names(decision), decision.events[0].amount, decision.bookings) == (["PaymentVoided"], 0, ())


class TestCapture:
    def test_takes_what_left_and_frees_the_rest(self):
        asked = request_capture(pay.authorized(), 700, pay.NOON)
        decision = pay.done(asked.payment)

        assert asked.calls[0].idempotency_key == "pay1-capture-3"
        assert (decision.payment.state, decision.payment.captured) == (S.CAPTURED, 700)
        assert pay.names(decision) == ["PaymentCaptured"]
        assert pay.balances(pay.done(pay.opened()), decision) == {"cash:sandbox": 700, "provider:acme": -700}

    def test_is_asked_once(self):
        capturing = request_capture(pay.authorized(), 700, pay.NOON).payment

        assert request_capture(capturing, 900, pay.NOON) == PaymentDecision(capturing)
        assert request_capture(pay.captured(700), 900, pay.NOON) == PaymentDecision(pay.captured(700))

    def test_waits_for_the_money_to_be_reserved(self):
        early = request_capture(pay.opened(), 700, pay.NOON)

        assert early.calls == ()
        assert pay.done(early.payment).payment.state is S.CAPTURING

    def test_of_more_than_is_reserved_fails_at_once(self):
        decision = request_capture(pay.authorized(), 1001, pay.NOON)

        assert (pay.names(decision), decision.calls) == (["PaymentFailed"], ())

    @pytest.mark.parametrize("payment", [pay.voided(), pay.declined(pay.opened()).payment])
    def test_of_money_that_is_not_there_fails_at_once(self, payment):
        (failed,) = request_capture(payment, 700, pay.NOON).events

        assert failed.reason.startswith("nothing is authorized")

    def test_of_nothing_lets_the_money_go(self):
        assert request_capture(pay.authorized(), 0, pay.NOON).payment.state is S.VOIDING

    def test_refused_leaves_the_reservation_and_may_be_tried_under_a_new_key(self):
        decision = pay.declined(request_capture(pay.authorized(), 700, pay.NOON).payment)

        assert (decision.payment.state, pay.names(decision)) == (S.AUTHORIZED, ["PaymentFailed"])
        assert request_capture(decision.payment, 700, pay.NOON).calls[0].idempotency_key == "pay1-capture-5"

    def test_of_a_reservation_that_ran_out_frees_it_in_the_books(self):
        capturing = request_capture(pay.authorized(), 700, pay.NOON).payment
        decision = pay.settled(capturing, Confirmed(Status.EXPIRED, "sp_1", 1000, "EUR"))

        assert (decision.payment.state, pay.names(decision)) == (S.EXPIRED, ["PaymentFailed"])
        assert pay.balances(pay.done(pay.opened()), decision) == {}


class TestVoid:
    def test_frees_the_money(self):
        decision = pay.done(request_void(pay.authorized(), pay.NOON).payment)

        assert (decision.payment.state, pay.names(decision)) == (S.VOIDED, ["PaymentVoided"])
        assert pay.balances(pay.done(pay.opened()), decision) == {}

    def test_twice_is_asked_once(self):
        assert request_void(request_void(pay.authorized(), pay.NOON).payment, pay.NOON).calls == ()
        assert request_void(pay.voided(), pay.NOON).calls == ()

    def test_while_it_is_taken_gives_it_back_afterwards(self):
        wanted = request_void(request_capture(pay.authorized(), 700, pay.NOON).payment, pay.NOON)
        decision = pay.done(wanted.payment)

        assert wanted.calls == ()
        assert (decision.payment.state, decision.payment.requested_amount) == (S.REFUNDING, 700)

    def test_of_money_taken_gives_all_of_it_back(self):
        assert request_void(pay.captured(700), pay.NOON).payment.requested_amount == 700


class TestRefund:
    def test_gives_a_part_back_and_then_the_rest(self):
        first = pay.done(request_refund(pay.captured(), 300, pay.NOON).payment)
        second = pay.done(request_refund(first.payment, 700, pay.NOON).payment)

        assert (first.payment.state, first.events[0].amount, first.events[0].refunded) == (S.CAPTURED, 300, 300)
        assert (second.payment.state, second.events[0].amount, second.events[0].refunded) == (S.REFUNDED, 700, 1000)

    def test_asked_while_another_is_under_way_comes_after_it(self):
        under_way = request_refund(pay.captured(), 300, pay.NOON).payment
        both = request_refund(under_way, 200, pay.NOON)

        assert both.calls == ()
        decision = pay.done(both.payment)
        assert (decision.payment.state, decision.payment.requested_amount) == (S.REFUNDING, 200)

    def test_of_more_than_was_taken_fails_at_once(self):
        some_back = pay.done(request_refund(pay.captured(700), 300, pay.NOON).payment).payment
        decision = request_refund(some_back, 401, pay.NOON)

        assert (decision.calls, decision.events[0].reason) == ((), "only 4.00 EUR can be refunded")

    def test_refused_leaves_the_money_taken_and_may_be_asked_again(self):
        decision = pay.declined(request_refund(pay.captured(), 300, pay.NOON).payment)

        assert (decision.payment.state, decision.payment.refunded, decision.calls) == (S.CAPTURED, 0, ())
        assert request_refund(decision.payment, 1000, pay.NOON).payment.requested_amount == 1000

    def test_of_money_that_all_goes_back_anyway_fails_at_once(self):
        all_back = request_void(pay.captured(), pay.NOON).payment

        assert pay.names(request_refund(all_back, 1, pay.NOON)) == ["PaymentFailed"]

    def test_of_money_that_was_never_taken_fails_at_once(self):
        assert pay.names(request_refund(pay.authorized(), 1, pay.NOON)) == ["PaymentFailed"]

    def test_of_nothing_is_nothing(self):
        assert request_refund(pay.captured(), 0, pay.NOON) == PaymentDecision(pay.captured())


class TestUnknown:
    @pytest.mark.parametrize("step", PaymentStep)
    def test_keeps_step_key_and_amount(self, step):
        doing = {
            PaymentStep.AUTHORIZE: pay.opened(),
            PaymentStep.CAPTURE: request_capture(pay.authorized(), 700, pay.NOON).payment,
            PaymentStep.VOID: request_void(pay.authorized(), pay.NOON).payment,
            PaymentStep.REFUND: request_refund(pay.captured(), 300, pay.NOON).payment,
        }[step]
        lost = mark_unknown(doing, pay.NOON).payment

        assert lost.state is S.UNKNOWN
        assert (lost.step, lost.idempotency_key, lost.requested_amount) == (
            step,
            doing.idempotency_key,
            doing.requested_amount,
        )
        assert pay.done(lost).payment.state is pay.done(doing).payment.state
        assert pay.declined(lost).payment.state is pay.declined(doing).payment.state

    def test_is_noted_once(self):
        lost = mark_unknown(pay.opened(), pay.NOON).payment

        assert mark_unknown(lost, pay.NOON).transitions == ()


class TestLapse:
    def test_frees_the_money_in_the_books_and_says_that_it_is_not_there(self):
        decision = expire(pay.authorized(), pay.NOON)

        assert (decision.payment.state, pay.names(decision)) == (S.EXPIRED, ["PaymentFailed"])
        assert pay.balances(pay.done(pay.opened()), decision) == {}

    def test_of_money_that_is_being_taken_is_no_move(self):
        with pytest.raises(IllegalPaymentTransitionError):
            expire(request_capture(pay.authorized(), 700, pay.NOON).payment, pay.NOON)


class TestStates:
    def test_closed_states_absorb(self):
        assert {S.VOIDED, S.REFUNDED, S.DECLINED, S.EXPIRED} == CLOSED
        assert not [here for here, _ in TRANSITIONS if here in CLOSED]

    def test_every_step_under_way_can_become_unknown(self):
        assert {here for here, there in TRANSITIONS if there is S.UNKNOWN} == set(IN_PROGRESS.values())


def asked(step, amount=1000):
    return PaymentRequest(step, "k", "pay1", "o1", amount, "EUR", pay.NOON)


class TestBelieve:
    def test_an_answer_to_the_question(self):
        receipt = Confirmed(Status.CAPTURED, "sp_1", 1000, "EUR")

        assert check_answer(asked(PaymentStep.CAPTURE), receipt) is receipt
        assert check_answer(asked(PaymentStep.CAPTURE), Declined("no")) == Declined("no")

    @pytest.mark.parametrize(
        ("status", "amount", "currency"),
        [(Status.CAPTURED, 999, "EUR"), (Status.CAPTURED, 1000, "USD"), (Status.AUTHORIZED, 1000, "EUR")],
    )
    def test_nothing_else(self, status, amount, currency):
        with pytest.raises(UnexpectedAnswerError):
            check_answer(asked(PaymentStep.CAPTURE), Confirmed(status, "sp_1", amount, currency))

    def test_that_a_void_says_nothing_of_amounts(self):
        assert check_answer(asked(PaymentStep.VOID), Confirmed(Status.VOIDED, "sp_1", 0, "EUR")).amount == 0
