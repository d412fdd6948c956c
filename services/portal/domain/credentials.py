"""Device credentials, provider keys, link and session tokens, and signed cookie values."""

import base64
import hashlib
import hmac
import secrets

PREFIX = "rpl_dev_"
PROVIDER_PREFIX = "rpl_prov_"
RANDOM_BYTES = 32


def derive_credential(key: bytes, nonce: bytes) -> str:
    """Derive a 256-bit device credential from a nonce.

    The credential is never stored. Deriving it allows a repeat of the registration under the same
    Idempotency-Key to return it again, in case the first response was lost.
    """
    return PREFIX + _derive(key, b"device-credential", nonce)


def derive_provider_key(key: bytes, nonce: bytes) -> str:
    """Derive a provider's API key from a nonce; like a credential it is never stored."""
    return PROVIDER_PREFIX + _derive(key, b"provider-key", nonce)


def derive_link_token(key: bytes, nonce: bytes) -> str:
    """Derive the token of a sign-in link from a nonce; like a credential it is never stored."""
    return _derive(key, b"sign-in-link", nonce)


def new_nonce() -> bytes:
    return secrets.token_bytes(RANDOM_BYTES)


def new_token() -> str:
    """Return 256 random bits in base64url."""
    return _base64url(secrets.token_bytes(RANDOM_BYTES))


def digest(token: str) -> bytes:
    """Return the SHA-256 under which a token is stored; 256 random bits need no salt or slow hash."""
    return hashlib.sha256(token.encode()).digest()


def seal(text: str, secret: str) -> str:
    """Return text as a cookie value with an HMAC, readable by `read_sealed` with the same secret."""
    payload = _base64url(text.encode(errors="replace"))
    return f"{payload}.{_mac(payload, secret)}"


def read_sealed(sealed: str, secret: str) -> str | None:
    """Return the sealed text; None if the HMAC does not match the secret."""
    payload, _, mac = sealed.partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(payload, secret).encode()):
        return None
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()


def _mac(payload: str, secret: str) -> str:
    return _derive(secret.encode(), b"sealed", payload.encode())


def _derive(key: bytes, purpose: bytes, nonce: bytes) -> str:
    return _base64url(hmac.digest(key, purpose + b"\0" + nonce, "sha256"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
