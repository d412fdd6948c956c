"""Tests of payments that are captured in several parts, one per shipment."""

from dataclasses import replace
from datetime import timedelta

import pytest

from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain import (
    Confirmed,
    CurrencyRules,
    PaymentDecision,
    PaymentState,
    Status,
    expire,
    mark_unknown,
    request_capture,
    request_refund,
    request_void,
)
from services.order_dispatch.payments.services import describe_payment_service
from tests.support import payments as pay

S = PaymentState


def several():
    return pay.authorized(pay.NEW_SEVERAL)


def capture(payment, due_total, *, final=False):
    return request_capture(payment, due_total, pay.NOON, final=final)


def in_steps(step, minimum=1):
    """Return an authorized payment whose service takes only multiples of the step."""
    return pay.authorized(replace(pay.NEW_SEVERAL, rules=CurrencyRules(step, minimum)))


def run_to_end(payment):
    """Confirm every step until none is in progress; returns the payment, and all decisions."""
    decisions = []
    while payment.step:
        decisions.append(pay.confirm(payment))
        payment = decisions[-1].payment
    return payment, decisions


class TestPart:
    def test_part_keeps_rest_authorized(self):
        request = capture(several(), 300)
        decision = pay.confirm(request.payment)

        assert (request.payment.requested_amount, request.payment.requested_final) == (300, False)
        assert (decision.payment.state, decision.payment.captured, decision.payment.held) == (S.AUTHORIZED, 300, 700)
        assert (decision.events[0].amount, decision.events[0].more_follows) == (300, True)
        assert pay.balances(decision) == {
            "cash:sandbox": 300,
            "provider:acme": -300,
            "held:sandbox": -300,
            "customer:ann": 300,
        }

    def test_next_part_captures_difference_with_own_key(self):
        first = capture(several(), 300).payment
        second = capture(pay.confirm(first).payment, 800).payment

        assert second.requested_amount == 500
        assert second.idempotency_key != first.idempotency_key

    def test_final_part_releases_rest(self):
        request = capture(pay.captured_part(), 900, final=True)
        decision = pay.confirm(request.payment)

        assert (request.payment.requested_amount, request.payment.requested_final) == (600, True)
        assert (decision.payment.state, decision.payment.captured, decision.payment.released) == (S.CAPTURED, 900, 100)
        assert (decision.events[0].amount, decision.events[0].more_follows) == (600, False)

    def test_part_of_whole_amount_is_final(self):
        decision = pay.confirm(capture(pay.captured_part(), 1000).payment)

        assert (decision.payment.state, decision.payment.held) == (S.CAPTURED, 0)
        assert not decision.events[0].more_follows

    @pytest.mark.parametrize(("due_total", "final"), [(300, False), (299, False), (0, False)])
    def test_repeats_and_smaller_totals_change_nothing(self, due_total, final):
        for payment in (pay.captured_part(), capture(several(), 300).payment):
            assert capture(payment, due_total, final=final) == PaymentDecision(payment)

    def test_repeat_of_final_request_changes_nothing(self):
        capturing = capture(pay.captured_part(), 900, final=True).payment
        captured = pay.confirm(capturing).payment

        for payment in (capturing, captured):
            assert capture(payment, 900, final=True) == PaymentDecision(payment)
            assert capture(payment, 950, final=True) == PaymentDecision(payment)

    def test_requests_during_capture_start_after_it_with_largest_total(self):
        capturing = capture(several(), 300).payment
        for due_total in (500, 800, 600):
            decision = capture(capturing, due_total)
            assert decision.calls == ()
            capturing = decision.payment

        following = pay.confirm(capture(capturing, 700, final=True).payment).payment

        assert (following.state, following.requested_amount, following.requested_final) == (S.CAPTURING, 500, True)

    def test_part_before_authorization_starts_after_it(self):
        early = capture(pay.authorizing(pay.NEW_SEVERAL), 300)

        assert early.calls == ()
        assert pay.confirm(early.payment).payment.requested_amount == 300

    def test_part_above_authorization_fails(self):
        (failed,) = capture(pay.captured_part(), 1001).events

        assert (failed.step, failed.amount) == ("capture", 701)


class TestRounding:
    @pytest.mark.parametrize(("due_total", "requested"), [(309, 300), (300, 300), (395, 390), (999, 990)])
    def test_part_is_rounded_down_to_chargeable_step(self, due_total, requested):
        assert capture(in_steps(10), due_total).payment.requested_amount == requested

    def test_part_below_chargeable_step_waits(self):
        decision = capture(in_steps(100), 99)

        assert (decision.calls, decision.payment.capture_requested) == ((), None)

    def test_final_part_settles_rest_in_steps(self):
        payment = pay.confirm(capture(in_steps(100), 355).payment).payment
        final = pay.confirm(capture(payment, 755, final=True).payment).payment

        assert (payment.captured, final.captured, final.released) == (300, 700, 300)

    def test_part_below_minimum_waits_for_next(self):
        payment = in_steps(1, minimum=50)

        assert capture(payment, 49).calls == ()
        assert capture(payment, 60).payment.requested_amount == 60

    def test_final_part_below_minimum_is_captured(self):
        payment = pay.confirm(capture(in_steps(1, minimum=50), 60).payment).payment

        assert capture(payment, 80, final=False).calls == ()
        assert capture(payment, 80, final=True).payment.requested_amount == 20

    def test_refunds_are_rounded_up_in_total(self):
        payment = pay.confirm(capture(in_steps(10), 100, final=True).payment).payment
        refunded = []
        for amount in (4, 4, 4, 88):
            payment, _ = run_to_end(request_refund(payment, amount, pay.NOON).payment)
            refunded.append(payment.refunded)

        assert refunded == [10, 10, 20, 100]

    def test_refund_of_all_that_is_due_refunds_what_was_captured(self):
        payment = pay.confirm(capture(in_steps(10), 107, final=True).payment).payment
        decision = request_refund(payment, 107, pay.NOON)

        assert (payment.captured, decision.payment.requested_amount, decision.events) == (100, 100, ())

    def test_unknown_service_captures_once(self):
        descriptor = describe_payment_service("closed-down")

        assert (descriptor.captures_several, descriptor.find_rules("EUR")) == (False, CurrencyRules())


class TestRelease:
    def test_final_request_without_further_amount_releases_rest(self):
        request = capture(pay.captured_part(), 300, final=True)
        decision = pay.confirm(request.payment)

        assert [(call.step, request.payment.requested_amount) for call in request.calls] == [("void", 700)]
        assert (decision.payment.state, decision.payment.captured, decision.payment.released) == (S.CAPTURED, 300, 700)
        assert (pay.event_names(decision), decision.events[0].amount) == (["PaymentVoided"], 700)
        assert pay.balances(decision) == {"held:sandbox": -700, "customer:ann": 700}

    @pytest.mark.parametrize("due_total", [0, 299])
    def test_final_request_with_smaller_total_releases_rest(self, due_total):
        decision = capture(pay.captured_part(), due_total, final=True)

        assert (decision.payment.step, decision.payment.void_requested) == ("void", False)

    def test_end_requested_during_part_releases_rest_after_it(self):
        capturing = capture(several(), 300).payment
        decision = pay.confirm(capture(capturing, 300, final=True).payment)

        assert not decision.events[0].more_follows
        assert (decision.payment.step, decision.payment.requested_amount) == ("void", 700)

    def test_declined_release_is_not_repeated_until_requested(self):
        declined = pay.decline(capture(pay.captured_part(), 300, final=True).payment)

        assert (declined.payment.state, declined.calls) == (S.AUTHORIZED, ())
        assert [call.step for call in capture(declined.payment, 300, final=True).calls] == ["void"]

    def test_release_of_expired_authorization_is_no_failure(self):
        releasing = capture(pay.captured_part(), 300, final=True).payment
        decision = pay.answer(releasing, Confirmed(Status.EXPIRED, "sp_1", 0, "EUR"))

        assert (decision.payment.state, pay.event_names(decision)) == (S.CAPTURED, ["PaymentVoided"])


class TestSingleCapture:
    def test_service_without_parts_waits_for_final(self):
        waiting = capture(pay.authorized(), 300)
        again = capture(waiting.payment, 800)
        final = capture(again.payment, 900, final=True)

        assert (waiting.calls, again.calls) == ((), ())
        assert (final.payment.requested_amount, final.payment.requested_final) == (900, True)

    def test_final_request_captures_waiting_total_if_nothing_more_left(self):
        waiting = capture(pay.authorized(), 300).payment

        assert capture(waiting, 0, final=True).payment.requested_amount == 300

    def test_authorization_can_exclude_parts(self):
        answer = Confirmed(Status.AUTHORIZED, "sp_1", 1000, "EUR", captures_several=False)

        assert not pay.answer(pay.authorizing(pay.NEW_SEVERAL), answer).payment.captures_several
        assert pay.confirm(pay.authorizing(pay.NEW_SEVERAL)).payment.captures_several

    def test_service_without_parts_stays_without(self):
        answer = Confirmed(Status.AUTHORIZED, "sp_1", 1000, "EUR", captures_several=True)

        assert not pay.answer(pay.authorizing(), answer).payment.captures_several

    def test_expiry_of_waiting_total_is_failed_capture(self):
        decision = expire(capture(pay.authorized(), 300).payment, pay.NOON)

        assert (decision.payment.state, decision.events[0].step) == (S.EXPIRED, "capture")


class TestFailedPart:
    def test_declined_part_keeps_what_was_captured(self):
        decision = pay.decline(capture(pay.captured_part(), 800).payment, "the card was closed")

        assert (decision.payment.state, decision.payment.captured, decision.payment.held) == (S.AUTHORIZED, 300, 700)
        assert (decision.events[0].step, decision.events[0].amount) == ("capture", 500)

    def test_later_part_includes_declined_one(self):
        declined = pay.decline(capture(pay.captured_part(), 800).payment).payment

        assert capture(declined, 900, final=True).payment.requested_amount == 600
        assert capture(declined, 800).payment.requested_amount == 500

    def test_request_during_declined_part_includes_it(self):
        queued = capture(capture(pay.captured_part(), 500).payment, 900, final=True).payment
        decision = pay.decline(queued)

        assert (decision.payment.requested_amount, decision.payment.requested_final) == (600, True)

    def test_refund_is_kept_after_declined_part(self):
        capturing = capture(pay.captured_part(), 800).payment
        refund = request_refund(capturing, 200, pay.NOON)

        assert pay.decline(refund.payment).payment.requested_amount == 200

    @pytest.mark.parametrize("answered_by_service", [True, False])
    def test_expiry_after_part_keeps_it_refundable(self, answered_by_service):
        if answered_by_service:
            decision = pay.answer(
                capture(pay.captured_part(), 800).payment, Confirmed(Status.EXPIRED, "sp_1", 0, "EUR")
            )
        else:
            decision = expire(pay.captured_part(), pay.NOON)

        assert (decision.payment.state, decision.payment.captured, decision.payment.held) == (S.CAPTURED, 300, 0)
        assert (pay.event_names(decision), decision.events[0].step) == (["PaymentFailed"], "capture")
        assert request_refund(decision.payment, 300, pay.NOON).payment.step == "refund"
        assert capture(decision.payment, 300, final=True).events == ()
        (failed,) = capture(decision.payment, 800).events
        assert (failed.step, failed.amount) == ("capture", 500)

    def test_expiry_after_refund_of_part_ends_payment(self):
        refunded = pay.confirm(request_refund(pay.captured_part(), 300, pay.NOON).payment).payment

        assert expire(refunded, pay.NOON).payment.state is S.REFUNDED

    def test_expiry_after_declined_release_is_no_failure(self):
        declined = pay.decline(capture(pay.captured_part(), 300, final=True).payment).payment

        assert pay.event_names(expire(declined, pay.NOON)) == ["PaymentVoided"]


class TestRefundOfPart:
    def test_refund_between_parts_returns_to_authorized(self):
        decision = pay.confirm(request_refund(pay.captured_part(), 100, pay.NOON).payment)

        assert (decision.payment.state, decision.payment.refunded, decision.payment.held) == (S.AUTHORIZED, 100, 700)
        assert capture(decision.payment, 800).payment.requested_amount == 500

    def test_refund_of_all_parts_keeps_rest_capturable(self):
        refunded = pay.confirm(request_refund(pay.captured_part(), 300, pay.NOON).payment).payment

        assert refunded.state is S.AUTHORIZED
        assert pay.confirm(capture(refunded, 800, final=True).payment).payment.state is S.CAPTURED
        assert pay.confirm(capture(refunded, 300, final=True).payment).payment.state is S.REFUNDED

    def test_refund_of_requested_part_waits_for_it(self):
        capturing = capture(pay.captured_part(), 800).payment
        waiting = request_refund(capturing, 600, pay.NOON)

        assert waiting.calls == ()
        assert pay.confirm(waiting.payment).payment.requested_amount == 600
        assert pay.decline(waiting.payment).payment.requested_amount == 300  # no more than was captured

    def test_refund_of_waiting_part_waits_for_final_capture(self):
        waiting = request_refund(capture(pay.authorized(), 300).payment, 200, pay.NOON)
        capturing = capture(waiting.payment, 800, final=True).payment

        assert waiting.calls == ()
        assert (capturing.step, pay.confirm(capturing).payment.requested_amount) == ("capture", 200)

    def test_refund_above_captured_parts_fails(self):
        assert pay.event_names(request_refund(pay.captured_part(), 301, pay.NOON)) == ["PaymentFailed"]

    def test_declined_refund_keeps_later_refund(self):
        refunding = request_refund(pay.captured_part(), 100, pay.NOON).payment
        queued = request_refund(refunding, 50, pay.NOON).payment

        assert pay.decline(queued).payment.requested_amount == 50

    def test_part_requested_during_refund_starts_after_it(self):
        refunding = request_refund(pay.captured_part(), 100, pay.NOON).payment

        assert pay.confirm(capture(refunding, 800).payment).payment.requested_amount == 500


class TestVoidOfPart:
    def test_void_releases_rest_and_refunds_part(self):
        payment, decisions = run_to_end(request_void(pay.captured_part(), pay.NOON).payment)

        assert (payment.state, payment.refunded, payment.released) == (S.REFUNDED, 300, 700)
        assert [name for decision in decisions for name in pay.event_names(decision)] == [
            "PaymentVoided",
            "PaymentRefunded",
        ]

    def test_void_during_part_drops_later_parts(self):
        queued = capture(capture(several(), 300).payment, 800).payment
        payment, decisions = run_to_end(request_void(queued, pay.NOON).payment)

        assert (payment.state, payment.captured, payment.refunded) == (S.REFUNDED, 300, 300)
        assert not decisions[0].events[0].more_follows

    def test_void_during_declined_part_voids(self):
        voided = request_void(capture(several(), 300).payment, pay.NOON).payment

        assert run_to_end(pay.decline(voided).payment)[0].state is S.VOIDED

    def test_declined_void_during_declined_part_captures_nothing(self):
        voided = request_void(capture(several(), 300).payment, pay.NOON).payment
        declined = pay.decline(pay.decline(voided).payment)

        assert (declined.payment.state, declined.calls) == (S.AUTHORIZED, ())

    def test_declined_void_refunds_part(self):
        declined = pay.decline(request_void(pay.captured_part(), pay.NOON).payment).payment

        assert (declined.state, declined.requested_amount) == (S.REFUNDING, 300)
        assert pay.confirm(declined).payment.refunded == 300

    def test_void_during_declined_refund_is_kept(self):
        refunding = request_refund(pay.captured_part(), 100, pay.NOON).payment
        declined = pay.decline(request_void(refunding, pay.NOON).payment).payment

        assert (declined.state, run_to_end(declined)[0].state) == (S.VOIDING, S.REFUNDED)


@pytest.mark.parametrize("step", [PaymentStep.CAPTURE, PaymentStep.VOID, PaymentStep.REFUND])
def test_unknown_part_has_same_result_as_known_one(step):
    in_progress = {
        PaymentStep.CAPTURE: capture(pay.captured_part(), 800).payment,
        PaymentStep.VOID: capture(pay.captured_part(), 300, final=True).payment,
        PaymentStep.REFUND: request_refund(pay.captured_part(), 100, pay.NOON).payment,
    }[step]
    unknown = mark_unknown(in_progress, pay.NOON + timedelta(hours=1)).payment

    assert (unknown.step, unknown.requested_final) == (in_progress.step, in_progress.requested_final)
    assert pay.confirm(unknown).payment.state is pay.confirm(in_progress).payment.state
    assert pay.decline(unknown).payment.state is pay.decline(in_progress).payment.state
