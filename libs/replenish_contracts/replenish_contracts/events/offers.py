"""Providers and their offers."""

from typing import Annotated

from pydantic import Field

from replenish_contracts.catalogue import Event, Id, Text, published_by
from replenish_contracts.units import BaseUnit

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
#: Minor units of the currency (cents).
Money = Annotated[int, Field(ge=0, le=2**53)]


@published_by("order_dispatch", topic="offers", key="provider_id")
class ProviderChanged(Event):
    """A provider was added or changed; also repeated as an upsert on request."""

    provider_id: Id
    name: Text
    protocol: Id
    active: bool = True
    #: Usual days from order to delivery, as stated by the provider.
    lead_time_days: Annotated[float, Field(gt=0, le=400, allow_inf_nan=False)] | None = None
    #: All its orders are test orders: nothing is charged or delivered.
    test: bool = False
    #: It takes orders only for slots whose device the customer linked with it.
    needs_link: bool = False


@published_by("order_dispatch", topic="offers", key="provider_id")
class OfferChanged(Event):
    """A provider's offer changed: a product in packs of `pack_size` steps of 10**-scale units, at this price."""

    provider_id: Id
    product_id: Id
    title: Text
    pack_size: int = Field(ge=1, le=2**53)
    #: Missing in events from before the field existed: the steps are then the slot's.
    unit: BaseUnit | None = None
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    price: Money
    currency: Currency
    available: bool = True
