"""Tests of the decisions about payments."""

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


class TestOpenPayment:
    def test_open_payment_authorizes_price_with_own_key(self):
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
        ("mandate", "obstacle"),
        [
            (None, "no payment method"),
            (Mandate(999, "EUR"), "limit of 9.99 EUR"),
            (Mandate(5000, "USD"), "limit is in USD"),
        ],
    )
    def test_open_payment_outside_mandate_has_obstacle(self, mandate, obstacle):
        (call,) = open_payment(pay.NEW, mandate, pay.NOON).calls

        assert obstacle in call.obstacle


class TestAuthorization:
    def test_authorization_is_booked_and_published(self):
        decision = pay.confirm(pay.authorizing())

        assert decision.payment.state is S.AUTHORIZED
        assert pay.event_names(decision) == ["PaymentAuthorized"]
        assert pay.balances(decision) == {"held:sandbox": 1000, "customer:ann": -1000}
        assert decision.payment.expires_at == pay.NOON + pay.WEEK

    def test_authorization_expires_at_time_of_service(self):
        late = pay.NOON + 3 * pay.WEEK
        answer = Confirmed(Status.AUTHORIZED, "sp_1", 1000, "EUR", late)

        assert pay.answer(pay.authorizing(), answer).payment.expires_at == late

    def test_authorization_of_cancelled_order_is_voided(self):
        decision = pay.confirm(request_void(pay.authorizing(), pay.NOON).payment)

        assert decision.payment.state is S.VOIDING
        assert pay.event_names(decision) == ["PaymentAuthorized"]
        assert [call.step for call in decision.calls] == [PaymentStep.VOID]

    def test_authorization_of_cancelled_order_is_not_captured(self):
        requested = request_capture(pay.authorizing(), 1000, pay.NOON).payment

        voiding = pay.confirm(request_void(requested, pay.NOON).payment).payment

        assert pay.decline(voiding).payment.state is S.AUTHORIZED

    def test_authorization_declined_ends_payment(self):
        decision = pay.decline(pay.authorizing(), "no funds")

        assert decision.payment.state is S.DECLINED
        assert (decision.events[0].step, decision.events[0].reason, decision.events[0].amount) == (
            "authorize",
            "no funds",
            1000,
        )
        assert decision.bookings == ()

    def test_withdraw_books_nothing(self):
        decision = withdraw(request_void(pay.authorizing(), pay.NOON).payment, pay.NOON)

        assert decision.payment.state is S.VOIDED
        assert (pay.event_names(decision), decision.events[0].amount, decision.bookings) == (["PaymentVoided"], 0, ())


class TestCapture:
    def test_capture_of_part_releases_rest(self):
        request = request_capture(pay.authorized(), 700, pay.NOON)
        decision = pay.confirm(request.payment)

        assert request.calls[0].idempotency_key == "pay1-capture-3"
        assert (decision.payment.state, decision.payment.captured) == (S.CAPTURED, 700)
        assert pay.event_names(decision) == ["PaymentCaptured"]
        assert pay.balances(pay.confirm(pay.authorizing()), decision) == {"cash:sandbox": 700, "provider:acme": -700}

    def test_capture_is_requested_once(self):
        capturing = request_capture(pay.authorized(), 700, pay.NOON).payment

        assert request_capture(capturing, 900, pay.NOON) == PaymentDecision(capturing)
        assert request_capture(pay.captured(700), 900, pay.NOON) == PaymentDecision(pay.captured(700))

    def test_capture_waits_for_authorization(self):
        early = request_capture(pay.authorizing(), 700, pay.NOON)

        assert early.calls == ()
        assert pay.confirm(early.payment).payment.state is S.CAPTURING

    def test_capture_above_authorization_fails(self):
        decision = request_capture(pay.authorized(), 1001, pay.NOON)

        assert (pay.event_names(decision), decision.calls) == (["PaymentFailed"], ())

    @pytest.mark.parametrize("payment", [pay.voided(), pay.decline(pay.authorizing()).payment])
    def test_capture_without_authorization_fails(self, payment):
        (failed,) = request_capture(payment, 700, pay.NOON).events

        assert failed.reason.startswith("nothing is authorized")

    def test_capture_of_zero_voids(self):
        assert request_capture(pay.authorized(), 0, pay.NOON).payment.state is S.VOIDING

    def test_capture_declined_can_be_requested_with_new_key(self):
        decision = pay.decline(request_capture(pay.authorized(), 700, pay.NOON).payment)

        assert (decision.payment.state, pay.event_names(decision)) == (S.AUTHORIZED, ["PaymentFailed"])
        assert request_capture(decision.payment, 700, pay.NOON).calls[0].idempotency_key == "pay1-capture-5"

    def test_capture_of_expired_authorization_books_release(self):
        capturing = request_capture(pay.authorized(), 700, pay.NOON).payment
        decision = pay.answer(capturing, Confirmed(Status.EXPIRED, "sp_1", 1000, "EUR"))

        assert (decision.payment.state, pay.event_names(decision)) == (S.EXPIRED, ["PaymentFailed"])
        assert pay.balances(pay.confirm(pay.authorizing()), decision) == {}


class TestVoid:
    def test_void_releases_authorization(self):
        decision = pay.confirm(request_void(pay.authorized(), pay.NOON).payment)

        assert (decision.payment.state, pay.event_names(decision)) == (S.VOIDED, ["PaymentVoided"])
        assert pay.balances(pay.confirm(pay.authorizing()), decision) == {}

    def test_void_is_requested_once(self):
        assert request_void(request_void(pay.authorized(), pay.NOON).payment, pay.NOON).calls == ()
        assert request_void(pay.voided(), pay.NOON).calls == ()

    def test_void_during_capture_refunds(self):
        requested = request_void(request_capture(pay.authorized(), 700, pay.NOON).payment, pay.NOON)
        decision = pay.confirm(requested.payment)

        assert requested.calls == ()
        assert (decision.payment.state, decision.payment.requested_amount) == (S.REFUNDING, 700)

    def test_void_of_captured_payment_refunds_all(self):
        assert request_void(pay.captured(700), pay.NOON).payment.requested_amount == 700


class TestRefund:
    def test_refund_in_two_parts(self):
        first = pay.confirm(request_refund(pay.captured(), 300, pay.NOON).payment)
        second = pay.confirm(request_refund(first.payment, 700, pay.NOON).payment)

        assert (first.payment.state, first.events[0].amount, first.events[0].refunded) == (S.CAPTURED, 300, 300)
        assert (second.payment.state, second.events[0].amount, second.events[0].refunded) == (S.REFUNDED, 700, 1000)

    def test_refund_during_refund_is_queued(self):
        refunding = request_refund(pay.captured(), 300, pay.NOON).payment
        queued = request_refund(refunding, 200, pay.NOON)

        assert queued.calls == ()
        decision = pay.confirm(queued.payment)
        assert (decision.payment.state, decision.payment.requested_amount) == (S.REFUNDING, 200)

    def test_refund_above_captured_amount_fails(self):
        refunded = pay.confirm(request_refund(pay.captured(700), 300, pay.NOON).payment).payment
        decision = request_refund(refunded, 401, pay.NOON)

        assert (decision.calls, decision.events[0].reason) == ((), "only 4.00 EUR can be refunded")

    def test_refund_declined_can_be_requested_again(self):
        decision = pay.decline(request_refund(pay.captured(), 300, pay.NOON).payment)

        assert (decision.payment.state, decision.payment.refunded, decision.calls) == (S.CAPTURED, 0, ())
        assert request_refund(decision.payment, 1000, pay.NOON).payment.requested_amount == 1000

    def test_refund_after_void_fails(self):
        refunding = request_void(pay.captured(), pay.NOON).payment

        assert pay.event_names(request_refund(refunding, 1, pay.NOON)) == ["PaymentFailed"]

    def test_refund_before_capture_fails(self):
        assert pay.event_names(request_refund(pay.authorized(), 1, pay.NOON)) == ["PaymentFailed"]

    def test_refund_of_zero_changes_nothing(self):
        assert request_refund(pay.captured(), 0, pay.NOON) == PaymentDecision(pay.captured())


class TestMarkUnknown:
    @pytest.mark.parametrize("step", PaymentStep)
    def test_mark_unknown_keeps_step_key_and_amount(self, step):
        in_progress = {
            PaymentStep.AUTHORIZE: pay.authorizing(),
            PaymentStep.CAPTURE: request_capture(pay.authorized(), 700, pay.NOON).payment,
            PaymentStep.VOID: request_void(pay.authorized(), pay.NOON).payment,
            PaymentStep.REFUND: request_refund(pay.captured(), 300, pay.NOON).payment,
        }[step]
        unknown = mark_unknown(in_progress, pay.NOON).payment

        assert unknown.state is S.UNKNOWN
        assert (unknown.step, unknown.idempotency_key, unknown.requested_amount) == (
            step,
            in_progress.idempotency_key,
            in_progress.requested_amount,
        )
        assert pay.confirm(unknown).payment.state is pay.confirm(in_progress).payment.state
        assert pay.decline(unknown).payment.state is pay.decline(in_progress).payment.state

    def test_mark_unknown_twice_adds_one_transition(self):
        unknown = mark_unknown(pay.authorizing(), pay.NOON).payment

        assert mark_unknown(unknown, pay.NOON).transitions == ()


class TestExpire:
    def test_expire_books_release_and_publishes_failure(self):
        decision = expire(pay.authorized(), pay.NOON)

        assert (decision.payment.state, pay.event_names(decision)) == (S.EXPIRED, ["PaymentFailed"])
        assert pay.balances(pay.confirm(pay.authorizing()), decision) == {}

    def test_expire_during_capture_is_illegal(self):
        with pytest.raises(IllegalPaymentTransitionError):
            expire(request_capture(pay.authorized(), 700, pay.NOON).payment, pay.NOON)


class TestTransitions:
    def test_closed_states_have_no_next_state(self):
        assert {S.VOIDED, S.REFUNDED, S.DECLINED, S.EXPIRED} == CLOSED
        assert not [from_state for from_state, _ in TRANSITIONS if from_state in CLOSED]

    def test_every_step_in_progress_can_become_unknown(self):
        assert {from_state for from_state, to_state in TRANSITIONS if to_state is S.UNKNOWN} == set(
            IN_PROGRESS.values()
        )


def request(step, amount=1000):
    return PaymentRequest(step, "k", "pay1", "o1", amount, "EUR", pay.NOON)


class TestCheckAnswer:
    def test_check_answer_returns_matching_answer(self):
        answer = Confirmed(Status.CAPTURED, "sp_1", 1000, "EUR")

        assert check_answer(request(PaymentStep.CAPTURE), answer) is answer
        assert check_answer(request(PaymentStep.CAPTURE), Declined("no")) == Declined("no")

    @pytest.mark.parametrize(
        ("status", "amount", "currency"),
        [(Status.CAPTURED, 999, "EUR"), (Status.CAPTURED, 1000, "USD"), (Status.AUTHORIZED, 1000, "EUR")],
    )
    def test_check_answer_refuses_other_status_amount_or_currency(self, status, amount, currency):
        with pytest.raises(UnexpectedAnswerError):
            check_answer(request(PaymentStep.CAPTURE), Confirmed(status, "sp_1", amount, currency))

    def test_check_answer_ignores_amount_of_void(self):
        assert check_answer(request(PaymentStep.VOID), Confirmed(Status.VOIDED, "sp_1", 0, "EUR")).amount == 0
