"""Finds the device of a credential or an id, from a cache that is at most about a second old."""

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
from services.gateway.domain.devices import Device, DeviceCache
from services.gateway.settings import Settings

LOG = logging.getLogger(__name__)
MAX_UNKNOWN_KEYS = 10_000

Found = TypeVar("Found")
Lookup = Callable[[], Awaitable[Found | None]]


class DeviceRegistry:
    """Caches devices and drops each as soon as its row changes.

    An unknown device is waited for, because its registration may still be on its way through Kafka. After that wait its
    key is remembered, and later requests are answered at once until its registration arrives.
    """

    def __init__(self, kit: Kit, settings: Settings) -> None:
        self._kit = kit
        self._settings = settings
        self._cache = DeviceCache(settings.max_cached_devices)
        #: SHA-256 of unknown credentials, and `_key_of_id` of unknown device ids.
        self._unknown: OrderedDict[bytes, None] = OrderedDict()
        self._waits = 0
        #: Up to which revision changes were read; None until the first read.
        self._revision: int | None = None
        self._fresh_at = monotonic()
        self._poll_now = asyncio.Event()
        self._changed = asyncio.Event()

    def find_cached(self, credential: str) -> Device | None:
        """Return the device of a credential without I/O; raises 503 if the cache is stale."""
        self._check_fresh()
        return self._cache.find_by_credential(hashlib.sha256(credential.encode()).digest())

    async def find_by_credential(self, credential: str) -> Device | None:
        """Return the device of a credential, after waiting for its registration if it is unknown."""
        digest = hashlib.sha256(credential.encode()).digest()
        return self.find_cached(credential) or await self._find({digest}, lambda: self._load_by_credential(digest))

    async def find_by_ids(self, device_ids: set[str]) -> dict[str, Device]:
        """Return the devices that exist, by id; all unknown ones are waited for at the same time."""
        self._check_fresh()
        known = {device_id: device for device_id in device_ids if (device := self._cache.find(device_id))}
        ids = {_key_of_id(device_id): device_id for device_id in device_ids if device_id not in known}
        keys = {key for key in ids if key not in self._unknown}
        wanted = {ids[key] for key in keys}

        async def look_up() -> dict[str, Device] | None:
            known.update(await self._load_by_ids(wanted - known.keys()))
            return known if wanted <= known.keys() else None

        return await self._find(keys, look_up) or known

    async def follow_changes(self) -> None:
        """Poll the changes of devices until cancelled."""
        while True:
            self._poll_now.clear()
            try:
                await self._read_changes()
            except TRANSIENT as error:
                LOG.warning("changes of devices could not be read", extra={"reason": repr(error)})
            pause = self._settings.changes_poll_seconds
            if self._waits:
                pause = self._settings.changes_poll_waiting_seconds
            await wait_for_event(self._poll_now, pause)

    async def _read_changes(self) -> None:
        async with self._kit.read() as store:
            if self._is_stale():  # departures of that time may have been deleted already
                self._cache = DeviceCache(self._settings.max_cached_devices)
                self._unknown.clear()
                self._revision = None
            if self._revision is None:
                self._revision = await store.get_revision()
            changes = await store.list_changes(self._revision)
        self._fresh_at = monotonic()
        for change in changes:
            self._revision = change.revision
            self._cache.delete(change.device_id)
            self._unknown.pop(_key_of_id(change.device_id), None)
            if change.credential_sha256 is not None:
                self._unknown.pop(change.credential_sha256, None)
        if changes:
            self._changed.set()
            self._changed = asyncio.Event()

    async def _find(self, keys: set[bytes], look_up: Lookup[Found]) -> Found | None:
        if keys <= self._unknown.keys():
            return None
        return await look_up() or await self._wait_for_registration(keys, look_up)

    async def _wait_for_registration(self, keys: set[bytes], look_up: Lookup[Found]) -> Found | None:
        if self._waits >= self._settings.max_registration_waits:
            raise ProblemError(
                429, "too_many_unknown", "Too many requests of unknown devices", headers={"Retry-After": "1"}
            )
        self._waits += 1
        self._poll_now.set()
        looked_up_at: int | None = None
        try:
            async with asyncio.timeout(self._settings.registration_wait_seconds):
                while True:
                    # Both are read before the lookup, so that a change during it is not missed.
                    changed, revision = self._changed, self._revision
                    if found := await look_up():
                        return found
                    looked_up_at = revision
                    await changed.wait()
        except TimeoutError:
            self._remember_unknown(keys, looked_up_at)
            return None
        finally:
            self._waits -= 1

    def _remember_unknown(self, keys: set[bytes], looked_up_at: int | None) -> None:
        """Remember keys as unknown, unless a change since the lookup may have been their registration.

        That change was already read and would not remove them again.
        """
        if looked_up_at is None or looked_up_at != self._revision:
            return
        self._unknown.update(dict.fromkeys(keys))
        while len(self._unknown) > MAX_UNKNOWN_KEYS:
            self._unknown.popitem(last=False)

    async def _load_by_credential(self, digest: bytes) -> Device | None:
        revision = self._revision
        async with self._kit.read() as store:
            device: Device | None = await store.find_device_by_credential(digest)
        if device is not None:
            self._cache_if_current(device, digest, revision)
        return device

    async def _load_by_ids(self, device_ids: set[str]) -> dict[str, Device]:
        revision = self._revision
        async with self._kit.read() as store:
            devices: list[Device] = await store.list_devices(sorted(device_ids))
        for device in devices:
            self._cache_if_current(device, None, revision)
        return {device.device_id: device for device in devices}

    def _cache_if_current(self, device: Device, digest: bytes | None, revision: int | None) -> None:
        """Cache a device read at a revision, unless a change was read since: the row may be outdated."""
        if revision is not None and revision == self._revision:
            self._cache.save(device, digest)

    def _check_fresh(self) -> None:
        if self._is_stale():
            raise ProblemError(
                503, "credentials_stale", "Credentials cannot be verified at the moment", headers={"Retry-After": "2"}
            )

    def _is_stale(self) -> bool:
        return monotonic() - self._fresh_at > self._settings.credentials_stale_seconds


def _key_of_id(device_id: str) -> bytes:
    """Return the key of an unknown device id; the prefix keeps it apart from digests of credentials."""
    return hashlib.sha256(b"id:" + device_id.encode()).digest()
