"""Builders of the events of an order with pods (2 x 50) and beans (1 kg), which may come in several parcels."""

from replenish_contracts.events import (
    CartPrepared,
    ClaimRaised,
    Line,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderLine,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderModified,
    OrderPlaced,
    OrderRefused,
    OrderReturned,
    OrderShipped,
    OrderUnknown,
    ReorderApproved,
    ReorderLine,
)
from tests.unit.portal.builders import DAY, NOW

PODS = {"line_id": "1", "product_id": "pods", "pool_id": "ana/pods", "device_id": "machine", "slot": "1", "unit": "C62"}
BEANS = {
    "line_id": "2",
    "product_id": "beans",
    "pool_id": "ana/beans",
    "device_id": "mill",
    "slot": "a",
    "unit": "GRM",
    "scale": 0,
}
POD_TERMS = PODS | {"packs": 2, "pack_size": 50, "quantity": 100, "receipt_id": "receipt-pods"}
BEAN_TERMS = BEANS | {"packs": 1, "pack_size": 1000, "quantity": 1000, "receipt_id": "receipt-beans"}
PRICES = ({"unit_price": 500}, {"unit_price": 1200})


def pods(quantity=100, **changes):
    return Line(quantity=quantity, **PODS | changes)


def beans(quantity=1000, **changes):
    return Line(quantity=quantity, **BEANS | changes)


def terms(pods=None, beans=None):
    return OrderLine(**POD_TERMS | PRICES[0] | (pods or {})), OrderLine(**BEAN_TERMS | PRICES[1] | (beans or {}))


def _about(lines, hours):
    return {
        "order_id": "order-1",
        "customer_id": "ana",
        "provider_id": "acme",
        "lines": lines,
        "product_id": lines[0].product_id,
        "pool_id": lines[0].pool_id,
        "occurred_at": NOW + DAY * hours / 24,
    }


def approved(hours=0, **changes):
    lines = tuple(ReorderLine(epoch=1, **one) for one in (POD_TERMS, BEAN_TERMS))
    usual = {
        "order_id": "order-1",
        "customer_id": "ana",
        "provider_id": "acme",
        "product_id": "pods",
        "pool_id": "ana/pods",
        "device_id": "machine",
        "slot": "1",
        "epoch": 1,
        "packs": 2,
        "pack_size": 50,
        "quantity": 100,
        "receipt_id": "receipt-pods",
        "decided_at": NOW + DAY * hours / 24,
        "lines": lines,
    }
    return ReorderApproved(**usual | changes)


def _with_terms(kind, lines, hours, changes):
    return kind(**_about(lines, hours) | {"packs": lines[0].packs, "quantity": lines[0].quantity} | changes)


def drafted(lines=None, hours=1, **changes):
    return _with_terms(OrderDrafted, lines or terms(), hours, {"price": 2490, "currency": "EUR", "fee": 290} | changes)


def modified(lines, hours=2, **changes):
    return _with_terms(OrderModified, lines, hours, {"currency": "EUR", "fee": 290} | changes)


def cart_prepared(lines=None, hours=2):
    return _with_terms(CartPrepared, lines or terms(), hours, {})


def placed(lines=None, hours=3, **changes):
    return _with_terms(OrderPlaced, lines or terms(), hours, {"expected_at": NOW + 3 * DAY} | changes)


def unknown(hours=2, reason="no answer"):
    return OrderUnknown(**_about((pods(), beans()), hours), reason=reason)


def refused(hours=3, reason="sold out"):
    return OrderRefused(**_about((pods(), beans()), hours), reason=reason)


def lines_refused(*lines, hours=3, reason="sold out", **changes):
    return OrderLinesRefused(**_about(lines, hours), reason=reason, **changes)


def shipped(*lines, hours=10, complete=False, **changes):
    usual = _about(lines, hours) | {"quantity": lines[0].quantity, "complete": complete}
    return OrderShipped(**usual | changes)


def delivered(*lines, hours=40, complete=False, **changes):
    usual = _about(lines, hours) | {"quantity": lines[0].quantity, "complete": complete, "evidence": "reported"}
    return OrderDelivered(**usual | {"device_id": lines[0].device_id, "slot": lines[0].slot} | changes)


def cancelled(hours=4, **changes):
    return OrderCancelled(**_about((pods(), beans()), hours) | {"by": "customer", "reason": "too much"} | changes)


def lines_cancelled(*lines, hours=4, **changes):
    return OrderLinesCancelled(**_about(lines, hours) | {"by": "customer", "reason": "not needed"} | changes)


def failed(hours=4, **changes):
    return OrderFailed(**_about((pods(), beans()), hours) | {"reason": "Acme is not active"} | changes)


def claim_raised(line, received, hours=41):
    about = _about((line.model_copy(update={"quantity": received}),), hours)
    return ClaimRaised(**about, ordered=line.quantity, received=received)


def returned(line, hours=60):
    about = _about((line,), hours) | {"device_id": line.device_id, "slot": line.slot, "quantity": line.quantity}
    return OrderReturned(**about, reason="", by="customer")


def without_lines(event):
    """Return the event as it was before orders had lines."""
    return event.model_copy(update={"lines": ()})
