"""Whatever happens to a payment in whatever order: nothing is taken twice, and the books agree."""

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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
    """An honest payment service: it does each key once, and what it did is the truth."""

    def __init__(self):
        self.done, self.held, self.taken, self.captures = {}, 0, 0, 0

    def do(self, payment):
        if payment.idempotency_key not in self.done:
            self.done[payment.idempotency_key] = payment.step
            amount = payment.requested_amount
            if payment.step == "authorize":
                self.held = amount
            elif payment.step == "capture":
                self.held, self.taken, self.captures = 0, amount, self.captures + 1
            elif payment.step == "void":
                self.held = 0
            else:
                self.taken -= amount
        return Confirmed(pay.HAPPENS[payment.step], "sp_1", payment.requested_amount, payment.currency)


class AnyPayment(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.bank, self.turns, self.keys = Bank(), [], []
        self.take(open_payment(pay.NEW, Mandate(5000, "EUR"), pay.NOON))

    def take(self, decision):
        for move in decision.transitions:
            assert move.from_state is None or (move.from_state, move.to_state) in TRANSITIONS
        before = self.turns[-1].payment.version if self.turns else 0
        assert [move.version for move in decision.transitions] == list(range(before + 1, decision.payment.version + 1))
        self.keys += [call.idempotency_key for call in decision.calls]
        self.turns.append(decision)

    @property
    def payment(self):
        return self.turns[-1].payment

    @rule(amount=AMOUNTS)
    def capture(self, amount):
        self.take(request_capture(self.payment, amount, pay.NOON))

    @rule()
    def void(self):
        self.take(request_void(self.payment, pay.NOON))

    @rule(amount=AMOUNTS)
    def refund(self, amount):
        self.take(request_refund(self.payment, amount, pay.NOON))

    @precondition(lambda self: self.payment.step)
    @rule()
    def the_service_does_it_and_says_so(self):
        self.take(pay.settled(self.payment, self.bank.do(self.payment)))

    @precondition(lambda self: self.payment.step)
    @rule(did_it=some.booleans())
    def the_service_is_silent(self, did_it):
        if did_it:
            self.bank.do(self.payment)
        self.take(mark_unknown(self.payment, pay.NOON))

    @precondition(lambda self: self.payment.step and self.payment.idempotency_key not in self.bank.done)
    @rule()
    def the_service_refuses(self):
        self.take(pay.settled(self.payment, Declined("no")))

    @precondition(
        lambda self: self.payment.step in ("capture", "void") and self.payment.idempotency_key not in self.bank.done
    )
    @rule()
    def the_reservation_had_run_out(self):
        self.bank.held = 0
        self.take(pay.settled(self.payment, Confirmed(Status.EXPIRED, "sp_1", 0, "EUR")))

    @precondition(lambda self: self.payment.state is PaymentState.AUTHORIZED)
    @rule()
    def time_passes(self):
        self.bank.held = 0
        self.take(expire(self.payment, pay.NOON))

    @precondition(
        lambda self: (
            self.payment.state is PaymentState.AUTHORIZING and self.payment.void_requested and not self.bank.done
        )
    )
    @rule()
    def nobody_was_asked_yet(self):
        self.take(withdraw(self.payment, pay.NOON))

    @invariant()
    def money_stays_within_what_was_agreed(self):
        payment = self.payment
        assert 0 <= payment.refunded <= payment.captured <= payment.authorized <= payment.mandate
        assert payment.authorized <= payment.amount

    @invariant()
    def nothing_is_taken_twice(self):
        assert self.bank.captures <= 1
        assert self.bank.taken >= 0
        assert sum(
            event.amount for decision in self.turns for event in decision.events if "Captured" in type(event).__name__
        ) in (
            0,
            self.payment.captured,
        )

    @invariant()
    def every_key_is_used_for_one_step(self):
        assert len(self.keys) == len(set(self.keys))

    @invariant()
    def the_books_agree_with_the_service_when_nothing_is_under_way(self):
        if self.payment.step is None:
            books = pay.balances(*self.turns)
            assert books.get("held:sandbox", 0) == self.bank.held
            assert books.get("cash:sandbox", 0) == self.bank.taken == -books.get("provider:acme", 0)
            assert books.get("customer:ann", 0) == -self.bank.held

    @invariant()
    def what_is_wanted_is_never_forgotten(self):
        payment = self.payment
        if payment.state is PaymentState.AUTHORIZED:
            assert not payment.void_requested
            assert payment.capture_requested is None
        if payment.state is PaymentState.CAPTURED:
            assert payment.refund_requested == payment.refunded or payment.void_requested is False
            assert payment.refund_requested <= payment.refunded
        if payment.state in CLOSED:
            assert payment.step is None


AnyPayment.TestCase.settings = settings(max_examples=150, stateful_step_count=30)
TestAnyPayment = AnyPayment.TestCase
