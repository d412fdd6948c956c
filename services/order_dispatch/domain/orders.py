"""An order, and what one decision about it changes."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from libs.contracts.catalogue import Event
from libs.contracts.events import Evidence
from libs.units import BaseUnit
from services.order_dispatch.domain.states import State, check


class Keeper(StrEnum):
    """A person who is asked about an order, has until a deadline to answer, and whose word settles it."""

    #: A provider whose orders and stock are kept here.
    SHOP = "shop"
    #: The customer, who orders at a shop without a door for programs.
    CUSTOMER = "customer"


class Ask(StrEnum):
    """What a provider is to be asked, in whatever words its protocol has."""

    DELIVER = "deliver"
    CANCEL = "cancel"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Somebody does not want the order; it counts once the provider agrees."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """One order for one slot's product; quantities are base steps of that slot."""

    order_id: str
    customer_id: str
    product_id: str
    pool_id: str
    provider_id: str
    device_id: str
    slot: str
    packs: int
    pack_size: int
    quantity: int
    unit: BaseUnit
    scale: int
    receipt_id: str
    drafted_at: datetime
    price: int | None = None
    currency: str | None = None
    needed_by: datetime | None = None
    state: State = State.DRAFTED
    #: How many moves it has made; its history has as many rows.
    step: int = 1
    #: When nothing happens, the order is looked at again then.
    look_at: datetime | None = None
    #: How often the provider was asked for the status since it last said something.
    asks: int = 0
    #: The first date the provider gave, and the latest.
    promised_at: datetime | None = None
    expected_at: datetime | None = None
    #: What really left the provider.
    shipped_quantity: int | None = None
    tracking: str | None = None
    delivered_at: datetime | None = None
    evidence: Evidence | None = None
    cancellation: Cancellation | None = None
    #: A rehearsal: it goes the whole way, with no money and no goods.
    test: bool = False
    #: When its goods were set aside, and when its payment was authorized, where that is needed.
    reserved_at: datetime | None = None
    authorized_at: datetime | None = None
    #: When the provider was asked for it, or may have been.
    sent_at: datetime | None = None
    #: Until then the provider may still be taking the order in: that it knows of none proves nothing.
    doubtful_until: datetime | None = None
    #: The provider waits for the customer to settle a problem, and gives the order up then.
    resolve_by: datetime | None = None
    #: What the provider calls the order.
    reference: str | None = None
    #: What the provider says that the order costs, and the product it sends instead of the one ordered.
    billed: int | None = None
    billed_currency: str | None = None
    substitute: str | None = None
    #: How much the customer found, where that was less than was said to come.
    counted_quantity: int | None = None
    returned_quantity: int | None = None
    #: What was asked of the customer's money when the goods left, in minor units, and for how much of them.
    taken: int = 0
    taken_for: int = 0
    #: How much of the customer's money was asked back, in minor units.
    given_back: int = 0
    #: What went wrong with the payment after the goods left.
    payment_trouble: str | None = None
    fraud_at: datetime | None = None
    fraud_cleared_at: datetime | None = None
    #: Who was asked about it in person, and until when that counts.
    keeper: Keeper | None = None
    answer_by: datetime | None = None

    @property
    def is_unanswered(self) -> bool:
        """Tell whether a person was asked and has not said yes: until then it is ours to withdraw."""
        return self.keeper is not None and self.state is State.PLACING

    @property
    def is_suspect(self) -> bool:
        """Tell whether an operator takes the order for fraud."""
        return self.fraud_at is not None and self.fraud_cleared_at is None

    @property
    def sent_quantity(self) -> int:
        """Return what the provider says it sent, else what was ordered."""
        return self.quantity if self.shipped_quantity is None else self.shipped_quantity

    @property
    def coming(self) -> int:
        """Return how much is on its way or arrived; nothing where the order is a rehearsal."""
        return 0 if self.test else self.sent_quantity

    @property
    def there(self) -> int:
        """Return how much arrived by the customer's own count, else by the provider's."""
        return self.coming if self.counted_quantity is None else self.counted_quantity

    def fact(self, at: datetime) -> "Fact":
        """Return what every event about this order carries."""
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "product_id": self.product_id,
            "pool_id": self.pool_id,
            "provider_id": self.provider_id,
            "at": at,
            "test": self.test,
        }


class Fact(TypedDict):
    """The fields of OrderFact."""

    order_id: str
    customer_id: str
    product_id: str
    pool_id: str
    provider_id: str
    at: datetime
    test: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One move of an order, as its history keeps it."""

    number: int
    here: State | None
    there: State
    at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision: the order afterwards, the moves, what is said, and what the provider is asked."""

    order: Order
    steps: tuple[Step, ...] = ()
    events: tuple[Event, ...] = ()
    asks: tuple[Ask, ...] = field(default=())
    #: How much of the customer's money goes back, in minor units.
    refund: int = 0

    def then(self, there: State, at: datetime, because: str) -> "Turn":
        """Add a move; raises IllegalTransition where the table has none."""
        order = self.order
        check(order.state, there)
        step = Step(order.step + 1, order.state, there, at, because)
        moved = replace(order, state=there, step=step.number)
        return replace(self, order=moved, steps=(*self.steps, step))

    def say(self, *events: Event) -> "Turn":
        return replace(self, events=(*self.events, *events))

    def ask(self, ask: Ask) -> "Turn":
        return replace(self, asks=(*self.asks, ask))

    def give_back(self, amount: int) -> "Turn":
        order = replace(self.order, given_back=self.order.given_back + amount)
        return replace(self, order=order, refund=self.refund + amount)
