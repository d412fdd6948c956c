import asyncio
import hashlib
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from deploy.local.waiting import until
from services.gateway.api.registry import Registry
from services.gateway.domain.devices import Device
from services.gateway.settings import Settings
from services.gateway.store.devices import Change
from tests.unit.gateway import a

SOON_S = 10


def digest(credential):
    return hashlib.sha256(credential.encode()).digest()


class Table:
    """The table of devices; a look at it may be made to take its time."""

    def __init__(self):
        self.devices, self.changes, self.looks = {}, [], 0
        self.pause = asyncio.Event()
        self.pause.set()

    def enter(self, device):
        self.devices[device.device_id] = device
        self.changes.append(Change(len(self.changes) + 1, device.device_id, digest(device.device_id)))

    def leave_unseen(self, device_id):
        """Whoever left long ago is in no list of changes."""
        del self.devices[device_id]

    async def get_revision(self):
        return len(self.changes)

    async def list_changes(self, after):
        return self.changes[after:]

    async def find_device_by_credential(self, sha256):
        self.looks += 1
        seen = next((device for name, device in self.devices.items() if digest(name) == sha256), None)
        await self.pause.wait()
        return seen

    async def list_devices(self, device_ids):
        self.looks += 1
        return [self.devices[device_id] for device_id in device_ids if device_id in self.devices]


@asynccontextmanager
async def following(table, **knobs):
    usual = {"registration_wait_seconds": 0.2, "changes_poll_seconds": 0.01, "changes_poll_waiting_seconds": 0.01}
    settings = Settings.model_construct(**(Settings.model_construct().model_dump() | usual | knobs))

    @asynccontextmanager
    async def read():
        yield table

    registry = Registry(SimpleNamespace(read=read), settings)
    watch = asyncio.create_task(registry.watch())
    await until(lambda: registry._revision is not None, "changes are followed", within_s=SOON_S)
    try:
        yield registry
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


def device(name="machine-1"):
    return Device(name, "customer-1", 1, a.device().slots)


async def elapsed(waiting):
    clock = asyncio.get_running_loop().time
    began = clock()
    found = await waiting
    return found, clock() - began


async def test_many_that_nobody_knows_are_waited_for_together():
    table = Table()
    table.enter(device())
    async with following(table, registration_wait_seconds=1) as registry:
        found, seconds = await elapsed(registry.by_ids({"machine-1", *(f"nobody-{n}" for n in range(500))}))
        again, at_once = await elapsed(registry.by_ids({f"nobody-{n}" for n in range(500)}))

    assert list(found) == ["machine-1"]
    assert 1 <= seconds < 100  # one after the other they would be 500 s
    assert again == {}
    assert at_once < 1


async def test_one_that_comes_while_it_is_waited_for_is_found_with_the_others():
    table = Table()
    async with following(table, registration_wait_seconds=SOON_S) as registry:
        waiting = asyncio.create_task(registry.by_ids({"machine-1", "machine-2"}))
        await asyncio.sleep(0.05)
        table.enter(device("machine-1"))
        await asyncio.sleep(0.05)
        table.enter(device("machine-2"))

        assert sorted(await waiting) == ["machine-1", "machine-2"]


async def test_one_that_registers_in_the_last_moment_of_the_wait_is_no_stranger_for_ever():
    table = Table()
    async with following(table) as registry:
        waiting = asyncio.create_task(registry.by_credential("machine-1"))
        await asyncio.sleep(0.05)
        table.pause.clear()  # the look that the change causes does not end in time
        table.enter(device("somebody-else"))
        await asyncio.sleep(0.05)
        table.enter(device())
        missed = await waiting
        table.pause.set()

        assert missed is None
        assert await registry.by_credential("machine-1") == device()


@pytest.mark.parametrize("gone", [False, True])
async def test_after_a_long_silence_of_the_table_nobody_is_believed_to_be_still_there(gone):
    table = Table()
    table.enter(device())
    async with following(table) as registry:
        assert await registry.by_credential("machine-1") == device()
        if gone:
            table.leave_unseen("machine-1")

        registry._fresh_at -= 3600
        await asyncio.sleep(0.05)

        assert (await registry.by_credential("machine-1") is None) is gone
