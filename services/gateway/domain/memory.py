"""The devices a replica remembers, the least recently asked for forgotten first."""

from collections import OrderedDict

from services.gateway.domain.devices import Device


class Memory:
    """Finds devices by the digest of their credential and by id."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._by_id: OrderedDict[str, Device] = OrderedDict()
        self._owner: dict[bytes, str] = {}
        self._digests: dict[str, bytes] = {}

    def find(self, device_id: str) -> Device | None:
        device = self._by_id.get(device_id)
        if device is not None:
            self._by_id.move_to_end(device_id)
        return device

    def find_by_credential(self, digest: bytes) -> Device | None:
        device_id = self._owner.get(digest)
        return None if device_id is None else self.find(device_id)

    def keep(self, device: Device, digest: bytes | None) -> None:
        """Remember a device, and by which credential it was found, if by one."""
        if digest is not None:
            self._forget_digest(device.device_id)
            self._owner[digest] = device.device_id
            self._digests[device.device_id] = digest
        self._by_id[device.device_id] = device
        self._by_id.move_to_end(device.device_id)
        if len(self._by_id) > self._room:
            oldest, _ = self._by_id.popitem(last=False)
            self._forget_digest(oldest)

    def forget(self, device_id: str) -> None:
        """Forget a device and its credential."""
        self._by_id.pop(device_id, None)
        self._forget_digest(device_id)

    def _forget_digest(self, device_id: str) -> None:
        digest = self._digests.pop(device_id, None)
        if digest is not None:
            self._owner.pop(digest, None)
