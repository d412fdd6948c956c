"""Which device a credential belongs to, as of at most a second ago."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from libs.kit import Kit
from libs.kit.clock import wait_for_event
from libs.kit.errors import TRANSIENT
from libs.kit.http.problems import ProblemError
from services.gateway.domain.devices import Device
from services.gateway.domain.memory import Memory
from services.gateway.settings import Settings

LOG = logging.getLogger(__name__)
STRANGERS_REMEMBERED = 10_000

Found = TypeVar("Found")
Look = Callable[[], Awaitable[Found | None]]


class Registry:
    """Remembers devices, and forgets each as soon as its row changes.

    A name that was waited for in vain is a stranger: it is answered at once until its
    registration arrives.
    """

    def __init__(self, kit: Kit, settings: Settings) -> None:
        self._kit = kit
        self._settings = settings
        self._memory = Memory(settings.devices_remembered)
        self._strangers: OrderedDict[bytes, None] = OrderedDict()
        self._waiting = 0
        self._revision: int | None = None
        self._fresh_at = monotonic()
        self._hurry = asyncio.Event()
        self._changed = asyncio.Event()

    def remembered(self, credential: str) -> Device | None:
        """Return the credential's device if no table has to be asked."""
        self._check_fresh()
        return self._memory.find_by_credential(hashlib.sha256(credential.encode()).digest())

    async def by_credential(self, credential: str) -> Device | None:
        """Return the credential's device; one that nobody knows is waited for."""
        digest = hashlib.sha256(credential.encode()).digest()
        return self.remembered(credential) or await self._find({digest}, lambda: self._load(digest))

    async def by_ids(self, device_ids: set[str]) -> dict[str, Device]:
        """Return the devices there are; those that nobody knows are waited for, all of them together."""
        self._check_fresh()
        known = {device_id: device for device_id in device_ids if (device := self._memory.find(device_id))}
        names = {_name(device_id): device_id for device_id in device_ids if device_id not in known}
        strange = {name for name in names if name not in self._strangers}
        wanted = {names[name] for name in strange}

        async def look() -> dict[str, Device] | None:
            known.update(await self._load_by_ids(wanted - known.keys()))
            return known if wanted <= known.keys() else None

        return await self._find(strange, look) or known

    async def watch(self) -> None:
        """Follow the changes of the table, for ever."""
        while True:
            self._hurry.clear()
            try:
                await self._follow()
            except TRANSIENT as error:
                LOG.warning("changes of devices not read", extra={"reason": repr(error)})
            pause = self._settings.changes_poll_seconds
            if self._waiting:
                pause = self._settings.changes_poll_waiting_seconds
            await wait_for_event(self._hurry, pause)

    async def _follow(self) -> None:
        async with self._kit.read() as store:
            if self._is_stale():
                self._forget_all()  # who left meanwhile may be told of no more
            if self._revision is None:
                self._revision = await store.get_revision()
            changes = await store.list_changes(self._revision)
        self._fresh_at = monotonic()
        for change in changes:
            self._revision = change.revision
            self._memory.forget(change.device_id)
            self._strangers.pop(_name(change.device_id), None)
            if change.credential_sha256 is not None:
                self._strangers.pop(change.credential_sha256, None)
        if changes:
            self._changed.set()
            self._changed = asyncio.Event()

    async def _find(self, names: set[bytes], look: Look[Found]) -> Found | None:
        if names <= self._strangers.keys():
            return None
        return await look() or await self._wait(names, look)

    async def _wait(self, names: set[bytes], look: Look[Found]) -> Found | None:
        if self._waiting >= self._settings.strangers_waiting:
            raise ProblemError(
                429, "too_many_unknown", "Too many unknown devices at once", headers={"Retry-After": "1"}
            )
        self._waiting += 1
        self._hurry.set()
        looked_at: int | None = None
        try:
            async with asyncio.timeout(self._settings.registration_wait_seconds):
                while True:
                    changed, revision = self._changed, self._revision  # before looking: what comes meanwhile sets it
                    if found := await look():
                        return found
                    looked_at = revision
                    await changed.wait()
        except TimeoutError:
            self._note_strangers(names, looked_at)
            return None
        finally:
            self._waiting -= 1

    def _note_strangers(self, names: set[bytes], looked_at: int | None) -> None:
        if looked_at is None or looked_at != self._revision:
            return  # something changed since: nobody would say when these stop being strangers
        self._strangers.update(dict.fromkeys(names))
        while len(self._strangers) > STRANGERS_REMEMBERED:
            self._strangers.popitem(last=False)

    async def _load(self, digest: bytes) -> Device | None:
        revision = self._revision
        async with self._kit.read() as store:
            device: Device | None = await store.find_device_by_credential(digest)
        self._keep(device, digest, revision)
        return device

    async def _load_by_ids(self, device_ids: set[str]) -> dict[str, Device]:
        revision = self._revision
        async with self._kit.read() as store:
            devices: list[Device] = await store.list_devices(sorted(device_ids))
        for device in devices:
            self._keep(device, None, revision)
        return {device.device_id: device for device in devices}

    def _keep(self, device: Device | None, digest: bytes | None, revision: int | None) -> None:
        """Remember what was read, unless something changed since then: it might be old already."""
        if device is not None and revision is not None and revision == self._revision:
            self._memory.keep(device, digest)

    def _check_fresh(self) -> None:
        if self._is_stale():
            raise ProblemError(
                503, "credentials_stale", "Credentials cannot be checked just now", headers={"Retry-After": "2"}
            )

    def _is_stale(self) -> bool:
        return monotonic() - self._fresh_at > self._settings.credentials_stale_seconds

    def _forget_all(self) -> None:
        self._memory = Memory(self._settings.devices_remembered)
        self._strangers.clear()
        self._revision = None


def _name(device_id: str) -> bytes:
    """Return by what a stranger is remembered that was asked for by its id."""
    return hashlib.sha256(b"id:" + device_id.encode()).digest()
