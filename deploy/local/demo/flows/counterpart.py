"""What the act asks of the other side of each way to order."""

from typing import Protocol

from deploy.local.demo.flows.street import Fate, Neighbour


class Counterpart(Protocol):
    """A provider that is no part of ours: a process, and the people behind its counter."""

    @property
    def flow(self) -> str:
        """Return the name of the way to order, as demo.json has it."""
        ...

    @property
    def provider_id(self) -> str: ...

    @property
    def fates(self) -> tuple[Fate, ...]:
        """Return the ends that orders can come to here."""
        ...

    def product_for(self, fate: Fate) -> str:
        """Return what a neighbour of this fate uses."""
        ...

    async def open(self) -> None:
        """Start the process and make it known through the APIs."""
        ...

    async def welcome(self, one: Neighbour) -> None:
        """Do what a new customer has to do there before the first order."""
        ...

    def taken(self) -> int:
        """Return how many orders its own book has; one that was made twice would count twice."""
        ...

    async def before_placing(self, one: Neighbour) -> None:
        """Do what brings this neighbour's order to its end, just before it is placed."""
        ...

    async def work(self, one: Neighbour) -> None:
        """Send the goods, behind the counter, and let our side know in the way's own words."""
        ...
