"""A customer's account with a provider that knows the customer itself: made, ended, and what it covers."""

from pydantic import BaseModel, ConfigDict

from libs.contracts.catalogue import Event, Id, Moment, Steps, Text, said_by


class SubscribedItem(BaseModel):
    """One product the customer chose at the provider, in the provider's own words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: The provider's name for it, such as an ASIN.
    reference: Id
    #: What one order of it holds, in the slot's base steps, where that is clear.
    quantity: Steps | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class LinkMade(Event):
    """A customer let us order from a provider for one device; we hold a token, and the provider knows the rest."""

    customer_id: Id
    link_id: Id
    provider_id: Id
    device_id: Id
    at: Moment


@said_by("order_dispatch", on="orders", key="customer_id")
class LinkEnded(Event):
    """We may no longer order from this provider for this device; our token is gone or about to be revoked."""

    customer_id: Id
    link_id: Id
    provider_id: Id
    device_id: Id
    reason: Text
    at: Moment


@said_by("order_dispatch", on="orders", key="customer_id")
class SlotFollowed(Event):
    """A provider wants to be told of every use of this slot, or no longer does."""

    customer_id: Id
    device_id: Id
    slot: Id
    provider_id: Id
    following: bool
    at: Moment


@said_by("order_dispatch", on="orders", key="customer_id")
class ProviderSubscriptionChanged(Event):
    """A customer switched a slot on or off at the provider, or chose other products for it there."""

    customer_id: Id
    provider_id: Id
    device_id: Id
    slot: Id
    subscribed: bool
    items: tuple[SubscribedItem, ...] = ()
    at: Moment
