"""Runs the four order flows at once: all customers run low on the same morning, and every order ends."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from deploy.demo.company import Company
from deploy.demo.flows.counted import count_flow
from deploy.demo.flows.counterpart import Counterpart
from deploy.demo.flows.street import Fate, Neighbour, move_in, orders_of, subscribe
from deploy.demo.gate import Gate
from deploy.demo.quiet import Quiet
from deploy.demo.story import Story
from libs.kit.clock import SteppedClock

#: Longer than a cancel window, the reconciliation delay of an unknown order, and a lead time.
STEP, STEPS = timedelta(hours=6), 12
ENDS: Mapping[Fate, frozenset[str]] = {
    Fate.DELIVERED: frozenset({"delivered"}),
    Fate.FOUND: frozenset({"delivered"}),
    Fate.CANCELLED: frozenset({"cancelled"}),
    Fate.REFUSED: frozenset({"refused"}),
    Fate.RACING: frozenset({"delivered", "refused"}),
}


class Act:
    """The customers of some counterparts, from registration to the outcome of each order."""

    def __init__(
        self, counterparts: Sequence[Counterpart], company: Company, clock: SteppedClock, story: Story
    ) -> None:
        self._unopened = counterparts
        self._counterparts: dict[str, Counterpart] = {}
        self._company, self._clock, self._story = company, clock, story
        self._neighbours: list[Neighbour] = []
        self.anomalies: list[str] = []

    async def play(self, gate: Gate, quiet: Quiet) -> dict[str, dict[str, int]]:
        """Return the outcomes of the orders by flow; problems are in `anomalies`."""
        await self._move_in(quiet)
        await self._run_low(gate, quiet)
        await self._go_on(quiet)
        return await self._count()

    async def _move_in(self, quiet: Quiet) -> None:
        self._story.view.phase(
            f"{len(self._unopened)} more order flows: {', '.join(one.flow for one in self._unopened)}"
        )
        for counterpart in self._unopened:
            await counterpart.open()
            self._counterparts[counterpart.provider_id] = counterpart
        await quiet.wait(self._clock.now())
        for provider_id, counterpart in self._counterparts.items():
            for number, fate in enumerate(counterpart.fates):
                product_id = counterpart.product_for(fate)
                one = await move_in(self._company, provider_id, fate, product_id, number)
                self._story.names[one.customer_id] = one.device_id
                self._neighbours.append(one)
        await quiet.wait(self._clock.now())
        for one in self._neighbours:
            await subscribe(self._company, one)
            await self._counterparts[one.provider_id].welcome(one)
        await self._step(quiet, timedelta(days=1))

    async def _run_low(self, gate: Gate, quiet: Quiet) -> None:
        """Use nearly everything, wait until orders are drafted, and cancel one of each flow within its window."""
        for one in self._neighbours:
            await gate.send(one.credential, [one.use(self._clock.now().isoformat())])
        await quiet.wait(self._clock.now())
        for one in self._neighbours:
            [order] = await orders_of(self._company, one)
            if one.fate is Fate.CANCELLED:
                path = f"/v1/orders/{order['order_id']}/cancel"
                await self._company.ask("order_dispatch", "POST", path, {"reason": "bought some on the way home"})
            await self._counterparts[one.provider_id].before_placing(one)

    async def _go_on(self, quiet: Quiet) -> None:
        """Advance the clock until every order has ended."""
        at_work = [one for one in self._neighbours if "delivered" in ENDS[one.fate]]
        await self._step(quiet, STEP)
        for one in at_work:
            await self._counterparts[one.provider_id].work(one)
        for _ in range(STEPS):
            if not (waiting := await self._waiting()):
                return
            await self._step(quiet, STEP)
        self.anomalies += [f"flows: {one} has not ended" for one in waiting]

    async def _waiting(self) -> list[str]:
        found = []
        for one in self._neighbours:
            states = [order["state"] for order in await orders_of(self._company, one)]
            if ENDS[one.fate].isdisjoint(states):
                found.append(f"{one.device_id} ({', '.join(states)})")
        return found

    async def _count(self) -> dict[str, dict[str, int]]:
        orders: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in self._neighbours:
            orders[self._counterparts[one.provider_id].flow] += await orders_of(self._company, one)
        flows = {flow: count_flow(found) for flow, found in orders.items()}
        for shop in self._counterparts.values():
            if (taken := shop.taken()) != (placed := flows[shop.flow]["placed"]):
                self.anomalies.append(f"flows: {shop.provider_id} has {taken} orders in its log, we placed {placed}")
        return flows

    async def _step(self, quiet: Quiet, by: timedelta) -> None:
        self._clock.step_to(self._clock.now() + by)
        await quiet.wait(self._clock.now())
