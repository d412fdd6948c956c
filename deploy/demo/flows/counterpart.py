"""Interface of an order flow's counterpart."""

from typing import Protocol

from deploy.demo.flows.street import Fate, Neighbour


class Counterpart(Protocol):
    """A provider outside the system: its process and its staff."""

    @property
    def flow(self) -> str:
        """Name of the flow in demo.json."""
        ...

    @property
    def provider_id(self) -> str: ...

    @property
    def fates(self) -> tuple[Fate, ...]:
        """Outcomes that the orders of this flow can have."""
        ...

    def product_for(self, fate: Fate) -> str:
        """Return the product that a customer with this outcome uses."""
        ...

    async def open(self) -> None:
        """Start the process and register the provider through the APIs."""
        ...

    async def welcome(self, one: Neighbour) -> None:
        """Do what a new customer does at the provider before the first order."""
        ...

    def taken(self) -> int:
        """Number of orders in the provider's own log; a duplicate order counts twice."""
        ...

    async def before_placing(self, one: Neighbour) -> None:
        """Prepare the outcome of this customer's order, just before it is placed."""
        ...

    async def work(self, one: Neighbour) -> None:
        """Ship the goods and report it in the flow's protocol."""
        ...
