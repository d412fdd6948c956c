"""Builders of the events that reorder_decision consumes."""

from typing import Any

from replenish_contracts.events import (
    BaseUnit,
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderPlaced,
    OrderRefused,
    ProviderChanged,
    SlotFilled,
    SlotLevelChanged,
    SlotMove,
    SlotSpec,
    StockArrived,
    StockCounted,
    ThresholdCrossed,
)
from tests.support.decisions import NOON

SLOT = {"slot": "1", "customer_id": "ann", "product_id": "pods", "occurred_at": NOON}
STOCK = {"owner_id": "ann", "product_id": "pods", "occurred_at": NOON}
ORDER = {"customer_id": "ann", "product_id": "pods", "pool_id": "ann/pods", "provider_id": "acme", "occurred_at": NOON}


def spec(**changes) -> SlotSpec:
    fields = {"slot": "1", "product_id": "pods", "unit": BaseUnit.EACH, "capacity": 50, "level": 30}
    return SlotSpec.model_validate(fields | changes)


def registered(device_id="brewer", *slots, **changes) -> DeviceRegistered:
    fields = {"customer_id": "ann", "registration": 1, "credential_sha256": "0" * 64}
    return DeviceRegistered.model_validate({**fields, "device_id": device_id, "slots": slots or (spec(),), **changes})


def replaced(device_id="new", replaces="brewer", **changes) -> DeviceReplaced:
    fields = registered(device_id, **changes).model_dump() | {
        "replaces": replaces,
        "moves": (SlotMove(old_slot="1", new_slot="1"),),
    }
    return DeviceReplaced.model_validate(fields)


def deregistered(device_id="brewer", registration=1) -> DeviceDeregistered:
    return DeviceDeregistered(customer_id="ann", device_id=device_id, registration=registration)


def erased() -> CustomerErased:
    return CustomerErased(customer_id="ann")


def offer(**changes) -> OfferChanged:
    fields = {"provider_id": "acme", "product_id": "pods", "title": "Pods", "pack_size": 40, "price": 499}
    return OfferChanged.model_validate({**fields, "currency": "USD", **changes})


def provider(active=True, provider_id="acme", **changes) -> ProviderChanged:
    return ProviderChanged(provider_id=provider_id, name="Acme", protocol="kafka", active=active, **changes)


def crossed(epoch, level=6, device_id="brewer", rate=2.0, **changes) -> ThresholdCrossed:
    fields = SLOT | {"device_id": device_id, "pool_id": "ann/pods", "epoch": epoch, "level": level}
    return ThresholdCrossed.model_validate({**fields, "uncertainty": 0.5, "rate_per_day": rate, **changes})


def level_changed(level, device_id="brewer", rate=1.0) -> SlotLevelChanged:
    return SlotLevelChanged.model_validate(
        {**SLOT, "device_id": device_id, "level": level, "uncertainty": 0.5, "rate_per_day": rate}
    )


def filled(level, device_id="brewer", **changes) -> SlotFilled:
    fields = {**SLOT, "device_id": device_id, "quantity": level, "level": level, "cause": "reported"}
    return SlotFilled.model_validate(fields | changes)


def arrived(order_id, shelf=40, quantity=40, **changes) -> StockArrived:
    return StockArrived.model_validate({**STOCK, "order_id": order_id, "quantity": quantity, "shelf": shelf, **changes})


def counted(shelf) -> StockCounted:
    return StockCounted.model_validate({**STOCK, "shelf": shelf, "difference": 0, "cause": "counted"})


def cancelled(order_id, by="customer") -> OrderCancelled:
    return OrderCancelled.model_validate({**ORDER, "order_id": order_id, "by": by, "reason": "enough"})


def refused(order_id, **changes) -> OrderRefused:
    return OrderRefused.model_validate({**ORDER, "order_id": order_id, "reason": "sold out", **changes})


def failed(order_id, **changes) -> OrderFailed:
    return OrderFailed.model_validate({**ORDER, "order_id": order_id, "reason": "it never got the order", **changes})


def placed(order_id, **changes) -> OrderPlaced:
    return OrderPlaced.model_validate({**ORDER, "order_id": order_id, "packs": 1, "quantity": 40, **changes})


def delivered(order_id, **changes) -> OrderDelivered:
    fields = {**ORDER, "order_id": order_id, "device_id": "brewer", "slot": "1", "quantity": 40}
    return OrderDelivered.model_validate({**fields, "evidence": "reported", **changes})


def line(approved_line, quantity=None) -> dict[str, Any]:
    """Return the line of an order event about a line of a ReorderApproved."""
    fields = approved_line.model_dump(exclude_none=True) | {"unit": approved_line.unit or BaseUnit.EACH}
    return fields if quantity is None else fields | {"quantity": quantity}


def about(order_id, *lines) -> dict[str, Any]:
    """Return the fields of an order event about these lines of a ReorderApproved."""
    first = lines[0]
    fields = {"order_id": order_id, "product_id": first.product_id, "pool_id": first.pool_id}
    return ORDER | fields | {"quantity": first.quantity, "lines": [line(one) for one in lines]}


def drafted(order_id, *lines) -> OrderDrafted:
    return OrderDrafted.model_validate(about(order_id, *lines) | {"packs": lines[0].packs})


def lines_refused(order_id, *lines, **changes) -> OrderLinesRefused:
    return OrderLinesRefused.model_validate(about(order_id, *lines) | {"reason": "sold out", **changes})


def lines_cancelled(order_id, *lines, by="customer", **changes) -> OrderLinesCancelled:
    return OrderLinesCancelled.model_validate(about(order_id, *lines) | {"by": by, "reason": "enough", **changes})
