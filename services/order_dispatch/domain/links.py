"""Links between customers' devices and their accounts at providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from replenish_contracts.units import BaseUnit

#: A slot nobody uses runs out some day; no provider needs a date further away.
LONGEST_RUN = timedelta(days=365)


class LinkState(StrEnum):
    """Where a link stands."""

    ACTIVE = "active"
    #: Not used any more; its tokens are kept only until the provider has revoked them.
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class LinkClient:
    """How we are known to a provider that links customers (OAuth 2)."""

    provider_id: str
    authorize_url: str
    token_url: str
    api_url: str
    client_id: str
    client_secret_sealed: bytes
    scope: str
    revoke_url: str | None
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A customer was sent to a provider's page and is awaited back."""

    customer_id: str
    device_id: str
    provider_id: str
    verifier_sealed: bytes
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Link:
    """One customer's device at one provider."""

    link_id: str
    customer_id: str
    device_id: str
    provider_id: str
    #: The device's name at the provider.
    serial: str
    state: LinkState
    created_at: datetime
    #: When the device was last used.
    active_at: datetime


@dataclass(frozen=True, slots=True)
class Sealed:
    """A link's tokens as they are kept; `fresh` while the access token need not be renewed."""

    access: bytes
    refresh: bytes | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class SlotUse:
    """How a followed slot stands; quantities are base steps."""

    slot: str
    remote_slot: str
    unit: BaseUnit
    scale: int
    level: int
    capacity: int
    rate_per_day: float
    used_at: datetime
    #: On hand and not loaded, where it is known.
    on_hand: int | None = None

    @property
    def runs_out_at(self) -> datetime:
        """Return when it is empty at its present rate, a year from its last use at the latest."""
        if self.rate_per_day <= 0 or self.level / self.rate_per_day > LONGEST_RUN.days:
            return self.used_at + LONGEST_RUN
        return self.used_at + timedelta(days=self.level / self.rate_per_day)


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """A product chosen at the provider, as the provider writes it."""

    reference: str
    quantity: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteSlot:
    """What the provider says about one slot of a link."""

    remote_slot: str
    subscribed: bool
    items: tuple[RemoteItem, ...] = ()
