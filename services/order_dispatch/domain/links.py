"""Links between customers' devices and their accounts at providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from replenish_contracts.units import BaseUnit

#: Upper bound of a predicted run-out; a slot without use has no date of its own.
LONGEST_RUN_OUT = timedelta(days=365)


class LinkState(StrEnum):
    """State of a link."""

    ACTIVE = "active"
    #: No longer used; the tokens are kept until the provider has revoked them.
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class LinkClient:
    """Our OAuth 2 client registration at a provider."""

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
    """An authorization in progress: the customer was redirected to the provider's page."""

    customer_id: str
    device_id: str
    provider_id: str
    verifier_sealed: bytes
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Link:
    """The link of one customer's device to one provider."""

    link_id: str
    customer_id: str
    device_id: str
    provider_id: str
    #: The provider's id of the device.
    serial: str
    state: LinkState
    created_at: datetime
    #: When the device was last used.
    active_at: datetime


@dataclass(frozen=True, slots=True)
class Sealed:
    """A link's encrypted tokens; `fresh` is false once the access token must be refreshed."""

    access: bytes
    refresh: bytes | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class SlotUse:
    """Level and use of a subscribed slot; quantities are base steps."""

    slot: str
    remote_slot: str
    unit: BaseUnit
    scale: int
    level: int
    capacity: int
    rate_per_day: float
    used_at: datetime
    #: Quantity on the shelf, if known.
    on_hand: int | None = None
    #: Of the customer's delivery address, if known.
    country: str | None = None

    @property
    def runs_out_at(self) -> datetime:
        """When the slot is empty at its current rate, at most LONGEST_RUN_OUT after its last use."""
        if self.rate_per_day <= 0 or self.level / self.rate_per_day > LONGEST_RUN_OUT.days:
            return self.used_at + LONGEST_RUN_OUT
        return self.used_at + timedelta(days=self.level / self.rate_per_day)


@dataclass(frozen=True, slots=True)
class Block:
    """Why a linked provider takes no order for a slot; `by` of the orders that are cancelled for it."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """A product that the customer chose at the provider, in the provider's terms."""

    reference: str
    quantity: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteSlot:
    """The provider's record of one slot of a link."""

    remote_slot: str
    subscribed: bool
    items: tuple[RemoteItem, ...] = ()
