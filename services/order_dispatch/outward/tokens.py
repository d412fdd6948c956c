"""The single-use token of an order: what it is good for, and how it is told again without being kept.

Its secret part is made from random bytes kept with the order and from the provider's secrets, which the
database has only sealed. Kept is its hash; the same order gets the same token however often it is sent.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.contracts.events import ShipTo


@dataclass(frozen=True, slots=True)
class Allowance:
    """A token and its bounds; `max_amount` in minor units, None where the order has no price of ours."""

    token: str
    expires_at: datetime
    max_amount: int | None
    currency: str | None


def make_token(secrets: Mapping[str, str], order_id: str, nonce: bytes) -> str:
    """Return the token of an order."""
    key = hashlib.sha256(json.dumps(sorted(secrets.items())).encode()).digest()
    return f"spt_{hmac.new(key, nonce + order_id.encode(), hashlib.sha256).hexdigest()}"


def hash_of(token: str) -> bytes:
    """Return what is kept of a token: it is random enough for a plain hash."""
    return hashlib.sha256(token.encode()).digest()


def ship_to_digest(ship_to: ShipTo) -> str:
    """Return what both sides can compare an address by: SHA-256 of its members that are set, as sorted JSON."""
    members = {name: value for name, value in ship_to.model_dump().items() if value is not None}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
