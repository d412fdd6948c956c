"""A device's life: registered, replaced or deregistered, and perhaps registered again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from libs.contracts.events import SlotSpec


class DeviceState(StrEnum):
    """Whether a device reports for somebody."""

    REGISTERED = "registered"
    REPLACED = "replaced"
    DEREGISTERED = "deregistered"


@dataclass(frozen=True)
class Device:
    """A device that is registered."""

    device_id: str
    registration: int
    customer_id: str
    model: str
    serial: str | None
    #: What the credential is derived from, and its SHA-256.
    nonce: bytes
    credential_sha256: bytes
    registered_at: datetime
    slots: tuple[SlotSpec, ...] = ()


@dataclass(frozen=True)
class Past:
    """What is left of a device that was registered before, or still is."""

    registration: int
    state: DeviceState


def next_registration(past: Past | None) -> int | None:
    """Return the number of a new registration; None while the device is registered."""
    if past is None:
        return 1
    return None if past.state is DeviceState.REGISTERED else past.registration + 1
