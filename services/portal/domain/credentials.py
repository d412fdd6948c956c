"""Secrets that are shown once: device credentials, sign-in links and session cookies; and words sealed with one."""

import base64
import hashlib
import hmac
import secrets

PREFIX = "rpl_dev_"
PROVIDER_PREFIX = "rpl_prov_"
RANDOM_BYTES = 32


def derive_credential(key: bytes, nonce: bytes) -> str:
    """Return the credential that belongs to a nonce: 256 bits nobody can guess without the key.

    It is kept nowhere. Being derived it can be shown again to whoever repeats the registering
    request under its Idempotency-Key, whose first answer may have been lost.
    """
    return PREFIX + _derive(key, b"device-credential", nonce)


def derive_provider_key(key: bytes, nonce: bytes) -> str:
    """Return the key for a provider's programs that belongs to a nonce; like a credential it is kept nowhere."""
    return PROVIDER_PREFIX + _derive(key, b"provider-key", nonce)


def derive_link_token(key: bytes, nonce: bytes) -> str:
    """Return the token of a sign-in link that belongs to a nonce; like a credential it is kept nowhere."""
    return _derive(key, b"sign-in-link", nonce)


def new_nonce() -> bytes:
    return secrets.token_bytes(RANDOM_BYTES)


def new_token() -> str:
    """Return 256 random bits as text that is safe in links and cookies."""
    return _base64url(secrets.token_bytes(RANDOM_BYTES))


def digest(token: str) -> bytes:
    """Return what is stored of a token. A plain hash is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def seal(text: str, secret: str) -> str:
    """Return words as a cookie can carry them, with proof that whoever knows the secret wrote them."""
    carried = _base64url(text.encode(errors="replace"))
    return f"{carried}.{_proof(carried, secret)}"


def read_sealed(sealed: str, secret: str) -> str | None:
    """Return the words that were sealed with this secret; None for any others."""
    carried, _, proof = sealed.partition(".")
    if not hmac.compare_digest(proof.encode(), _proof(carried, secret).encode()):
        return None
    return base64.urlsafe_b64decode(carried + "=" * (-len(carried) % 4)).decode()


def _proof(carried: str, secret: str) -> str:
    return _derive(secret.encode(), b"sealed", carried.encode())


def _derive(key: bytes, what: bytes, nonce: bytes) -> str:
    return _base64url(hmac.digest(key, what + b"\0" + nonce, "sha256"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
