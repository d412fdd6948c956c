"""Links to customers' accounts at providers, and what they cover."""

from pydantic import BaseModel, ConfigDict

from replenish_contracts.catalogue import Event, Id, Moment, Steps, Text, published_by


class SubscribedItem(BaseModel):
    """A product the customer chose at the provider."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: The provider's identifier, such as an ASIN.
    reference: Id
    #: The quantity of one order, in the slot's base steps, if known.
    quantity: Steps | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class LinkCreated(Event):
    """A customer authorized orders from a provider for one device; we hold a token, the provider everything else."""

    customer_id: Id
    link_id: Id
    provider_id: Id
    device_id: Id
    occurred_at: Moment


@published_by("order_dispatch", topic="orders", key="customer_id")
class LinkEnded(Event):
    """The authorization to order from this provider for this device ended; the token is revoked or will be."""

    customer_id: Id
    link_id: Id
    provider_id: Id
    device_id: Id
    reason: Text
    occurred_at: Moment


@published_by("order_dispatch", topic="orders", key="customer_id")
class SlotFollowed(Event):
    """A provider started or stopped receiving every use of this slot."""

    customer_id: Id
    device_id: Id
    slot: Id
    provider_id: Id
    following: bool
    occurred_at: Moment


@published_by("order_dispatch", topic="orders", key="customer_id")
class ProviderSubscriptionChanged(Event):
    """A customer enabled or disabled a slot at the provider, or chose other products for it there."""

    customer_id: Id
    provider_id: Id
    device_id: Id
    slot: Id
    subscribed: bool
    items: tuple[SubscribedItem, ...] = ()
    occurred_at: Moment
