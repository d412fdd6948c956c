"""Runs the four order flows at once: all customers run low on the same morning, and every order ends."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from deploy.demo.company import Company
from deploy.demo.event_feed import EventFeed
from deploy.demo.flows.counterpart import Counterpart
from deploy.demo.flows.customers import FlowCustomer, Outcome, create_customer, orders_of, subscribe
from deploy.demo.flows.outcomes import count_flow
from deploy.demo.quiescence import QuiescenceProbe
from deploy.demo.recording_client import RecordingClient
from libs.kit.clock import SteppedClock

#: Longer than a cancel window, the reconciliation delay of an unknown order, and a lead time.
STEP, STEPS = timedelta(hours=6), 12
ENDS: Mapping[Outcome, frozenset[str]] = {
    Outcome.DELIVERED: frozenset({"delivered"}),
    Outcome.FOUND: frozenset({"delivered"}),
    Outcome.CANCELLED: frozenset({"cancelled"}),
    Outcome.REFUSED: frozenset({"refused"}),
    Outcome.RACING: frozenset({"delivered", "refused"}),
}


class Scenario:
    """The customers of some counterparts, from registration to the outcome of each order."""

    def __init__(
        self, counterparts: Sequence[Counterpart], company: Company, clock: SteppedClock, feed: EventFeed
    ) -> None:
        self._not_started = counterparts
        self._counterparts: dict[str, Counterpart] = {}
        self._company, self._clock, self._feed = company, clock, feed
        self._customers: list[FlowCustomer] = []
        self.anomalies: list[str] = []

    async def run(self, client: RecordingClient, probe: QuiescenceProbe) -> dict[str, dict[str, int]]:
        """Return the outcomes of the orders by flow; problems are in `anomalies`."""
        await self._set_up(probe)
        await self._run_low(client, probe)
        await self._wait_for_outcomes(probe)
        return await self._count()

    async def _set_up(self, probe: QuiescenceProbe) -> None:
        self._feed.view.phase(
            f"{len(self._not_started)} more order flows: {', '.join(one.flow for one in self._not_started)}"
        )
        for counterpart in self._not_started:
            await counterpart.start()
            self._counterparts[counterpart.provider_id] = counterpart
        await probe.wait(self._clock.now())
        for provider_id, counterpart in self._counterparts.items():
            for number, outcome in enumerate(counterpart.outcomes):
                product_id = counterpart.product_for(outcome)
                one = await create_customer(self._company, provider_id, outcome, product_id, number)
                self._feed.names[one.customer_id] = one.device_id
                self._customers.append(one)
        await probe.wait(self._clock.now())
        for one in self._customers:
            await subscribe(self._company, one)
            await self._counterparts[one.provider_id].set_up_customer(one)
        await self._step(probe, timedelta(days=1))

    async def _run_low(self, client: RecordingClient, probe: QuiescenceProbe) -> None:
        """Use nearly everything, wait until orders are drafted, and cancel one of each flow within its window."""
        for one in self._customers:
            await client.send(one.credential, [one.use(self._clock.now().isoformat())])
        await probe.wait(self._clock.now())
        for one in self._customers:
            [order] = await orders_of(self._company, one)
            if one.outcome is Outcome.CANCELLED:
                path = f"/v1/orders/{order['order_id']}/cancel"
                await self._company.ask("order_dispatch", "POST", path, {"reason": "bought some on the way home"})
            await self._counterparts[one.provider_id].before_placing(one)

    async def _wait_for_outcomes(self, probe: QuiescenceProbe) -> None:
        """Advance the clock until every order has ended."""
        deliveries = [one for one in self._customers if "delivered" in ENDS[one.outcome]]
        await self._step(probe, STEP)
        for one in deliveries:
            await self._counterparts[one.provider_id].ship(one)
        for _ in range(STEPS):
            if not (open_orders := await self._list_open()):
                return
            await self._step(probe, STEP)
        self.anomalies += [f"flows: {one} has not ended" for one in open_orders]

    async def _list_open(self) -> list[str]:
        found = []
        for one in self._customers:
            states = [order["state"] for order in await orders_of(self._company, one)]
            if ENDS[one.outcome].isdisjoint(states):
                found.append(f"{one.device_id} ({', '.join(states)})")
        return found

    async def _count(self) -> dict[str, dict[str, int]]:
        orders: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in self._customers:
            orders[self._counterparts[one.provider_id].flow] += await orders_of(self._company, one)
        flows = {flow: count_flow(found) for flow, found in orders.items()}
        for shop in self._counterparts.values():
            if (received := shop.received()) != (placed := flows[shop.flow]["placed"]):
                self.anomalies.append(f"flows: {shop.provider_id} logged {received} orders, {placed} were placed")
        return flows

    async def _step(self, probe: QuiescenceProbe, by: timedelta) -> None:
        self._clock.step_to(self._clock.now() + by)
        await probe.wait(self._clock.now())
