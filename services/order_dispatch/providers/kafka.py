"""Kafka protocol: requests and OrderUpdated answers over two topics per provider."""

from datetime import datetime

from replenish_contracts.events import CancelRequested, OrderRequested, OrderStatusRequested, ShipTo
from replenish_contracts.topics import provider_topics
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.protocol import EventTransport, ProviderProtocol


def submit(order: Order, ship_to: ShipTo, at: datetime) -> tuple[OrderRequested]:
    request = OrderRequested(
        provider_id=order.provider_id,
        order_id=order.order_id,
        product_id=order.product_id,
        packs=order.packs,
        pack_size=order.pack_size,
        quantity=order.quantity,
        unit=order.unit,
        scale=order.scale,
        ship_to=ship_to,
        requested_at=at,
        needed_by=order.needed_by,
        test=order.test,
    )
    return (request,)


def cancel(order: Order, at: datetime) -> tuple[CancelRequested]:
    reason = order.cancellation.reason if order.cancellation else ""
    return (CancelRequested(provider_id=order.provider_id, order_id=order.order_id, reason=reason, requested_at=at),)


def status(order: Order, at: datetime) -> tuple[OrderStatusRequested]:
    return (OrderStatusRequested(provider_id=order.provider_id, order_id=order.order_id, requested_at=at),)


PROTOCOL = ProviderProtocol(name="kafka", transport=EventTransport(submit, cancel, status), topics=provider_topics)
