"""The keys that sign tokens: files that only the portal may read."""

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
#: RFC 9864's name of EdDSA on Curve25519; "EdDSA" itself is deprecated there.
ALGORITHM = "Ed25519"
LOOK_AGAIN_SECONDS = 2.0


class KeyRing:
    """Signs with one key and publishes that and its neighbours.

    To change keys: put the next one beside the first as `<stem>.next.pem`; when everybody has read the
    published keys (5 minutes), swap the names; an hour later, when the last token has ended, delete the old.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._looked_at = 0.0
        self._seen: object = None
        if path is None:
            self._use([OKPKey.generate_key("Ed25519")])
        else:
            _make_if_missing(path)
            self.look()

    def look(self) -> None:
        """Read the files again if they changed; while somebody is at them, what was read before still counts."""
        if self._path is None or monotonic() - self._looked_at < LOOK_AGAIN_SECONDS:
            return
        try:
            self._read(self._path)
        except (OSError, ValueError) as unfit:  # a file is being written or renamed
            if self._seen is None:
                raise
            LOG.warning("signing keys not read again yet", extra={"reason": repr(unfit)})
        self._looked_at = monotonic()

    def _read(self, path: Path) -> None:
        beside = sorted(path.parent.glob(f"{path.stem}.*{path.suffix}"))
        files = [path, *beside]
        seen = [(file.name, file.stat().st_mtime_ns) for file in files]
        if seen != self._seen:
            self._use(OKPKey.import_key(file.read_bytes()) for file in files)
        self._seen = seen

    def _use(self, keys: Iterable[OKPKey]) -> None:
        known = list(keys)
        self._signing = known[0]
        self._kid = known[0].thumbprint()
        public = [key.as_dict(private=False) for key in known]
        for entry, key in zip(public, known, strict=True):
            entry.update({"kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM})
        self.published: dict[str, Any] = {"keys": public}
        self.verifying = KeySet.import_key_set(self.published)  # type: ignore[arg-type]  # its own output's shape

    def sign(self, claims: dict[str, Any]) -> str:
        """Return the claims as a signed token."""
        self.look()
        return jwt.encode({"alg": ALGORITHM, "kid": self._kid, "typ": "JWT"}, claims, self._signing, [ALGORITHM])

    def derive(self, purpose: bytes) -> bytes:
        """Return a key of our own for another purpose, which lasts as long as the signing key."""
        secret = self._signing.as_bytes(private=True)
        return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _make_if_missing(path: Path) -> None:
    """Write a new key that only we may read; of two replicas that do it at once one wins."""
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
