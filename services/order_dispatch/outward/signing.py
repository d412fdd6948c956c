"""Signatures on what goes to a provider and comes from it, in either of two ways.

Standard Webhooks (standardwebhooks.com): `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64>`
over id.timestamp.body. Or one header `t=<unix seconds>,v1=<64 hex>` over timestamp.body, as ACP's
Merchant-Signature has it.
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

#: Both ways: ACP and Standard Webhooks recommend the same.
TOLERANCE_SECONDS = 300
HMAC_HEADER = "merchant-signature"
_HMAC = re.compile(r"t=(\d{1,12}),v1=([0-9a-fA-F]{64})")


class Scheme(StrEnum):
    """How a provider signs, and wants to be signed to."""

    STANDARD = "standard"
    HMAC = "hmac"


def scheme_of(account: Mapping[str, Any], usual: Scheme = Scheme.STANDARD) -> Scheme:
    """Return how a provider's account says that it signs; raises ValueError for a word that nobody knows."""
    try:
        return Scheme(account.get("signature", usual))
    except ValueError:
        raise ValueError(f"signature must be {' or '.join(Scheme)}") from None


class Unsigned(Exception):  # noqa: N818  # what happened
    """There is no secret here that this could be signed with."""


class Untrusted(Exception):  # noqa: N818  # what happened
    """The signature is missing, malformed, too old or not that of the provider."""


class Signed(NamedTuple):
    """What a good signature vouches for: a body, under an id that is the same for every repetition."""

    callback_id: str


def sign(scheme: Scheme, secret: str, message_id: str, body: bytes, at: float) -> dict[str, str]:
    """Return the headers that vouch for a body; `at` is unix time. Raises Unsigned without a secret that can."""
    if not secret:
        raise Unsigned("there is no secret to sign with")
    if scheme is Scheme.HMAC:
        return {HMAC_HEADER: f"t={int(at)},v1={_mac(secret, str(int(at)), body)}"}
    try:
        signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(int(at), UTC), body.decode())
    except (ValueError, EmptyWebhookSecretError) as unusable:
        raise Unsigned("the secret to sign with is no whsec_ and base64") from unusable
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at)), "webhook-signature": signature}


def verify(scheme: Scheme, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: float) -> Signed:
    """Return what was vouched for; raises Untrusted. Several secrets: while one takes over from another."""
    if scheme is Scheme.HMAC:
        return _verify_hmac(secrets, headers, body, at)
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        # The last three: what no signature looks like, and what is no secret.
        except (WebhookVerificationError, ValueError, TypeError, EmptyWebhookSecretError):
            continue
        return Signed(headers["webhook-id"])
    raise Untrusted("no valid webhook-signature")


def _verify_hmac(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: float) -> Signed:
    found = _HMAC.fullmatch(headers.get(HMAC_HEADER, ""))
    if found is None:
        raise Untrusted(f"{HMAC_HEADER} must be t=<unix seconds>,v1=<64 hex>")
    stamp, given = found.groups()
    if abs(at - int(stamp)) > TOLERANCE_SECONDS:
        raise Untrusted("the signature is of another time")
    if not any(hmac.compare_digest(_mac(secret, stamp, body), given.lower()) for secret in secrets):
        raise Untrusted(f"no valid {HMAC_HEADER}")
    # Nothing else is signed: the body is its own name.
    return Signed(f"sha256-{hashlib.sha256(body).hexdigest()}")


def _mac(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
