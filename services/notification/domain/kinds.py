"""The kinds of notices: which of them are sent by default, and which events and holds cause them."""

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
    """Whether a kind is sent unless the customer chose otherwise, and the reason."""

    enabled: bool
    reason: str


#: A kind is sent by default if money moves, or if nothing happens unless the recipient acts.
KINDS = {
    Kind.ORDER_PLACED: Rule(enabled=True, reason="the customer pays for it and may cancel"),
    Kind.ORDER_REFUSED: Rule(enabled=True, reason="the product may run out"),
    Kind.ORDER_FAILED: Rule(enabled=True, reason="the product may run out"),
    Kind.ORDER_CANCELLED: Rule(enabled=True, reason="the expected delivery will not arrive"),
    Kind.ORDER_UNKNOWN: Rule(enabled=False, reason="the order is being clarified, and the customer cannot help"),
    Kind.ORDER_SHIPPED: Rule(enabled=False, reason="the customer knows the delivery date from the order"),
    Kind.ORDER_DELIVERED: Rule(enabled=False, reason="the customer sees the parcel"),
    Kind.CLAIM_RAISED: Rule(enabled=True, reason="less was delivered than ordered"),
    Kind.MONEY_RETURNED: Rule(enabled=True, reason="the customer receives a refund"),
    Kind.APPROVAL_NEEDED: Rule(enabled=True, reason="nothing is ordered until the customer approves"),
    Kind.RUNNING_LOW: Rule(enabled=True, reason="the customer chose to be reminded and to order themselves"),
    Kind.CANNOT_ORDER: Rule(enabled=True, reason="nothing can be ordered until the settings or the offer change"),
    Kind.ORDERING_STOPPED: Rule(enabled=True, reason="nothing is ordered until the slot has been full again"),
    Kind.SHOP_ASKED: Rule(enabled=True, reason="the shop receives its orders by mail"),
    Kind.SHOP_REMINDED: Rule(enabled=True, reason="the order is withdrawn unless the shop answers"),
    Kind.SHOP_ASKED_TO_CANCEL: Rule(enabled=True, reason="the goods may not have been shipped yet"),
    Kind.CART_PREPARED: Rule(enabled=True, reason="only the customer can place this order"),
    Kind.CART_REMINDED: Rule(enabled=True, reason="only the customer can place this order"),
    Kind.CART_CANCEL_ASKED: Rule(enabled=True, reason="only the customer can cancel this order"),
}

#: The kind of notice for each event of an order; events about some of its lines have the kind of the whole order's.
KIND_BY_EVENT = {
    "OrderPlaced": Kind.ORDER_PLACED,
    "OrderRefused": Kind.ORDER_REFUSED,
    "OrderLinesRefused": Kind.ORDER_REFUSED,
    "OrderFailed": Kind.ORDER_FAILED,
    "OrderCancelled": Kind.ORDER_CANCELLED,
    "OrderLinesCancelled": Kind.ORDER_CANCELLED,
    "OrderUnknown": Kind.ORDER_UNKNOWN,
    "OrderShipped": Kind.ORDER_SHIPPED,
    "OrderDelivered": Kind.ORDER_DELIVERED,
    "ClaimRaised": Kind.CLAIM_RAISED,
    "PaymentRefunded": Kind.MONEY_RETURNED,
    "ShopOrderRequested": Kind.SHOP_ASKED,
    "ShopReminded": Kind.SHOP_REMINDED,
    "ShopCancelRequested": Kind.SHOP_ASKED_TO_CANCEL,
    "CartPrepared": Kind.CART_PREPARED,
    "CartReminded": Kind.CART_REMINDED,
    "CartCancelRequested": Kind.CART_CANCEL_ASKED,
}

#: Mails to shops. Customers cannot switch them off, and they publish no CustomerNotified.
TO_SHOPS = frozenset({Kind.SHOP_ASKED, Kind.SHOP_REMINDED, Kind.SHOP_ASKED_TO_CANCEL})
#: Mails with answer links, which order_dispatch signs for each mail.
WITH_ANSWER_LINKS = TO_SHOPS | {Kind.CART_PREPARED, Kind.CART_REMINDED, Kind.CART_CANCEL_ASKED}

#: Events of an order that cause no notice, and the reason.
EVENTS_WITHOUT_NOTICE = {
    "OrderDrafted": "the order has not been submitted yet",
    "OrderModified": "the person who changed the order knows",
    "AllocationRequested": "the outcome of the allocation causes the notice",
    "FraudFlagged": "for operators only; the end of the order causes the notice",
    "FraudCleared": "for operators only",
    "OrderReturned": "the person who returned the goods knows; the refund causes the notice",
    "PaymentAuthorized": "the notice of the placed order contains the price",
    "PaymentCaptured": "the notice of the placed order contains the price",
    "PaymentVoided": "the end of the order causes the notice",
    "PaymentFailed": "the end of the order causes the notice, with the reason",
}

#: The kind of notice for each hold reason of reorder_decision; other holds need no action and cause no notice.
KIND_BY_HOLD = {
    "awaiting_approval": Kind.APPROVAL_NEEDED,
    "notify_only": Kind.RUNNING_LOW,
    "no_offer": Kind.CANNOT_ORDER,
    "offer_unavailable": Kind.CANNOT_ORDER,
    "provider_inactive": Kind.CANNOT_ORDER,
    "pack_size_differs": Kind.CANNOT_ORDER,
    "pack_unit_differs": Kind.CANNOT_ORDER,
    "units_differ": Kind.CANNOT_ORDER,
    "link_ended": Kind.CANNOT_ORDER,
    "not_linked": Kind.CANNOT_ORDER,
    "cancelled_again": Kind.ORDERING_STOPPED,
}

#: Holds that often end on their own while a household is being set up; their mails are delayed.
DELAYED = frozenset({Kind.CANNOT_ORDER})
#: Notices that are withdrawn, if not sent yet, when the pool enters a later epoch.
EPOCH_BOUND = DELAYED | {Kind.RUNNING_LOW, Kind.ORDERING_STOPPED}

#: Kinds of an order of several lines that may share one mail, which is delayed by `NoticeTiming.share`.
SHARED_MAIL = frozenset(
    {
        Kind.ORDER_PLACED,
        Kind.ORDER_SHIPPED,
        Kind.ORDER_DELIVERED,
        Kind.ORDER_REFUSED,
        Kind.ORDER_CANCELLED,
        Kind.CLAIM_RAISED,
        Kind.MONEY_RETURNED,
    }
)

#: Kinds that providers of a protocol mail to their customers themselves; the terms of DRS forbid a second mail unless
#: the customer opted in.
SENT_BY_PROVIDERS = {"drs": frozenset({Kind.ORDER_PLACED, Kind.ORDER_SHIPPED, Kind.ORDER_DELIVERED})}
