"""Builders of events that other services publish."""

from datetime import UTC, datetime, timedelta

from replenish_contracts.events import (
    CustomerNotified,
    Line,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderLine,
    OrderLinesCancelled,
    OrderPlaced,
    OrderShipped,
    ProviderChanged,
    ReorderApproved,
    ReorderHeld,
    ReorderLine,
    StockArrived,
    SubscriptionChanged,
    ThresholdCrossed,
)


def now():
    return datetime.now(UTC)


def days(number):
    return timedelta(days=number)


def provider(**changes):
    return ProviderChanged(**({"provider_id": "globex", "name": "Globex", "protocol": "kafka"} | changes))


def offer(**changes):
    usual = {
        "provider_id": "globex",
        "product_id": "coffee-pods",
        "title": "Lungo pods",
        "pack_size": 50,
        "price": 1990,
        "currency": "EUR",
    }
    return OfferChanged(**(usual | changes))


def subscription(customer_id, product_id="coffee-pods", **changes):
    usual = {
        "customer_id": customer_id,
        "subscription_id": f"sub-{customer_id}-{product_id}",
        "product_id": product_id,
        "pool_id": f"{customer_id}/{product_id}",
        "provider_id": "globex",
        "packs": 1,
        "pack_size": 50,
        "mode": "auto",
        "status": "active",
    }
    return SubscriptionChanged(**(usual | changes))


def approved(customer_id, order_id, product_id="coffee-pods", **changes):
    usual = {
        "order_id": order_id,
        "customer_id": customer_id,
        "product_id": product_id,
        "pool_id": f"{customer_id}/{product_id}",
        "provider_id": "globex",
        "device_id": "machine",
        "slot": "1",
        "epoch": 1,
        "packs": 1,
        "pack_size": 50,
        "quantity": 50,
        "receipt_id": f"receipt-{order_id}",
        "decided_at": now(),
    }
    return ReorderApproved(**(usual | changes))


def held(customer_id, product_id="coffee-pods", **changes):
    usual = {
        "customer_id": customer_id,
        "product_id": product_id,
        "pool_id": f"{customer_id}/{product_id}",
        "epoch": 1,
        "reason": "paused",
        "wake_up": "SubscriptionChanged",
        "receipt_id": "receipt",
        "decided_at": now(),
    }
    return ReorderHeld(**(usual | changes))


def fact(customer_id, order_id, product_id="coffee-pods"):
    return {
        "order_id": order_id,
        "customer_id": customer_id,
        "product_id": product_id,
        "pool_id": f"{customer_id}/{product_id}",
        "provider_id": "globex",
        "occurred_at": now(),
    }


def drafted(customer_id, order_id, product_id="coffee-pods", **changes):
    usual = {"packs": 1, "quantity": 50, "price": 1990, "currency": "EUR"}
    return OrderDrafted(**(fact(customer_id, order_id, product_id) | usual | changes))


def placed(customer_id, order_id, product_id="coffee-pods", **changes):
    usual = {"packs": 1, "quantity": 50, "expected_at": now() + days(3)}
    return OrderPlaced(**(fact(customer_id, order_id, product_id) | usual | changes))


def shipped(customer_id, order_id, product_id="coffee-pods", **changes):
    usual = {"quantity": 50, "expected_at": now() + days(1), "tracking": "GX-1"}
    return OrderShipped(**(fact(customer_id, order_id, product_id) | usual | changes))


def delivered(customer_id, order_id, product_id="coffee-pods", **changes):
    usual = {"device_id": "machine", "slot": "1", "quantity": 50, "evidence": "reported"}
    return OrderDelivered(**(fact(customer_id, order_id, product_id) | usual | changes))


def cancelled(customer_id, order_id, product_id="coffee-pods", **changes):
    usual = {"by": "customer", "reason": "cancelled on the page"}
    return OrderCancelled(**(fact(customer_id, order_id, product_id) | usual | changes))


def failed(customer_id, order_id, product_id="coffee-pods", **changes):
    return OrderFailed(**(fact(customer_id, order_id, product_id) | {"reason": "Globex is not active"} | changes))


def lines_cancelled(customer_id, order_id, *lines, **changes):
    about = fact(customer_id, order_id, lines[0].product_id) | {"lines": lines}
    return OrderLinesCancelled(**about | {"by": "customer", "reason": "not needed"} | changes)


def line(line_id, product_id, quantity, **changes):
    """Line of an event, with the quantity that the event is about."""
    return Line(**_line(line_id, product_id, quantity) | changes)


def terms(line_id, product_id, quantity, **changes):
    """Line with its terms: one pack at 9.90."""
    usual = {"packs": 1, "pack_size": quantity, "unit_price": 990, "receipt_id": f"receipt-{product_id}"}
    return OrderLine(**_line(line_id, product_id, quantity) | usual | changes)


def to_order(line_id, product_id, quantity):
    usual = {"packs": 1, "pack_size": quantity, "epoch": 1, "receipt_id": f"receipt-{product_id}"}
    return ReorderLine(**_line(line_id, product_id, quantity) | usual)


def _line(line_id, product_id, quantity):
    return {
        "line_id": line_id,
        "product_id": product_id,
        "pool_id": f"pool-{product_id}",
        "device_id": "machine",
        "slot": line_id,
        "quantity": quantity,
        "unit": "C62",
    }


def crossed(customer_id, device_id, slot="1", product_id="coffee-pods", **changes):
    usual = {
        "device_id": device_id,
        "slot": slot,
        "customer_id": customer_id,
        "product_id": product_id,
        "pool_id": f"{customer_id}/{product_id}",
        "epoch": 1,
        "level": 14,
        "uncertainty": 1.0,
        "rate_per_day": 2.4,
        "run_out_at": now() + days(6),
        "occurred_at": now(),
    }
    return ThresholdCrossed(**(usual | changes))


def arrived(customer_id, order_id, product_id="coffee-pods", **changes):
    usual = {
        "owner_id": customer_id,
        "product_id": product_id,
        "order_id": order_id,
        "quantity": 50,
        "shelf": 50,
        "occurred_at": now(),
    }
    return StockArrived(**(usual | changes))


def notified(customer_id, kind, product_id="coffee-pods", **changes):
    usual = {
        "customer_id": customer_id,
        "notice_id": f"{customer_id}-{kind}-{product_id}",
        "kind": kind,
        "channel": "email",
        "product_id": product_id,
        "occurred_at": now(),
    }
    return CustomerNotified(**(usual | changes))
