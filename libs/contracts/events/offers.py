"""Who sells what."""

from typing import Annotated

from pydantic import Field

from libs.contracts.catalogue import Event, Id, Text, said_by

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


@said_by("order_dispatch", on="offers", key="provider_id")
class OfferChanged(Event):
    """A provider sells this product in packs of this many base steps at this price."""

    provider_id: Id
    product_id: Id
    title: Text
    pack_size: int = Field(ge=1, le=2**53)
    price: Money
    currency: Currency
    available: bool = True
