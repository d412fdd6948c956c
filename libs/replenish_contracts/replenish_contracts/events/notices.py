"""Notices sent to customers."""

from replenish_contracts.catalogue import Event, Id, Moment, published_by


@published_by("notification", topic="notices", key="customer_id")
class CustomerNotified(Event):
    """A notice was sent to a customer, once, over this channel."""

    customer_id: Id
    notice_id: Id
    kind: Id
    channel: Id
    order_id: Id | None = None
    product_id: Id | None = None
    occurred_at: Moment
