"""Signing keys, stored in files that only the portal can read."""

import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

LOG = logging.getLogger(__name__)
#: Name of EdDSA on Curve25519 in RFC 9864, which deprecates "EdDSA".
ALGORITHM = "Ed25519"
RELOAD_SECONDS = 2.0


class KeyRing:
    """Signs with one key and publishes it together with the other keys of its folder.

    Rotation: store the next key beside the first as `<stem>.next.pem`; after 5 minutes, when all services have
    fetched the published keys, swap the names; after an hour, when the last token has expired, delete the old key.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._reloaded_at = 0.0
        self._seen: object = None
        if path is None:
            self._use([OKPKey.generate_key("Ed25519")])
        else:
            _make_if_missing(path)
            self.reload()

    def reload(self) -> None:
        """Reload changed files; on a read error the keys loaded before stay in use."""
        if self._path is None or monotonic() - self._reloaded_at < RELOAD_SECONDS:
            return
        try:
            self._read(self._path)
        except (OSError, ValueError) as error:  # a file is being written or renamed
            if self._seen is None:
                raise
            LOG.warning("signing keys not reloaded; retrying", extra={"reason": repr(error)})
        self._reloaded_at = monotonic()

    def _read(self, path: Path) -> None:
        beside = sorted(path.parent.glob(f"{path.stem}.*{path.suffix}"))
        files = [path, *beside]
        seen = [(file.name, file.stat().st_mtime_ns) for file in files]
        if seen != self._seen:
            self._use(OKPKey.import_key(file.read_bytes()) for file in files)
        self._seen = seen

    def _use(self, keys: Iterable[OKPKey]) -> None:
        loaded = list(keys)
        self._signing = loaded[0]
        self._kid = loaded[0].thumbprint()
        public = [key.as_dict(private=False) for key in loaded]
        for entry, key in zip(public, loaded, strict=True):
            entry.update({"kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM})
        self.published: dict[str, Any] = {"keys": public}
        self.verifying = KeySet.import_key_set(self.published)  # type: ignore[arg-type]  # the shape of its own output

    def sign(self, claims: dict[str, Any]) -> str:
        self.reload()
        return jwt.encode({"alg": ALGORITHM, "kid": self._kid, "typ": "JWT"}, claims, self._signing, [ALGORITHM])

    def derive(self, purpose: bytes) -> bytes:
        """Derive a key for another purpose; it changes with the signing key."""
        secret = self._signing.as_bytes(private=True)
        return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _make_if_missing(path: Path) -> None:
    """Create a key file with mode 0600; if two replicas do so concurrently, the first link wins."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(OKPKey.generate_key("Ed25519").as_pem(private=True))
        file.flush()
        os.fsync(file.fileno())
    fresh = Path(name)
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
