"""Signed links in mails: each gives one answer about one order and expires.

A link's token is `<payload>.<HMAC-SHA256>`, both base64url; the payload is a JSON array of answer, expiry (Unix
seconds), order id and line ids. The key is derived from `sealing_key`; during rotation, tokens of every listed key
are valid.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import NamedTuple

from services.order_dispatch.answers.answering import Step

_LABEL = b"replenish answer links\n"


class InvalidLinkError(Exception):
    """The token is malformed or its signature is wrong."""


class ExpiredLinkError(Exception):
    """The token was valid and has expired."""


class AnswerLink(NamedTuple):
    """The order and answer of a link, and the lines that it is about; without lines it is about the whole order."""

    order_id: str
    step: Step
    line_ids: tuple[str, ...] = ()


def sign_link(keys: Sequence[bytes], link: AnswerLink, expires_at: int) -> str:
    """Return the link's URL-safe token, signed with the first key; `expires_at` is in Unix seconds."""
    payload = json.dumps([link.step, expires_at, link.order_id, link.line_ids]).encode()
    return f"{_encode(payload)}.{_encode(_signature(keys[0], payload))}"


def read_link(keys: Sequence[bytes], token: str, now: float) -> AnswerLink:
    """Verify a token with any of the keys and return its link. Raises InvalidLinkError or ExpiredLinkError."""
    first, _, second = token.partition(".")
    try:
        payload, signature = _decode(first), _decode(second)
    except (ValueError, binascii.Error):
        raise InvalidLinkError from None
    if not any(hmac.compare_digest(_signature(key, payload), signature) for key in keys):
        raise InvalidLinkError
    step, expires_at, order_id, line_ids = json.loads(payload)
    if expires_at <= now:
        raise ExpiredLinkError
    return AnswerLink(order_id, Step(step), tuple(line_ids))


def _signature(key: bytes, payload: bytes) -> bytes:
    derived = hmac.digest(key, _LABEL, hashlib.sha256)
    return hmac.digest(derived, payload, hashlib.sha256)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
