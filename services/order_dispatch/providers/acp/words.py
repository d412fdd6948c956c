"""The words of ACP, of all published versions, and what they mean; an unknown word has no meaning.

Sources: the OpenAPI and JSON schemas of github agentic-commerce-protocol, by version; `rfcs/rfc.orders.md` for the
meaning of order and fulfillment states, `rfcs/rfc.agentic_checkout.md` for that of sessions; and WooCommerce 10.3,
`src/Internal/Admin/Agentic/AgenticWebhookPayloadBuilder.php`, for the words of shops.
"""

from enum import Enum, auto

from replenish_contracts.events import UpdateStatus
from replenish_contracts.tolerant import normalize_word

ORDER: dict[str, UpdateStatus] = {
    # Every version. An order that is not confirmed yet exists at the merchant.
    "created": UpdateStatus.ACCEPTED,
    "confirmed": UpdateStatus.ACCEPTED,
    "manual_review": UpdateStatus.RESOLVING,
    "shipped": UpdateStatus.SHIPPED,
    "canceled": UpdateStatus.CANCELLED,
    # 2025-09-29 to 2026-01-30, and WooCommerce: "fulfillment completed (terminal): delivered or picked up".
    "fulfilled": UpdateStatus.DELIVERED,
    # 2026-01-16: "equivalent to fulfilled, accepted for backward compatibility".
    "delivered": UpdateStatus.DELIVERED,
    # From 2026-04-17.
    "processing": UpdateStatus.ACCEPTED,
    "completed": UpdateStatus.DELIVERED,
    # Not in the protocol: other spellings, and WooCommerce's own states with the meaning that it gives them for ACP.
    "cancelled": UpdateStatus.CANCELLED,
    "shipping": UpdateStatus.SHIPPED,
    "pending": UpdateStatus.ACCEPTED,
    "on_hold": UpdateStatus.RESOLVING,
    "failed": UpdateStatus.CANCELLED,
    # WooCommerce reports a refunded order as fulfilled, although its goods may never have left.
    "refunded": UpdateStatus.UNCLEAR,
}


class ParcelState(Enum):
    """How far a fulfillment is."""

    WAITING = auto()
    ON_THE_WAY = auto()
    ARRIVED = auto()
    #: Nothing of it is delivered.
    ENDED = auto()
    UNKNOWN = auto()


FULFILLMENT: dict[str, ParcelState] = {
    # From 2026-02-05 (RFC) and 2026-04-17.
    "pending": ParcelState.WAITING,
    "processing": ParcelState.WAITING,
    "shipped": ParcelState.ON_THE_WAY,
    "in_transit": ParcelState.ON_THE_WAY,
    "out_for_delivery": ParcelState.ON_THE_WAY,
    "ready_for_pickup": ParcelState.ON_THE_WAY,
    "delivered": ParcelState.ARRIVED,
    "failed": ParcelState.ENDED,
    "canceled": ParcelState.ENDED,
    # Types of fulfillment events, which merchants also send as a state.
    "failed_attempt": ParcelState.ON_THE_WAY,
    "returned_to_sender": ParcelState.ENDED,
    "returned": ParcelState.ENDED,
    "undeliverable": ParcelState.ENDED,
    # The other spelling.
    "cancelled": ParcelState.ENDED,
}


class SessionState(Enum):
    """How far a checkout session is, as long as it has no order."""

    #: It can be changed, and is not ready to be completed.
    OPEN = auto()
    READY = auto()
    #: The merchant has no result yet.
    WORKING = auto()
    #: A person at the merchant decides.
    APPROVAL = auto()
    COMPLETED = auto()
    CLOSED = auto()
    UNKNOWN = auto()


SESSION: dict[str, SessionState] = {
    # Every version.
    "not_ready_for_payment": SessionState.OPEN,
    "ready_for_payment": SessionState.READY,
    "completed": SessionState.COMPLETED,
    "canceled": SessionState.CLOSED,
    # From 2025-09-30, and WooCommerce: the payment is initiated and not complete.
    "in_progress": SessionState.WORKING,
    # From 2025-12-12: the buyer must authenticate, which an order without a buyer at hand cannot.
    "authentication_required": SessionState.OPEN,
    # From 2026-01-30.
    "incomplete": SessionState.OPEN,
    "requires_escalation": SessionState.OPEN,
    "pending_approval": SessionState.APPROVAL,
    "complete_in_progress": SessionState.WORKING,
    "expired": SessionState.CLOSED,
    # The other spelling.
    "cancelled": SessionState.CLOSED,
}


def read_order_word(word: str) -> UpdateStatus:
    return ORDER.get(normalize_word(word), UpdateStatus.UNCLEAR)


def read_parcel_word(word: str | None) -> ParcelState:
    """A fulfillment without a state waits."""
    return ParcelState.WAITING if not word else FULFILLMENT.get(normalize_word(word), ParcelState.UNKNOWN)


def read_session_word(word: str) -> SessionState:
    return SESSION.get(normalize_word(word), SessionState.UNKNOWN)
