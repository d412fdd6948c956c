"""Builders of the events that inventory consumes."""

from datetime import UTC, datetime
from typing import Any

from replenish_contracts.events import (
    AllocationLine,
    AllocationRequested,
    BaseUnit,
    ClaimRaised,
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    Evidence,
    Fill,
    FillCause,
    Line,
    OrderCancelled,
    OrderDelivered,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderRefused,
    OrderReturned,
    OrderShipped,
    SlotCorrected,
    SlotFilled,
    SlotSpec,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER = {"order_id": "o1", "customer_id": "ann", "product_id": "pods", "pool_id": "ann/pods", "provider_id": "acme"}
SLOT = {"device_id": "brewer", "slot": "1", "customer_id": "ann", "product_id": "pods"}


def registered(**changes) -> DeviceRegistered:
    spec = SlotSpec(slot="1", product_id="pods", unit=BaseUnit.EACH, capacity=50, fill=changes.pop("fill", Fill.ADD))
    fields = {"customer_id": "ann", "device_id": "brewer", "registration": 1, "credential_sha256": "0" * 64}
    return DeviceRegistered.model_validate({**fields, "slots": (spec,), **changes})


def replaced(by, **changes) -> DeviceReplaced:
    fields = registered(**changes).model_dump() | {"device_id": by, "replaces": "brewer", "moves": ()}
    return DeviceReplaced.model_validate(fields)


def deregistered(registration=1) -> DeviceDeregistered:
    return DeviceDeregistered(customer_id="ann", device_id="brewer", registration=registration)


def erased() -> CustomerErased:
    return CustomerErased(customer_id="ann")


def shipped(quantity=40, **changes) -> OrderShipped:
    return OrderShipped.model_validate({**ORDER, "occurred_at": NOON, "quantity": quantity, **changes})


def delivered(quantity=40, **changes) -> OrderDelivered:
    fields = {**ORDER, "occurred_at": NOON, "device_id": "brewer", "slot": "1", "evidence": Evidence.REPORTED}
    return OrderDelivered.model_validate({**fields, "quantity": quantity, **changes})


def about(*lines, **changes) -> dict[str, Any]:
    """Return the fields of an event about lines of (line, product, quantity); each product has a pool of its own."""
    told = tuple(
        Line(
            line_id=line_id,
            product_id=product,
            pool_id=f"ann/{product}/{line_id}",
            device_id="brewer",
            slot=line_id,
            quantity=quantity,
            unit=BaseUnit.EACH,
        )
        for line_id, product, quantity in lines
    )
    first = {"product_id": told[0].product_id, "pool_id": told[0].pool_id, "quantity": told[0].quantity}
    return {**first, "lines": told, **changes}


def lines_cancelled(*lines, **changes) -> OrderLinesCancelled:
    fields = {**ORDER, "occurred_at": NOON, "by": "customer", "reason": "not needed"}
    return OrderLinesCancelled.model_validate({**fields, **about(*lines, **changes)})


def lines_refused(*lines, **changes) -> OrderLinesRefused:
    fields = {**ORDER, "occurred_at": NOON, "reason": "discontinued"}
    return OrderLinesRefused.model_validate({**fields, **about(*lines, **changes)})


def cancelled(**changes) -> OrderCancelled:
    return OrderCancelled.model_validate({**ORDER, "occurred_at": NOON, "by": "provider", "reason": "lost", **changes})


def refused(**changes) -> OrderRefused:
    return OrderRefused.model_validate({**ORDER, "occurred_at": NOON, "reason": "no", **changes})


def failed(**changes) -> OrderFailed:
    return OrderFailed.model_validate({**ORDER, "occurred_at": NOON, "reason": "no", **changes})


def returned(quantity=40, **changes) -> OrderReturned:
    fields = {**ORDER, "occurred_at": NOON, "device_id": "brewer", "slot": "1", "reason": "too many", "by": "customer"}
    return OrderReturned.model_validate({**fields, "quantity": quantity, **changes})


def claimed(received, **changes) -> ClaimRaised:
    return ClaimRaised.model_validate({**ORDER, "occurred_at": NOON, "ordered": 40, "received": received, **changes})


def asked(*lines, **changes) -> AllocationRequested:
    """Request lines of (product, quantity), or of (line, product, quantity); forty pods by default."""
    told = tuple(
        AllocationLine(product_id=product, quantity=n, line_id=line_id[0] if line_id else None)
        for *line_id, product, n in lines or (("pods", 40),)
    )
    return AllocationRequested.model_validate({**ORDER, "occurred_at": NOON, "lines": told, **changes})


def filled(quantity=10, cause=FillCause.REPORTED, **changes) -> SlotFilled:
    return SlotFilled.model_validate(
        {**SLOT, "quantity": quantity, "level": quantity, "cause": cause, "occurred_at": NOON, **changes}
    )


def corrected(difference) -> SlotCorrected:
    return SlotCorrected.model_validate({**SLOT, "difference": difference, "level": 9, "occurred_at": NOON})
