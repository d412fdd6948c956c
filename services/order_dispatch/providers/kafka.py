"""Kafka protocol: requests and OrderUpdated answers over two topics per provider."""

from datetime import datetime

from replenish_contracts.events import CancelRequested, OrderRequested, OrderStatusRequested, ShipTo
from replenish_contracts.topics import provider_topics
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.protocol import EVERY_LINE, EventTransport, ProviderProtocol


def submit(order: Order, ship_to: ShipTo, at: datetime) -> tuple[OrderRequested]:
    first = order.open_lines[0]
    request = OrderRequested(
        provider_id=order.provider_id,
        order_id=order.order_id,
        product_id=first.product_id,
        packs=first.packs,
        pack_size=first.pack_size,
        quantity=first.quantity,
        unit=first.unit,
        scale=first.scale,
        lines=tuple(line.as_agreed_line() for line in order.open_lines),
        ship_to=ship_to,
        requested_at=at,
        needed_by=order.needed_by,
        test=order.test,
    )
    return (request,)


def cancel(order: Order, at: datetime) -> tuple[CancelRequested]:
    request = CancelRequested(
        provider_id=order.provider_id,
        order_id=order.order_id,
        reason=order.cancel_reason,
        requested_at=at,
        line_ids=tuple(line.line_id for line in order.lines_to_cancel),
    )
    return (request,)


def status(order: Order, at: datetime) -> tuple[OrderStatusRequested]:
    return (OrderStatusRequested(provider_id=order.provider_id, order_id=order.order_id, requested_at=at),)


PROTOCOL = ProviderProtocol(
    name="kafka", transport=EventTransport(submit, cancel, status), lines=EVERY_LINE, topics=provider_topics
)
