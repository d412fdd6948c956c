"""Builds the events about devices."""

from replenish_contracts.events import DeviceRegistered
from services.portal.domain.devices import Device


def device_registered(device: Device) -> DeviceRegistered:
    return DeviceRegistered(
        customer_id=device.customer_id,
        device_id=device.device_id,
        registration=device.registration,
        model=device.model,
        credential_sha256=device.credential_sha256.hex(),
        slots=device.slots,
    )
