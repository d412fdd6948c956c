"""The states of a payment and the one table of transitions between them; migrations/ has the same table."""

from enum import StrEnum

from replenish_contracts.events import PaymentStep


class PaymentState(StrEnum):
    """Where a payment stands."""

    AUTHORIZING = "authorizing"
    #: Reserved at the payment service; nothing was taken.
    AUTHORIZED = "authorized"
    #: Nobody knows whether the step under way happened; the payment service is being asked.
    UNKNOWN = "unknown"
    CAPTURING = "capturing"
    #: Taken, perhaps in part given back.
    CAPTURED = "captured"
    VOIDING = "voiding"
    VOIDED = "voided"
    REFUNDING = "refunding"
    #: All that was taken was given back.
    REFUNDED = "refunded"
    DECLINED = "declined"
    #: The reservation ran out before anything was taken.
    EXPIRED = "expired"


#: Where a payment stands while a step is under way.
IN_PROGRESS = {
    PaymentStep.AUTHORIZE: PaymentState.AUTHORIZING,
    PaymentStep.CAPTURE: PaymentState.CAPTURING,
    PaymentStep.VOID: PaymentState.VOIDING,
    PaymentStep.REFUND: PaymentState.REFUNDING,
}
_S = PaymentState
_LEADS_TO = {
    _S.AUTHORIZING: (_S.AUTHORIZED, _S.DECLINED, _S.UNKNOWN, _S.VOIDED),
    _S.AUTHORIZED: (_S.CAPTURING, _S.VOIDING, _S.EXPIRED),
    # A step that is refused leaves the payment where it was before.
    _S.CAPTURING: (_S.CAPTURED, _S.AUTHORIZED, _S.EXPIRED, _S.UNKNOWN),
    _S.CAPTURED: (_S.REFUNDING,),
    _S.VOIDING: (_S.VOIDED, _S.AUTHORIZED, _S.EXPIRED, _S.UNKNOWN),
    _S.REFUNDING: (_S.CAPTURED, _S.REFUNDED, _S.UNKNOWN),
    _S.UNKNOWN: (_S.AUTHORIZED, _S.DECLINED, _S.CAPTURED, _S.VOIDED, _S.REFUNDED, _S.EXPIRED),
}
TRANSITIONS = frozenset((from_state, to_state) for from_state, reachable in _LEADS_TO.items() for to_state in reachable)
#: States nothing leads out of.
CLOSED = frozenset(set(PaymentState) - set(_LEADS_TO))


class IllegalPaymentTransitionError(ValueError):
    """Somebody tried a move that is not in the table."""


def check(from_state: PaymentState, to_state: PaymentState) -> None:
    """Raise IllegalPaymentTransitionError unless the table has this move."""
    if (from_state, to_state) not in TRANSITIONS:
        raise IllegalPaymentTransitionError(f"a payment does not go from {from_state} to {to_state}")
