"""Devices and their registrations: registered, replaced or deregistered, and possibly registered again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from replenish_contracts.events import SlotSpec


class DeviceState(StrEnum):
    REGISTERED = "registered"
    REPLACED = "replaced"
    DEREGISTERED = "deregistered"


@dataclass(frozen=True)
class Device:
    """A registered device."""

    device_id: str
    registration: int
    customer_id: str
    model: str
    serial: str | None
    #: Input of the credential's derivation, and the SHA-256 of the credential.
    nonce: bytes
    credential_sha256: bytes
    registered_at: datetime
    slots: tuple[SlotSpec, ...] = ()


@dataclass(frozen=True)
class Registration:
    """Latest registration of a device id, current or ended."""

    registration: int
    state: DeviceState


def next_registration(latest: Registration | None) -> int | None:
    """Return the number of the next registration; None if the device is still registered."""
    if latest is None:
        return 1
    return None if latest.state is DeviceState.REGISTERED else latest.registration + 1
