"""Signatures of requests to providers and of their callbacks, in one of two schemes.

Standard Webhooks (standardwebhooks.com): `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64>`
over id.timestamp.body. HMAC: one header `t=<unix seconds>,v1=<64 hex>` over timestamp.body, as in ACP's
Merchant-Signature.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

#: For past and future timestamps; recommended by both ACP and Standard Webhooks.
TOLERANCE_SECONDS = 300
HMAC_HEADER = "merchant-signature"
_HMAC = re.compile(r"t=(\d{1,12}),v1=([0-9a-fA-F]{64})")


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


class Signed(NamedTuple):
    """A verified callback; repetitions have the same id."""

    callback_id: str


def sign(scheme: Scheme, secret: str, message_id: str, body: bytes, at: float) -> dict[str, str]:
    """Return the signature headers for a body; `at` is unix time.

    Raises MissingSignatureError without a usable secret.
    """
    if not secret:
        raise MissingSignatureError("the signing secret is not set")
    if scheme is Scheme.HMAC:
        return {HMAC_HEADER: f"t={int(at)},v1={_mac(secret, str(int(at)), body)}"}
    try:
        signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(int(at), UTC), body.decode())
    except (ValueError, EmptyWebhookSecretError) as error:
        raise MissingSignatureError("the signing secret is not whsec_ followed by base64") from error
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at)), "webhook-signature": signature}


def verify(scheme: Scheme, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: float) -> Signed:
    """Verify with any of the secrets; there are two while one is being rotated. Raises InvalidSignatureError."""
    if scheme is Scheme.HMAC:
        return _verify_hmac(secrets, headers, body, at)
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        # Besides a wrong signature: malformed signature headers and unusable secrets.
        except (WebhookVerificationError, ValueError, TypeError, EmptyWebhookSecretError):
            continue
        return Signed(headers["webhook-id"])
    raise InvalidSignatureError("no valid webhook-signature")


def _verify_hmac(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: float) -> Signed:
    found = _HMAC.fullmatch(headers.get(HMAC_HEADER, ""))
    if found is None:
        raise InvalidSignatureError(f"{HMAC_HEADER} must be t=<unix seconds>,v1=<64 hex>")
    stamp, given = found.groups()
    if abs(at - int(stamp)) > TOLERANCE_SECONDS:
        raise InvalidSignatureError(f"the timestamp differs by more than {TOLERANCE_SECONDS} seconds")
    if not any(hmac.compare_digest(_mac(secret, stamp, body), given.lower()) for secret in secrets):
        raise InvalidSignatureError(f"no valid {HMAC_HEADER}")
    # The signature covers no message id, so the body's hash is the id.
    return Signed(f"sha256-{hashlib.sha256(body).hexdigest()}")


def _mac(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
