"""Registered devices as the gateway knows them, and an LRU cache of them."""

from collections import OrderedDict
from datetime import datetime

import msgspec

from replenish_contracts.units import BaseUnit, UnitSystem


class Slot(msgspec.Struct, frozen=True, gc=False):
    """How a slot counts: in steps of 10^-scale of its base unit. `capacity` is in steps."""

    unit: BaseUnit
    scale: int
    capacity: int
    system: UnitSystem | None = None


class SlotWarning(msgspec.Struct, frozen=True, gc=False):
    """Why a slot's level is doubtful, as consumption detected it."""

    slot: str
    problem: str
    at: datetime


class Device(msgspec.Struct, frozen=True):
    """One registration of a device, with its slots by name and its newest warnings by code."""

    device_id: str
    customer_id: str
    registration: int
    slots: dict[str, Slot]
    warnings: dict[str, SlotWarning] = {}


class DeviceCache:
    """LRU cache of devices by id and by SHA-256 of their credential."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._devices: OrderedDict[str, Device] = OrderedDict()
        self._id_by_digest: dict[bytes, str] = {}
        self._digest_by_id: dict[str, bytes] = {}

    def find(self, device_id: str) -> Device | None:
        device = self._devices.get(device_id)
        if device is not None:
            self._devices.move_to_end(device_id)
        return device

    def find_by_credential(self, digest: bytes) -> Device | None:
        device_id = self._id_by_digest.get(digest)
        return None if device_id is None else self.find(device_id)

    def save(self, device: Device, digest: bytes | None) -> None:
        """Add or replace a device; a digest replaces the one it had before, None keeps that."""
        if digest is not None:
            self._delete_digest(device.device_id)
            self._id_by_digest[digest] = device.device_id
            self._digest_by_id[device.device_id] = digest
        self._devices[device.device_id] = device
        self._devices.move_to_end(device.device_id)
        if len(self._devices) > self._size:
            oldest, _ = self._devices.popitem(last=False)
            self._delete_digest(oldest)

    def delete(self, device_id: str) -> None:
        self._devices.pop(device_id, None)
        self._delete_digest(device_id)

    def _delete_digest(self, device_id: str) -> None:
        digest = self._digest_by_id.pop(device_id, None)
        if digest is not None:
            self._id_by_digest.pop(digest, None)
