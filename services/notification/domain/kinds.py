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
    CLAIM_RAISED = "claim_raised"
    MONEY_RETURNED = "money_returned"
    APPROVAL_NEEDED = "approval_needed"
    RUNNING_LOW = "running_low"
    CANNOT_ORDER = "cannot_order"
    ORDERING_STOPPED = "ordering_stopped"
    SHOP_ASKED = "shop_asked"
    SHOP_REMINDED = "shop_reminded"
    SHOP_ASKED_TO_CANCEL = "shop_asked_to_cancel"
    CART_PREPARED = "cart_prepared"
    CART_REMINDED = "cart_reminded"
    CART_CANCEL_ASKED = "cart_cancel_asked"


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
    Kind.CLAIM_RAISED: Rule(told=True, reason="less came than they ordered"),
    Kind.MONEY_RETURNED: Rule(told=True, reason="their money moves"),
    Kind.APPROVAL_NEEDED: Rule(told=True, reason="nothing is ordered until they say yes"),
    Kind.RUNNING_LOW: Rule(told=True, reason="they asked to be told and to order themselves"),
    Kind.CANNOT_ORDER: Rule(told=True, reason="nothing can be ordered until somebody acts"),
    Kind.ORDERING_STOPPED: Rule(told=True, reason="nothing is ordered until the slot has been full again"),
    Kind.SHOP_ASKED: Rule(told=True, reason="the shop takes its orders from these mails"),
    Kind.SHOP_REMINDED: Rule(told=True, reason="the order goes elsewhere unless the shop answers"),
    Kind.SHOP_ASKED_TO_CANCEL: Rule(told=True, reason="the goods may still be kept back"),
    Kind.CART_PREPARED: Rule(told=True, reason="nothing is ordered unless they order it"),
    Kind.CART_REMINDED: Rule(told=True, reason="nothing is ordered unless they order it"),
    Kind.CART_CANCEL_ASKED: Rule(told=True, reason="only they can cancel it at the shop"),
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
    "ClaimRaised": Kind.CLAIM_RAISED,
    "PaymentRefunded": Kind.MONEY_RETURNED,
    "ShopAsked": Kind.SHOP_ASKED,
    "ShopReminded": Kind.SHOP_REMINDED,
    "ShopAskedToCancel": Kind.SHOP_ASKED_TO_CANCEL,
    "CartPrepared": Kind.CART_PREPARED,
    "CartReminded": Kind.CART_REMINDED,
    "CartCancelAsked": Kind.CART_CANCEL_ASKED,
}

#: Letters to the shop, not to the customer: no customer's choice, and nothing the customer was told.
TO_SHOPS = frozenset({Kind.SHOP_ASKED, Kind.SHOP_REMINDED, Kind.SHOP_ASKED_TO_CANCEL})
#: Letters whose reader answers, by links that order_dispatch signs for this one mail.
ANSWERED = TO_SHOPS | {Kind.CART_PREPARED, Kind.CART_REMINDED, Kind.CART_CANCEL_ASKED}

#: What happens to an order and is no occasion of its own, and why.
NO_OCCASIONS = {
    "OrderDrafted": "nobody outside was asked yet",
    "OrderModified": "whoever changed it knows",
    "AllocationAsked": "its answer decides",
    "FraudFlagged": "an operator's business; the order's end is told",
    "FraudCleared": "an operator's business",
    "OrderReturned": "whoever sent it back knows; the money is told",
    "PaymentAuthorized": "the placed order is told with its price",
    "PaymentTaken": "the placed order is told with its price",
    "PaymentVoided": "the order's end is told",
    "PaymentFailed": "the order's end is told with the reason",
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
#: What is not true any more once the pool has gone on; who was not told yet need not be.
PASSING = MAY_PASS | {Kind.RUNNING_LOW, Kind.ORDERING_STOPPED}

#: What providers of these protocols write to their customers themselves: the terms of DRS forbid a second mail.
TOLD_BY_PROVIDERS = {"drs": frozenset({Kind.ORDER_PLACED, Kind.ORDER_SHIPPED, Kind.ORDER_DELIVERED})}
