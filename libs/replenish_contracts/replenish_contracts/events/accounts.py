"""Facts about customers and their devices."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from replenish_contracts.catalogue import Event, Id, Steps, Text, published_by
from replenish_contracts.units import BaseUnit, UnitSystem

Registration = Annotated[int, Field(ge=1, le=2**31)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Loading(StrEnum):
    """How delivered goods get into the slot."""

    BY_HAND = "by_hand"
    DIRECT = "direct"


class Fill(StrEnum):
    """Whether a load adds to the level or replaces a cartridge."""

    ADD = "add"
    REPLACE = "replace"


class SlotSpec(BaseModel):
    """A place in a device that holds a consumable; its unit never changes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    slot: Id
    name: Text = ""
    product_id: Id
    unit: BaseUnit
    #: What gallons, quarts, pints, cups and fluid ounces are in reports of this slot.
    unit_system: UnitSystem | None = Field(default=None, exclude_if=lambda system: system is None)
    #: One step is 10**-scale of the unit.
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    capacity: Annotated[int, Field(ge=1, le=2**53)]
    #: What the slot held when it was registered.
    level: Steps = 0
    loading: Loading = Loading.BY_HAND
    fill: Fill = Fill.ADD


class SlotMove(BaseModel):
    """A slot of the old device and the slot of the new device that continues its history."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    old_slot: Id
    new_slot: Id


@published_by("portal", topic="accounts", key="customer_id")
class CustomerJoined(Event):
    """A customer was registered; name, address and e-mail address stay in the portal."""

    customer_id: Id
    locale: Id = "en"
    time_zone: Id = "UTC"
    #: Of the delivery address (ISO 3166-1); decides which units "fl oz" and "pint" name.
    country: Country | None = None


@published_by("portal", topic="accounts", key="customer_id")
class CustomerChanged(Event):
    """A customer's language, time zone or country changed; also repeated as an upsert on request."""

    customer_id: Id
    locale: Id
    time_zone: Id
    country: Country | None = None


@published_by("portal", topic="accounts", key="customer_id")
class DeviceRegistered(Event):
    """A customer registered a device with these slots; reports of other registrations are refused.

    Also repeated on request, with the same registration, for services that do not know it yet.
    """

    customer_id: Id
    device_id: Id
    registration: Registration
    model: Text = ""
    #: SHA-256 of the device's random bearer credential, which is shown once and not stored.
    credential_sha256: Sha256
    slots: tuple[SlotSpec, ...]


@published_by("portal", topic="accounts", key="customer_id")
class DeviceReplaced(Event):
    """A new device replaced an old one; levels and usage rates are carried over slot by slot."""

    customer_id: Id
    device_id: Id
    registration: Registration
    replaces: Id
    model: Text = ""
    credential_sha256: Sha256
    slots: tuple[SlotSpec, ...]
    moves: tuple[SlotMove, ...]


@published_by("portal", topic="accounts", key="customer_id")
class DeviceDeregistered(Event):
    """A customer removed a device; every service deletes its data of this registration."""

    customer_id: Id
    device_id: Id
    registration: Registration


@published_by("portal", topic="accounts", key="customer_id")
class CustomerErased(Event):
    """A customer requested erasure; only data that the law requires may remain."""

    customer_id: Id
