"""Links in mails that answer for an order: signed, for one purpose and one order, and good for some days.

A link is `<what it says>.<HMAC-SHA256>`, both base64url. The key is derived from `sealing_key`; while that is being
changed, links of the old one still count. Looking at a link does nothing: mail programs and scanners do that, too.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple

from services.order_dispatch.answers.answering import Step

_LABEL = b"replenish answer links\n"


class InvalidLinkError(Exception):
    """It is not a link of ours, or somebody changed it."""


class ExpiredLinkError(Exception):
    """It was a link of ours, once."""


class AnswerLink(NamedTuple):
    """What a link answers, and for which order."""

    order_id: str
    step: Step


def sign_link(keys: Sequence[bytes], link: AnswerLink, expires_at: int) -> str:
    """Return the link as a word that is safe in addresses; `expires_at` is in Unix seconds."""
    said = f"{link.step}\n{expires_at}\n{link.order_id}".encode()
    return f"{_encode(said)}.{_encode(_signature(keys[0], said))}"


def read_link(keys: Sequence[bytes], word: str, now: float) -> AnswerLink:
    """Return what a link says; raises InvalidLinkError or ExpiredLink."""
    first, _, second = word.partition(".")
    try:
        said, signature = _decode(first), _decode(second)
    except (ValueError, binascii.Error):
        raise InvalidLinkError from None
    if not any(hmac.compare_digest(_signature(key, said), signature) for key in keys):
        raise InvalidLinkError
    step, expires_at, order_id = said.decode().split("\n", 2)
    if int(expires_at) <= now:
        raise ExpiredLinkError
    return AnswerLink(order_id, Step(step))


def _signature(key: bytes, said: bytes) -> bytes:
    derived = hmac.digest(key, _LABEL, hashlib.sha256)
    return hmac.digest(derived, said, hashlib.sha256)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(word: str) -> bytes:
    return base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
