"""The one table of occasions: which of them a person is told of, and why."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a notice is about."""

    ORDER_PLACED = "order_placed"
    ORDER_REFUSED = "order_refused"
    ORDER_FAILED = "order_failed"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_UNKNOWN = "order_unknown"
    ORDER_SHIPPED = "order_shipped"
    ORDER_DELIVERED = "order_delivered"
    APPROVAL_NEEDED = "approval_needed"
    RUNNING_LOW = "running_low"
    CANNOT_ORDER = "cannot_order"
    ORDERING_STOPPED = "ordering_stopped"


class Rule(NamedTuple):
    """Whether people are told unless they said otherwise, and why."""

    told: bool
    reason: str


#: Somebody must have a reason to read it: money moves, or something does not happen unless they act.
KINDS = {
    Kind.ORDER_PLACED: Rule(told=True, reason="money is spent in their name, and they may cancel"),
    Kind.ORDER_REFUSED: Rule(told=True, reason="they may run out"),
    Kind.ORDER_FAILED: Rule(told=True, reason="they may run out"),
    Kind.ORDER_CANCELLED: Rule(told=True, reason="what they were promised does not come"),
    Kind.ORDER_UNKNOWN: Rule(told=False, reason="it is being asked, and they can do nothing"),
    Kind.ORDER_SHIPPED: Rule(told=False, reason="they know since it was placed when it comes"),
    Kind.ORDER_DELIVERED: Rule(told=False, reason="they see the parcel"),
    Kind.APPROVAL_NEEDED: Rule(told=True, reason="nothing is ordered until they say yes"),
    Kind.RUNNING_LOW: Rule(told=True, reason="they asked to be told and to order themselves"),
    Kind.CANNOT_ORDER: Rule(told=True, reason="nothing can be ordered until somebody acts"),
    Kind.ORDERING_STOPPED: Rule(told=True, reason="nothing is ordered until the slot has been full again"),
}

#: What happens to an order, and what it is to a person.
ORDER_FACTS = {
    "OrderPlaced": Kind.ORDER_PLACED,
    "OrderRefused": Kind.ORDER_REFUSED,
    "OrderFailed": Kind.ORDER_FAILED,
    "OrderCancelled": Kind.ORDER_CANCELLED,
    "OrderUnknown": Kind.ORDER_UNKNOWN,
    "OrderShipped": Kind.ORDER_SHIPPED,
    "OrderDelivered": Kind.ORDER_DELIVERED,
}

#: A hold's reason, in reorder_decision's words, and what it is to a person; others need nobody.
HOLDS = {
    "awaiting_approval": Kind.APPROVAL_NEEDED,
    "notify_only": Kind.RUNNING_LOW,
    "no_offer": Kind.CANNOT_ORDER,
    "offer_unavailable": Kind.CANNOT_ORDER,
    "provider_inactive": Kind.CANNOT_ORDER,
    "pack_size_differs": Kind.CANNOT_ORDER,
    "pack_unit_differs": Kind.CANNOT_ORDER,
    "units_differ": Kind.CANNOT_ORDER,
    "cancelled_again": Kind.ORDERING_STOPPED,
}

#: Holds that may end by themselves while somebody is still setting things up.
MAY_PASS = frozenset({Kind.CANNOT_ORDER})
