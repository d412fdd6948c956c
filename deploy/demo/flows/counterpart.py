"""Interface of an order flow's counterpart."""

from collections.abc import Sequence
from typing import Protocol

from deploy.demo.flows.customers import FlowCustomer, Outcome


class Counterpart(Protocol):
    """A provider outside the system: its process and its staff."""

    @property
    def flow(self) -> str:
        """Name of the flow in demo.json."""
        ...

    @property
    def provider_id(self) -> str: ...

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Outcomes that the orders of this flow can have."""
        ...

    def products_for(self, outcome: Outcome) -> Sequence[str]:
        """Return the products that a customer with this outcome uses, `outcome.products` of them."""
        ...

    async def start(self) -> None:
        """Start the process and register the provider through the APIs."""
        ...

    async def set_up_customer(self, one: FlowCustomer) -> None:
        """Do what a new customer does at the provider before the first order."""
        ...

    def received(self) -> int:
        """Number of orders in the provider's own log; a duplicate order counts twice."""
        ...

    async def before_placing(self, one: FlowCustomer) -> None:
        """Prepare the outcome of this customer's order, just before it is placed."""
        ...

    async def ship(self, one: FlowCustomer) -> None:
        """Ship the goods and report it in the flow's protocol."""
        ...
