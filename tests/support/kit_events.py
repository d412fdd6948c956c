"""Builders of records for the kit's tests."""

from datetime import UTC, datetime

from replenish_contracts.events import DeviceRegistered, OrderUpdated, SlotFilled, SlotUsed
from replenish_contracts.wire import encode

AT = datetime(2026, 1, 1, tzinfo=UTC)


def slot_used(device, n=1, quantity=1):
    """One use; its id is `<device>-<n>`."""
    event = SlotUsed(device_id=device, slot="1", quantity=quantity, boot="b", seq=n + 1, occurred_at=AT, received_at=AT)
    return encode(event, id=f"{device}-{n}", source="/test", time=AT)


def device_registered(customer, device=None, model=""):
    return DeviceRegistered(
        customer_id=customer,
        device_id=device or f"device of {customer}",
        registration=1,
        model=model,
        credential_sha256="0" * 64,
        slots=(),
    )


def slot_filled(device, quantity=1):
    return SlotFilled(
        device_id=device,
        slot="1",
        customer_id="c",
        product_id="p",
        quantity=quantity,
        level=0,
        cause="reported",
        occurred_at=AT,
    )


def order_updated(provider, order, status="accepted"):
    return OrderUpdated(provider_id=provider, update_id=f"u-{order}", order_id=order, status=status, occurred_at=AT)


def said(event, n, *, cause=None, traceparent=None):
    """A service's event with the sequence `n`; its id is `<topic>-<n>-<key>`."""
    return encode(
        event,
        id=f"{event.topic}-{n}-{event.key}",
        source="/replenish/test",
        time=AT,
        sequence=n,
        cause=cause,
        traceparent=traceparent,
    )
