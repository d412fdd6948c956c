"""Who sells what."""

from typing import Annotated

from pydantic import Field

from libs.contracts.catalogue import Event, Id, Text, said_by
from libs.units import BaseUnit

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
#: Minor units of the currency (cents).
Money = Annotated[int, Field(ge=0, le=2**53)]


@said_by("order_dispatch", on="offers", key="provider_id")
class ProviderChanged(Event):
    """A provider can be ordered from in this way; also repeated as an upsert on request."""

    provider_id: Id
    name: Text
    protocol: Id
    active: bool = True
    #: Its usual days from order to door, as it states them.
    lead_time_days: Annotated[float, Field(gt=0, le=400, allow_inf_nan=False)] | None = None


@said_by("order_dispatch", on="offers", key="provider_id")
class OfferChanged(Event):
    """A provider sells this product in packs of this many steps of 10**-scale units at this price."""

    provider_id: Id
    product_id: Id
    title: Text
    pack_size: int = Field(ge=1, le=2**53)
    #: Left out by those who said offers before there was a unit: the steps are the slot's then.
    unit: BaseUnit | None = None
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    price: Money
    currency: Currency
    available: bool = True
