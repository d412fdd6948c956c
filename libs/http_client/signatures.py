"""Signatures of requests to providers and of their callbacks, in one of two schemes.

Standard Webhooks (standardwebhooks.com): `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64>`
over id.timestamp.body; received headers may have Svix's names, `svix-id` and so on. HMAC: one header
`t=<unix seconds>,v1=<64 hex>` over timestamp.body, as in ACP's Merchant-Signature. While a sender rotates its secret,
both carry one signature per secret.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

#: For past and future timestamps; recommended by both ACP and Standard Webhooks.
TOLERANCE_SECONDS = 300
HMAC_HEADER = "merchant-signature"
#: Prefixes of the headers of Standard Webhooks. One set is verified: the first of which any header is present.
STANDARD_PREFIXES = ("webhook", "svix")
#: Headers that verification reads; none may be repeated.
SIGNATURE_HEADERS = (
    *(f"{prefix}-{part}" for prefix in STANDARD_PREFIXES for part in ("id", "timestamp", "signature")),
    HMAC_HEADER,
)
_SECONDS = re.compile(r"[0-9]{1,12}")
_HEX_MAC = re.compile(r"[0-9a-fA-F]{64}")
SECRET_PREFIX = "whsec_"  # noqa: S105  # not a secret
#: Bytes of a secret of Standard Webhooks: "between 24 bytes (192 bits) and 64 bytes (512 bits)".
#: github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
SECRET_BYTES = range(24, 65)
#: Fewest characters of any other secret: 16 random bytes have the 128 bits that NIST SP 800-57 asks for.
SHORTEST_SECRET = 16
#: Prefixes of keys that look like secrets and do not sign with HMAC: asymmetric keys of Standard Webhooks and others,
#: publishable keys of Stripe.
_OTHER_KEYS = ("whsk_", "whpk_", "pk_live_", "pk_test_", "ssh-", "-----BEGIN")


class Scheme(StrEnum):
    """Signature scheme for both directions."""

    STANDARD = "standard"
    HMAC = "hmac"


def scheme_of(account: Mapping[str, Any], usual: Scheme = Scheme.STANDARD) -> Scheme:
    """Return the scheme set in a provider's account, else `usual`. Raises ValueError for an unknown scheme."""
    try:
        return Scheme(account.get("signature", usual))
    except ValueError:
        raise ValueError(f"signature must be {' or '.join(Scheme)}") from None


class MissingSignatureError(Exception):
    """The signing secret is missing or unusable."""


class InvalidSignatureError(Exception):
    """The signature is missing, malformed, expired or wrong."""


class UnusableSecretError(ValueError):
    """A secret that cannot sign, with what is wrong and what would be right; neither contains the secret."""

    def __init__(self, code: str, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.code, self.problem, self.remedy = code, problem, remedy


class Signed(NamedTuple):
    """A verified callback; repetitions have the same id."""

    callback_id: str


def check_characters(secret: str) -> None:
    """Raise UnusableSecretError unless the secret is printable ASCII without spaces and long enough."""
    if any(character.isspace() for character in secret):
        raise UnusableSecretError("whitespace", "contains white space", "copy it without spaces and line breaks")
    if not (secret.isascii() and secret.isprintable()):
        raise UnusableSecretError("not_ascii", "contains characters that are not printable ASCII", "copy it again")
    length = len(secret.removeprefix(SECRET_PREFIX))
    if length < SHORTEST_SECRET:
        remedy = f"use one of at least {SHORTEST_SECRET} characters"
        raise UnusableSecretError("too_short", f"has {length} characters", remedy)


def check_secret(scheme: Scheme, secret: str) -> None:
    """Raise UnusableSecretError for a secret that cannot sign in this scheme, or too weak a one."""
    remedy = f"send {SECRET_PREFIX} followed by base64 of {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} random bytes"
    if secret.strip() == SECRET_PREFIX:
        raise UnusableSecretError("too_short", f"has nothing after {SECRET_PREFIX}", remedy)
    if secret.startswith(_OTHER_KEYS):
        problem = "is a key of another kind, which does not sign webhooks"
        raise UnusableSecretError("wrong_prefix", problem, "send the endpoint's signing secret")
    if scheme is Scheme.HMAC:
        check_characters(secret)
        return
    if any(character.isspace() for character in secret):
        raise UnusableSecretError("whitespace", "contains white space", remedy)
    if not secret.startswith(SECRET_PREFIX):
        raise UnusableSecretError("wrong_prefix", f"does not begin with {SECRET_PREFIX}", remedy)
    key = _decode_base64(secret.removeprefix(SECRET_PREFIX))
    if key is None:
        raise UnusableSecretError("not_base64", f"is not base64 after {SECRET_PREFIX}", remedy)
    if len(key) not in SECRET_BYTES:
        code = "too_short" if len(key) < SECRET_BYTES[0] else "too_long"
        raise UnusableSecretError(code, f"has {len(key)} bytes after {SECRET_PREFIX}", remedy)


def sign(scheme: Scheme, secret: str, message_id: str, body: bytes, at: float) -> dict[str, str]:
    """Return the signature headers for a body; `at` is unix time.

    Raises MissingSignatureError without a usable secret.
    """
    if not secret:
        raise MissingSignatureError("the signing secret is not set")
    if scheme is Scheme.HMAC:
        return {HMAC_HEADER: f"t={int(at)},v1={_mac(secret, str(int(at)), body)}"}
    try:
        signature = _sign_standard(secret, message_id, int(at), body)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise MissingSignatureError("the signing secret is not whsec_ followed by base64") from error
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at)), "webhook-signature": signature}


def verify(scheme: Scheme, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: float) -> Signed:
    """Verify with any of the secrets; there are two while one is being rotated. Raises InvalidSignatureError.

    The names of `headers` are lower-case; see SIGNATURE_HEADERS.
    """
    if scheme is Scheme.HMAC:
        return _verify_hmac(secrets, headers, body, at)
    return _verify_standard(secrets, headers, body, at)


def _verify_standard(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: float) -> Signed:
    prefix = next((p for p in STANDARD_PREFIXES if any(name.startswith(f"{p}-") for name in _present(headers))), None)
    if prefix is None:
        raise InvalidSignatureError("webhook-id, webhook-timestamp and webhook-signature are missing")
    message_id, stamp, given = (headers.get(f"{prefix}-{part}", "") for part in ("id", "timestamp", "signature"))
    if not (message_id and message_id.isascii() and given):
        raise InvalidSignatureError(f"{prefix}-id or {prefix}-signature is missing or not ASCII")
    _check_timestamp(stamp, at)
    signatures = [
        mac
        for version, _, encoded in (part.partition(",") for part in given.split())
        if version == "v1" and (mac := _decode_base64(encoded)) is not None
    ]
    for secret in secrets:
        try:
            _, _, expected = _sign_standard(secret, message_id, int(stamp), body).partition(",")
        # The body is not UTF-8, or the secret was stored before secrets were checked and cannot sign.
        except (ValueError, EmptyWebhookSecretError):
            continue
        if _matches(base64.b64decode(expected), signatures):
            return Signed(message_id)
    raise InvalidSignatureError(f"no valid {prefix}-signature")


def _present(headers: Mapping[str, str]) -> Iterator[str]:
    return (name for name in SIGNATURE_HEADERS if name in headers)


def _sign_standard(secret: str, message_id: str, stamp: int, body: bytes) -> str:
    return Webhook(secret).sign(message_id, datetime.fromtimestamp(stamp, UTC), body.decode())


def _verify_hmac(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: float) -> Signed:
    """Verify `t=...,v1=...[,v1=...]` in any order; elements of other versions are ignored, as Stripe documents it."""
    elements = [part.strip().partition("=") for part in headers.get(HMAC_HEADER, "").split(",")]
    stamps = [value for name, _, value in elements if name == "t"]
    signatures = [bytes.fromhex(value) for name, _, value in elements if name == "v1" and _HEX_MAC.fullmatch(value)]
    if len(stamps) != 1 or not signatures:
        raise InvalidSignatureError(f"{HMAC_HEADER} must be t=<unix seconds>,v1=<64 hex>, with one v1 per secret")
    _check_timestamp(stamps[0], at)
    if not any(_matches(bytes.fromhex(_mac(secret, stamps[0], body)), signatures) for secret in secrets):
        raise InvalidSignatureError(f"no valid {HMAC_HEADER}")
    # The signature covers no message id, so the body's hash is the id.
    return Signed(f"sha256-{hashlib.sha256(body).hexdigest()}")


def _check_timestamp(stamp: str, at: float) -> None:
    if not _SECONDS.fullmatch(stamp) or abs(at - int(stamp)) > TOLERANCE_SECONDS:
        raise InvalidSignatureError(f"the timestamp is not within {TOLERANCE_SECONDS} seconds")


def _matches(expected: bytes, signatures: Sequence[bytes]) -> bool:
    return any(hmac.compare_digest(expected, signature) for signature in signatures)


def _decode_base64(text: str) -> bytes | None:
    """Decode base64 with or without padding; None if it is anything else."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _mac(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
