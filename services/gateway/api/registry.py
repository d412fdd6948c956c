"""Which device a credential belongs to, as of at most a second ago."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic

from libs.kit import Kit
from libs.kit.failures import TRANSIENT
from libs.kit.problems import Problem
from services.gateway.domain.devices import Device
from services.gateway.domain.memory import Memory
from services.gateway.settings import Settings

LOG = logging.getLogger(__name__)
STRANGERS_REMEMBERED = 10_000

Look = Callable[[], Awaitable[Device | None]]


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
        return self.remembered(credential) or await self._find(digest, lambda: self._load(digest))

    async def by_id(self, device_id: str) -> Device | None:
        """Return the device; one that nobody knows is waited for."""
        self._check_fresh()
        name = hashlib.sha256(b"id:" + device_id.encode()).digest()
        return self._memory.find(device_id) or await self._find(name, lambda: self._load_by_id(device_id))

    async def watch(self) -> None:
        """Follow the changes of the table, for ever."""
        while True:
            self._hurry.clear()
            try:
                await self._follow()
            except TRANSIENT as passing:
                LOG.warning("changes of devices not read", extra={"reason": repr(passing)})
            pause = self._settings.changes_poll_seconds
            if self._waiting:
                pause = self._settings.changes_poll_waiting_seconds
            try:
                await asyncio.wait_for(self._hurry.wait(), pause)
            except TimeoutError:
                continue

    async def _follow(self) -> None:
        async with self._kit.read() as store:
            if self._revision is None:
                self._revision = await store.get_revision()
            changes = await store.list_changes(self._revision)
        self._fresh_at = monotonic()
        for change in changes:
            self._revision = change.revision
            self._memory.forget(change.device_id)
            self._strangers.pop(hashlib.sha256(b"id:" + change.device_id.encode()).digest(), None)
            if change.credential_sha256 is not None:
                self._strangers.pop(change.credential_sha256, None)
        if changes:
            self._changed.set()
            self._changed = asyncio.Event()

    async def _find(self, name: bytes, look: Look) -> Device | None:
        if name in self._strangers:
            return None
        return await look() or await self._wait(name, look)

    async def _wait(self, name: bytes, look: Look) -> Device | None:
        if self._waiting >= self._settings.strangers_waiting:
            raise Problem(429, "too_many_unknown", "Too many unknown devices at once", headers={"Retry-After": "1"})
        self._waiting += 1
        self._hurry.set()
        try:
            async with asyncio.timeout(self._settings.registration_wait_seconds):
                while True:
                    changed = self._changed  # before looking: what comes meanwhile sets this one
                    if device := await look():
                        return device
                    await changed.wait()
        except TimeoutError:
            self._note_stranger(name)
            return None
        finally:
            self._waiting -= 1

    def _note_stranger(self, name: bytes) -> None:
        if self._revision is None:
            return  # changes are not followed yet: nobody would say when it stops being one
        self._strangers[name] = None
        if len(self._strangers) > STRANGERS_REMEMBERED:
            self._strangers.popitem(last=False)

    async def _load(self, digest: bytes) -> Device | None:
        revision = self._revision
        async with self._kit.read() as store:
            device: Device | None = await store.find_device_by_credential(digest)
        self._keep(device, digest, revision)
        return device

    async def _load_by_id(self, device_id: str) -> Device | None:
        revision = self._revision
        async with self._kit.read() as store:
            device: Device | None = await store.find_device(device_id)
        self._keep(device, None, revision)
        return device

    def _keep(self, device: Device | None, digest: bytes | None, revision: int | None) -> None:
        """Remember what was read, unless something changed since then: it might be old already."""
        if device is not None and revision is not None and revision == self._revision:
            self._memory.keep(device, digest)

    def _check_fresh(self) -> None:
        if monotonic() - self._fresh_at > self._settings.credentials_stale_seconds:
            raise Problem(
                503, "credentials_stale", "Credentials cannot be checked just now", headers={"Retry-After": "2"}
            )
