"""Seals what must not be readable in the database: tokens that can pay or speak for a customer.

AES-256-GCM. A sealed blob is one version byte, four bytes that name the key, a nonce of twelve bytes and the
ciphertext with its tag. `about` says whose secret it is and is authenticated, not stored: a blob that is
copied into another customer's row does not open there.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from pydantic import SecretStr

VERSION = b"\x01"
KEY_BYTES, NAME_BYTES, NONCE_BYTES = 32, 4, 12

#: One key, or several while one is being changed: the first seals, all open.
Keys = bytes | Sequence[bytes]


class Unsealable(Exception):  # noqa: N818  # what happened, as everywhere in this project
    """There is no key for this, or it is not what was sealed."""


def read_keys(setting: SecretStr) -> tuple[bytes, ...]:
    """Return the keys of the setting `sealing_key`; raises Unsealable where there is none or one is no key.

    Each is 32 bytes in hex or base64 (either alphabet, padded or not); several are separated by commas.
    """
    keys = tuple(_read_key(one.strip()) for one in setting.get_secret_value().split(",") if one.strip())
    if not keys:
        raise Unsealable("no sealing_key is set")
    return keys


def _read_key(text: str) -> bytes:
    try:
        if len(text) == 2 * KEY_BYTES:
            key = bytes.fromhex(text)
        else:
            plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
            key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise Unsealable("a sealing_key is neither hex nor base64") from None
    if len(key) != KEY_BYTES:
        raise Unsealable(f"a sealing_key has {len(key)} bytes, not {KEY_BYTES}")
    return key


def seal(key: Keys, plaintext: str, about: str) -> bytes:
    """Return the text encrypted, to be opened only with a key of these and the same `about`."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # few services seal anything

    first, nonce = _keys(key)[0], os.urandom(NONCE_BYTES)
    head = VERSION + _name(first)
    return head + nonce + AESGCM(first).encrypt(nonce, plaintext.encode(), head + about.encode())


def open_sealed(key: Keys, blob: bytes, about: str) -> str:
    """Return the text that was sealed about this; raises Unsealable where it was not, or with another key."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # see seal
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # only who has sealed something needs it

    end = len(VERSION) + NAME_BYTES
    head, nonce, rest = blob[:end], blob[end : end + NONCE_BYTES], blob[end + NONCE_BYTES :]
    fitting = [one for one in _keys(key) if VERSION + _name(one) == head]
    if not fitting:
        raise Unsealable("it was sealed with a key that is not here")
    try:
        return AESGCM(fitting[0]).decrypt(nonce, rest, head + about.encode()).decode()
    except (InvalidTag, ValueError):
        raise Unsealable("it is not what was sealed about this") from None


def _keys(key: Keys) -> Sequence[bytes]:
    return (key,) if isinstance(key, bytes) else key


def _name(key: bytes) -> bytes:
    return hashlib.sha256(b"replenish sealing key\n" + key).digest()[:NAME_BYTES]
