"""Single-use payment token of an order.

The token is derived from a nonce stored with the order and from the provider's secrets, which are encrypted in the
database. Only the token's hash is stored; deriving it again gives the same token for every submit of an order.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from replenish_contracts.events import ShipTo


@dataclass(frozen=True, slots=True)
class OrderToken:
    """A token and its limits; `max_amount` in minor units, None if the order has no price."""

    token: str
    expires_at: datetime
    max_amount: int | None
    currency: str | None


def derive_token(secrets: Mapping[str, str], order_id: str, nonce: bytes) -> str:
    key = hashlib.sha256(json.dumps(sorted(secrets.items())).encode()).digest()
    return f"spt_{hmac.new(key, nonce + order_id.encode(), hashlib.sha256).hexdigest()}"


def hash_token(token: str) -> bytes:
    """Unsalted SHA-256, which is sufficient because tokens are random."""
    return hashlib.sha256(token.encode()).digest()


def ship_to_digest(ship_to: ShipTo) -> str:
    """Return the SHA-256 of the address as compact JSON, keys sorted, unset members omitted; providers compare it."""
    members = {name: value for name, value in ship_to.model_dump().items() if value is not None}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
