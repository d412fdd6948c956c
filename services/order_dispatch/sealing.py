"""Encryption of secrets in the database, such as customers' access tokens: AES-256-GCM.

Format: one version byte, a key id of four bytes, a nonce of twelve bytes, then ciphertext and tag. The owner of
the secret is authenticated but not stored, so that a blob copied to another customer's row cannot be decrypted.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from pydantic import SecretStr

from libs.kit import Kit
from services.order_dispatch.settings import settings_of

VERSION = b"\x01"
KEY_BYTES, KEY_ID_BYTES, NONCE_BYTES = 32, 4, 12
#: One key, or several during rotation: the first encrypts, all decrypt.
Keys = bytes | Sequence[bytes]


class UnsealError(Exception):
    """The key is missing or invalid, or the blob was not sealed for this owner."""


def read_keys(setting: SecretStr) -> tuple[bytes, ...]:
    """Parse the keys of the setting `sealing_key`. Raises UnsealError if it is empty or contains an invalid key.

    Each is 32 bytes in hex or base64 (either alphabet, padded or not); several are separated by commas.
    """
    keys = tuple(_read_key(part.strip()) for part in setting.get_secret_value().split(",") if part.strip())
    if not keys:
        raise UnsealError("SEALING_KEY is not set")
    return keys


def sealing_keys(kit: Kit) -> tuple[bytes, ...]:
    """Return the keys of a running service; raises UnsealError as read_keys does."""
    return read_keys(settings_of(kit).sealing_key)


def _read_key(text: str) -> bytes:
    try:
        if len(text) == 2 * KEY_BYTES:
            key = bytes.fromhex(text)
        else:
            plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
            key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise UnsealError("a key in SEALING_KEY is neither hex nor base64") from None
    if len(key) != KEY_BYTES:
        raise UnsealError(f"a key in SEALING_KEY has {len(key)} bytes, not {KEY_BYTES}")
    return key


def seal(key: Keys, plaintext: str, owner: str) -> bytes:
    """Encrypt a text with the first key; decryption needs the same owner."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # imported lazily: few services encrypt

    first, nonce = _keys(key)[0], os.urandom(NONCE_BYTES)
    head = VERSION + _key_id(first)
    return head + nonce + AESGCM(first).encrypt(nonce, plaintext.encode(), head + owner.encode())


def open_sealed(key: Keys, blob: bytes, owner: str) -> str:
    """Decrypt a blob. Raises UnsealError for another owner, a modified blob or an unknown key."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # see seal
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # see seal

    end = len(VERSION) + KEY_ID_BYTES
    head, nonce, rest = blob[:end], blob[end : end + NONCE_BYTES], blob[end + NONCE_BYTES :]
    matching = [candidate for candidate in _keys(key) if VERSION + _key_id(candidate) == head]
    if not matching:
        raise UnsealError("it was sealed with a key that is not in SEALING_KEY")
    try:
        return AESGCM(matching[0]).decrypt(nonce, rest, head + owner.encode()).decode()
    except (InvalidTag, ValueError):
        raise UnsealError("it was modified or sealed for another owner") from None


def _keys(key: Keys) -> Sequence[bytes]:
    return (key,) if isinstance(key, bytes) else key


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"replenish sealing key\n" + key).digest()[:KEY_ID_BYTES]
