"""Secrets that are shown once: device credentials, sign-in links and session cookies."""

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
    return PREFIX + _base64url(hmac.digest(key, b"device-credential\0" + nonce, "sha256"))


def new_nonce() -> bytes:
    return secrets.token_bytes(RANDOM_BYTES)


def new_provider_key() -> str:
    """Return a key for a provider's programs; it is shown once."""
    return PROVIDER_PREFIX + new_token()


def new_token() -> str:
    """Return 256 random bits as text that is safe in links and cookies."""
    return _base64url(secrets.token_bytes(RANDOM_BYTES))


def digest(token: str) -> bytes:
    """Return what is stored of a token. A plain hash is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
