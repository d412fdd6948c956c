"""Facts about customers and their devices."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.catalogue import Event, Id, Steps, Text, said_by
from libs.units import BaseUnit

Registration = Annotated[int, Field(ge=1, le=2**31)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Loading(StrEnum):
    """How goods get from the door into the slot."""

    BY_HAND = "by_hand"
    DIRECT = "direct"


class Fill(StrEnum):
    """What loading does to the level: raise it, or start a fresh cartridge."""

    ADD = "add"
    REPLACE = "replace"


class SlotSpec(BaseModel):
    """One place of a device that holds a consumable; its unit never changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    slot: Id
    name: Text = ""
    product_id: Id
    unit: BaseUnit
    #: One step is 10**-scale of the unit.
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    capacity: Annotated[int, Field(ge=1, le=2**53)]
    #: What the slot held when it was registered.
    level: Steps = 0
    loading: Loading = Loading.BY_HAND
    fill: Fill = Fill.ADD


class SlotMove(BaseModel):
    """Which slot of the new device goes on with the story of which slot of the old one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    old_slot: Id
    new_slot: Id


@said_by("portal", on="accounts", key="customer_id")
class CustomerJoined(Event):
    """A customer can be served from now on; name, address and mail stay with the portal."""

    customer_id: Id
    locale: Id = "en"
    time_zone: Id = "UTC"


@said_by("portal", on="accounts", key="customer_id")
class CustomerChanged(Event):
    """A customer's language or time zone is now this; also repeated as an upsert on request."""

    customer_id: Id
    locale: Id
    time_zone: Id


@said_by("portal", on="accounts", key="customer_id")
class DeviceRegistered(Event):
    """A device with these slots belongs to this customer; reports of other registrations are refused.

    Also repeated on request, with the same registration, for services that do not know it yet.
    """

    customer_id: Id
    device_id: Id
    registration: Registration
    model: Text = ""
    #: SHA-256 of the device's random bearer credential, which is shown once and kept by nobody.
    credential_sha256: Sha256
    slots: tuple[SlotSpec, ...]


@said_by("portal", on="accounts", key="customer_id")
class DeviceReplaced(Event):
    """A new device took over from an old one, slot by slot; levels and habits are carried over."""

    customer_id: Id
    device_id: Id
    registration: Registration
    replaces: Id
    model: Text = ""
    credential_sha256: Sha256
    slots: tuple[SlotSpec, ...]
    moves: tuple[SlotMove, ...]


@said_by("portal", on="accounts", key="customer_id")
class DeviceDeregistered(Event):
    """A device left its customer; every service cleans up what it kept for this registration."""

    customer_id: Id
    device_id: Id
    registration: Registration


@said_by("portal", on="accounts", key="customer_id")
class CustomerErased(Event):
    """A customer asked to be forgotten; only what the law demands may remain."""

    customer_id: Id
