"""Property test: in any order of events no more is captured than authorized, and the books match the service."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.order_dispatch.payments.domain import (
    CLOSED,
    TRANSITIONS,
    Confirmed,
    Declined,
    Mandate,
    PaymentState,
    Status,
    expire,
    mark_unknown,
    open_payment,
    request_capture,
    request_refund,
    request_void,
    withdraw,
)
from tests.support import payments as pay

AMOUNTS = some.integers(0, 1200)


class Bank:
    """A payment service that performs each idempotency key once."""

    def __init__(self):
        self.performed_keys, self.held, self.captured, self.captures = {}, 0, 0, 0

    def perform(self, payment):
        if payment.idempotency_key not in self.performed_keys:
            self.performed_keys[payment.idempotency_key] = payment.step
            amount = payment.requested_amount
            assert amount % payment.rules.step == 0
            if payment.step == "authorize":
                self.held = amount
            elif payment.step == "capture":
                assert amount <= self.held
                self.held = 0 if payment.requested_final else self.held - amount
                self.captured, self.captures = self.captured + amount, self.captures + 1
            elif payment.step == "void":
                self.held = 0
            else:
                assert amount <= self.captured
                self.captured -= amount
        return Confirmed(pay.CONFIRMED_STATUS[payment.step], "sp_1", payment.requested_amount, payment.currency)


class PaymentMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.bank, self.decisions, self.keys, self.release_was_declined = Bank(), [], [], False

    @initialize(new=some.sampled_from([pay.NEW, pay.NEW_SEVERAL]), rules=some.sampled_from(pay.RULES))
    def open(self, new, rules):
        self.apply(open_payment(replace(new, rules=rules), Mandate(5000, "EUR"), pay.NOON))

    def apply(self, decision):
        for transition in decision.transitions:
            assert transition.from_state is None or (transition.from_state, transition.to_state) in TRANSITIONS
        before = self.decisions[-1].payment.version if self.decisions else 0
        assert [transition.version for transition in decision.transitions] == list(
            range(before + 1, decision.payment.version + 1)
        )
        self.keys += [call.idempotency_key for call in decision.calls]
        self.decisions.append(decision)

    @property
    def payment(self):
        return self.decisions[-1].payment

    @rule(due_total=AMOUNTS, final=some.booleans())
    def capture(self, due_total, final):
        self.apply(request_capture(self.payment, due_total, pay.NOON, final=final))

    @rule()
    def void(self):
        self.apply(request_void(self.payment, pay.NOON))

    @rule(amount=AMOUNTS)
    def refund(self, amount):
        self.apply(request_refund(self.payment, amount, pay.NOON))

    @precondition(lambda self: self.payment.step)
    @rule()
    def service_confirms(self):
        self.apply(pay.answer(self.payment, self.bank.perform(self.payment)))

    @precondition(lambda self: self.payment.step)
    @rule(performed=some.booleans())
    def service_does_not_answer(self, performed):
        if performed:
            self.bank.perform(self.payment)
        self.apply(mark_unknown(self.payment, pay.NOON))

    @precondition(lambda self: self.payment.step and self.payment.idempotency_key not in self.bank.performed_keys)
    @rule()
    def service_declines(self):
        self.release_was_declined = self.payment.step == "void"
        self.apply(pay.answer(self.payment, Declined("no")))

    @precondition(
        lambda self: (
            self.payment.step in ("capture", "void") and self.payment.idempotency_key not in self.bank.performed_keys
        )
    )
    @rule()
    def authorization_had_expired_at_service(self):
        self.bank.held = 0
        self.apply(pay.answer(self.payment, Confirmed(Status.EXPIRED, "sp_1", 0, "EUR")))

    @precondition(lambda self: self.payment.state is PaymentState.AUTHORIZED)
    @rule()
    def authorization_expires(self):
        self.bank.held = 0
        self.apply(expire(self.payment, pay.NOON))

    @precondition(
        lambda self: (
            self.payment.state is PaymentState.AUTHORIZING
            and self.payment.void_requested
            and not self.bank.performed_keys
        )
    )
    @rule()
    def withdraw_before_call(self):
        self.apply(withdraw(self.payment, pay.NOON))

    @invariant()
    def amounts_stay_within_mandate(self):
        payment = self.payment
        assert 0 <= payment.refunded <= payment.captured <= payment.authorized <= payment.mandate
        assert payment.authorized <= payment.amount

    @invariant()
    def captured_once_per_request(self):
        assert self.bank.captures <= 1 or self.payment.captures_several
        assert self.bank.captured >= 0
        captures = [
            event.amount
            for decision in self.decisions
            for event in decision.events
            if "Captured" in type(event).__name__
        ]
        assert sum(captures) == self.payment.captured
        assert all(amount > 0 for amount in captures)
        assert len(captures) <= self.bank.captures <= len(captures) + 1

    @invariant()
    def every_key_belongs_to_one_step(self):
        assert len(self.keys) == len(set(self.keys))

    @invariant()
    def books_match_service_between_steps(self):
        if self.payment.step is None:
            books = pay.balances(*self.decisions)
            assert books.get("held:sandbox", 0) == self.bank.held
            assert books.get("cash:sandbox", 0) == self.bank.captured == -books.get("provider:acme", 0)
            assert books.get("customer:ann", 0) == -self.bank.held

    @invariant()
    def books_match_payment(self):
        books, payment = pay.balances(*self.decisions), self.payment
        assert books.get("held:sandbox", 0) == payment.held
        assert books.get("cash:sandbox", 0) == payment.captured - payment.refunded
        kinds = [booking.kind for decision in self.decisions for booking in decision.bookings]
        assert kinds.count("authorized") <= 1
        assert kinds.count("released") <= 1

    @invariant()
    def constraints_of_database_hold(self):
        payment = self.payment
        assert payment.capture_requested is None or 0 < payment.capture_requested <= payment.amount
        assert 0 <= payment.refund_requested <= payment.amount
        assert not payment.capture_final or payment.capture_requested
        assert not payment.requested_final or payment.step == "capture"
        if payment.step != "refund":
            is_open = payment.state in (PaymentState.AUTHORIZED, PaymentState.CAPTURING, PaymentState.VOIDING)
            is_unknown = payment.state is PaymentState.UNKNOWN and payment.step in ("capture", "void")
            assert (payment.held > 0) == (is_open or is_unknown)

    @invariant()
    def requests_are_started_or_done(self):
        payment = self.payment
        if payment.state is PaymentState.AUTHORIZED:
            assert not payment.void_requested
            waits_for_final = not payment.captures_several and not payment.capture_final
            assert (payment.capture_requested or 0) == payment.captured or waits_for_final
            assert min(payment.refund_requested, payment.captured) <= payment.refunded
            assert not payment.capture_final or self.release_was_declined
        if payment.state is PaymentState.CAPTURED:
            assert payment.refund_requested == payment.refunded or payment.void_requested is False
            assert payment.refund_requested <= payment.refunded
        if payment.state in CLOSED:
            assert payment.step is None


PaymentMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30)
TestPaymentMachine = PaymentMachine.TestCase
