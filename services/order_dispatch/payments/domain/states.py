"""States of a payment and the legal transitions between them; the migration contains the same table."""

from enum import StrEnum

from replenish_contracts.events import PaymentStep


class PaymentState(StrEnum):
    """A state that ends in -ing lasts until the payment service answers the request in progress."""

    AUTHORIZING = "authorizing"
    AUTHORIZED = "authorized"
    #: The outcome of the step in progress is not known; it is looked up at the payment service.
    UNKNOWN = "unknown"
    CAPTURING = "capturing"
    #: Captured, possibly refunded in part; nothing is held any more. A payment that was captured in part is authorized.
    CAPTURED = "captured"
    VOIDING = "voiding"
    VOIDED = "voided"
    REFUNDING = "refunding"
    #: Refunded in full.
    REFUNDED = "refunded"
    DECLINED = "declined"
    #: The authorization expired before anything was captured.
    EXPIRED = "expired"


#: State of a payment while a step is in progress.
IN_PROGRESS = {
    PaymentStep.AUTHORIZE: PaymentState.AUTHORIZING,
    PaymentStep.CAPTURE: PaymentState.CAPTURING,
    PaymentStep.VOID: PaymentState.VOIDING,
    PaymentStep.REFUND: PaymentState.REFUNDING,
}
_S = PaymentState
_NEXT_STATES = {
    _S.AUTHORIZING: (_S.AUTHORIZED, _S.DECLINED, _S.UNKNOWN, _S.VOIDED),
    # What was captured in part stays captured (or refunded) when the rest expires or is released.
    _S.AUTHORIZED: (_S.CAPTURING, _S.VOIDING, _S.REFUNDING, _S.EXPIRED, _S.CAPTURED, _S.REFUNDED),
    # A declined step returns the payment to its previous state, a captured part as well.
    _S.CAPTURING: (_S.CAPTURED, _S.AUTHORIZED, _S.EXPIRED, _S.REFUNDED, _S.UNKNOWN),
    _S.CAPTURED: (_S.REFUNDING,),
    _S.VOIDING: (_S.VOIDED, _S.CAPTURED, _S.REFUNDED, _S.AUTHORIZED, _S.EXPIRED, _S.UNKNOWN),
    _S.REFUNDING: (_S.CAPTURED, _S.REFUNDED, _S.AUTHORIZED, _S.UNKNOWN),
    _S.UNKNOWN: (_S.AUTHORIZED, _S.DECLINED, _S.CAPTURED, _S.VOIDED, _S.REFUNDED, _S.EXPIRED),
}
TRANSITIONS = frozenset((from_state, to_state) for from_state, after in _NEXT_STATES.items() for to_state in after)
#: States without a next state.
CLOSED = frozenset(set(PaymentState) - set(_NEXT_STATES))


class IllegalPaymentTransitionError(ValueError):
    """The table has no such transition."""


def check_transition(from_state: PaymentState, to_state: PaymentState) -> None:
    """Raise IllegalPaymentTransitionError unless the transition is legal."""
    if (from_state, to_state) not in TRANSITIONS:
        raise IllegalPaymentTransitionError(f"a payment cannot change from {from_state} to {to_state}")
