import asyncio
import hashlib
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from deploy.local.waiting import until
from services.gateway.api.device_registry import DeviceRegistry
from services.gateway.domain.devices import Device
from services.gateway.settings import Settings
from services.gateway.store import Change
from tests.unit.gateway import builders

SOON_S = 10


def digest(credential):
    return hashlib.sha256(credential.encode()).digest()


class Store:
    """Devices in memory; `pause` delays lookups by credential."""

    def __init__(self):
        self.devices, self.changes, self.lookups = {}, [], 0
        self.pause = asyncio.Event()
        self.pause.set()

    def add(self, device):
        self.devices[device.device_id] = device
        self.changes.append(Change(len(self.changes) + 1, device.device_id, digest(device.device_id)))

    def delete_without_change(self, device_id):
        """Delete a device whose departure is no longer listed."""
        del self.devices[device_id]

    async def get_revision(self):
        return len(self.changes)

    async def list_changes(self, after):
        return self.changes[after:]

    async def find_device_by_credential(self, sha256):
        self.lookups += 1
        seen = next((device for name, device in self.devices.items() if digest(name) == sha256), None)
        await self.pause.wait()
        return seen

    async def list_devices(self, device_ids):
        self.lookups += 1
        return [self.devices[device_id] for device_id in device_ids if device_id in self.devices]


@asynccontextmanager
async def following(store, **overrides):
    defaults = {"registration_wait_seconds": 0.2, "changes_poll_seconds": 0.01, "changes_poll_waiting_seconds": 0.01}
    settings = Settings.model_construct(**(Settings.model_construct().model_dump() | defaults | overrides))

    @asynccontextmanager
    async def read():
        yield store

    registry = DeviceRegistry(SimpleNamespace(read=read), settings)
    task = asyncio.create_task(registry.follow_changes())
    await until(lambda: registry._revision is not None, "changes are followed", within_s=SOON_S)
    try:
        yield registry
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def device(name="machine-1"):
    return Device(name, "customer-1", 1, builders.device().slots)


async def elapsed(waiting):
    clock = asyncio.get_running_loop().time
    started = clock()
    found = await waiting
    return found, clock() - started


async def test_find_by_ids_waits_once_for_many_unknown_devices():
    store = Store()
    store.add(device())
    async with following(store, registration_wait_seconds=1) as registry:
        found, seconds = await elapsed(registry.find_by_ids({"machine-1", *(f"unknown-{n}" for n in range(500))}))
        again, at_once = await elapsed(registry.find_by_ids({f"unknown-{n}" for n in range(500)}))

    assert list(found) == ["machine-1"]
    assert 1 <= seconds < 100  # 500 s if each were waited for separately
    assert again == {}
    assert at_once < 1


async def test_find_by_ids_returns_devices_registered_during_the_wait():
    store = Store()
    async with following(store, registration_wait_seconds=SOON_S) as registry:
        waiting = asyncio.create_task(registry.find_by_ids({"machine-1", "machine-2"}))
        await asyncio.sleep(0.05)
        store.add(device("machine-1"))
        await asyncio.sleep(0.05)
        store.add(device("machine-2"))

        assert sorted(await waiting) == ["machine-1", "machine-2"]


async def test_device_registered_at_end_of_wait_is_not_remembered_as_unknown():
    store = Store()
    async with following(store) as registry:
        waiting = asyncio.create_task(registry.find_by_credential("machine-1"))
        await asyncio.sleep(0.05)
        store.pause.clear()  # the lookup that the change triggers times out
        store.add(device("another-machine"))
        await asyncio.sleep(0.05)
        store.add(device())
        missed = await waiting
        store.pause.set()

        assert missed is None
        assert await registry.find_by_credential("machine-1") == device()


@pytest.mark.parametrize("deleted", [False, True])
async def test_cache_is_dropped_if_changes_were_not_read_for_long(deleted):
    store = Store()
    store.add(device())
    async with following(store) as registry:
        assert await registry.find_by_credential("machine-1") == device()
        if deleted:
            store.delete_without_change("machine-1")

        registry._fresh_at -= 3600
        await asyncio.sleep(0.05)

        assert (await registry.find_by_credential("machine-1") is None) is deleted
