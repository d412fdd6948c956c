"""Runs the order flows at once: all customers run low on the same morning, and every order ends."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from deploy.demo.company import Company
from deploy.demo.event_feed import EventFeed
from deploy.demo.flows.counterpart import Counterpart
from deploy.demo.flows.customers import (
    LINE_ENDS,
    PACK,
    FlowCustomer,
    Outcome,
    create_customer,
    orders_of,
    pieces,
    subscribe,
)
from deploy.demo.flows.outcomes import count_flow
from deploy.demo.quiescence import QuiescenceProbe
from deploy.demo.recording_client import RecordingClient
from deploy.demo.setup import for_each
from libs.kit.clock import SteppedClock

#: Longer than a cancel window, the reconciliation delay of an unknown order, and a lead time.
STEP, STEPS = timedelta(hours=6), 14
#: Pieces that a customer returns, or that are missing; too few to order again.
FEW = 1
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
        wanted = [
            (shop, number, outcome)
            for shop in self._counterparts.values()
            for number, outcome in enumerate(shop.outcomes)
        ]
        await for_each(wanted, lambda one: self._create(*one))
        await probe.wait(self._clock.now())
        await for_each(self._customers, self._set_up_customer)
        await self._step(probe, timedelta(days=1))

    async def _create(self, shop: Counterpart, number: int, outcome: Outcome) -> None:
        products = shop.products_for(outcome)
        one = await create_customer(self._company, shop.provider_id, outcome, products, number)
        self._feed.names[one.customer_id] = one.device_id
        self._customers.append(one)

    async def _set_up_customer(self, one: FlowCustomer) -> None:
        await subscribe(self._company, one)
        await self._counterparts[one.provider_id].set_up_customer(one)

    async def _run_low(self, client: RecordingClient, probe: QuiescenceProbe) -> None:
        """Use nearly everything, wait until orders are drafted, and cancel one of each flow within its window."""
        for number in range(max(len(one.products) for one in self._customers)):
            for one in self._customers:
                if number < len(one.products):
                    await client.send(one.credential, [one.use(number, self._clock.now().isoformat())])
            await probe.wait(self._clock.now())
        for one in self._customers:
            orders = await orders_of(self._company, one)
            lines, expected = [len(order["lines"]) for order in orders], [len(one.products)]
            if lines != ([1] * len(one.products) if one.outcome is Outcome.SPLIT else expected):
                self.anomalies.append(f"flows: {one.device_id} has orders of {lines} lines")
            if one.outcome is Outcome.CANCELLED:
                path = f"/v1/orders/{orders[0]['order_id']}/cancel"
                await self._company.ask("order_dispatch", "POST", path, {"reason": "bought some on the way home"})
            await self._counterparts[one.provider_id].before_placing(one)

    async def _wait_for_outcomes(self, probe: QuiescenceProbe) -> None:
        """Advance the clock until every order has ended."""
        deliveries = [one for one in self._customers if one.outcome not in (Outcome.CANCELLED, Outcome.REFUSED)]
        await self._step(probe, STEP)
        for one in deliveries:
            await self._counterparts[one.provider_id].ship(one)
        waiting, open_orders = self._customers, list[str]()
        for _ in range(STEPS):
            for one in waiting:
                await self._act(one)
            found = [(one, await self._find_open(one)) for one in waiting]
            waiting, open_orders = [one for one, text in found if text], [text for _, text in found if text]
            if not waiting:
                return
            await self._step(probe, STEP)
        self.anomalies += [f"flows: {text} has not ended" for text in open_orders]

    async def _act(self, one: FlowCustomer) -> None:
        """Do what the customer of two products does as soon as it is possible: cancel, count or return a line."""
        if one.outcome not in (Outcome.ONE_CANCELLED, Outcome.COUNTED, Outcome.ONE_SHORT, Outcome.ONE_RETURNED):
            return
        order = (await orders_of(self._company, one))[0]
        path, lines = f"/v1/orders/{order['order_id']}", order["lines"]
        counts = all(line["state"] == "shipped" for line in lines)
        if one.outcome is Outcome.ONE_CANCELLED:
            waiting = [line["line_id"] for line in lines if line["state"] == "ordered" and not line["cancellation"]]
            if order["state"] == "shipped" and waiting:
                body = {"reason": "found some in the cellar", "line_ids": waiting}
                await self._company.ask("order_dispatch", "POST", f"{path}/cancel", body)
        elif one.outcome is Outcome.ONE_RETURNED:
            if all(line["state"] == "delivered" for line in lines):
                body = {"line_id": lines[0]["line_id"], "reason": "bent", **pieces(FEW)}
                await self._company.ask("order_dispatch", "POST", f"{path}/return", body)
        elif counts:
            missing = [FEW if one.outcome is Outcome.ONE_SHORT else 0, 0]
            for line, few in zip(lines, missing, strict=True):
                body = {"line_id": line["line_id"], **pieces(PACK - few)}
                await self._company.ask("order_dispatch", "POST", f"{path}/received", body)

    async def _find_open(self, one: FlowCustomer) -> str:
        """Return the states of the customer's orders and lines; empty once they have ended as intended."""
        orders = await orders_of(self._company, one)
        states = [order["state"] for order in orders]
        lines = Counter(line["state"] for order in orders for line in order["lines"])
        missing = Counter(LINE_ENDS.get(one.outcome, ())) - lines
        if missing or (one.outcome in ENDS and ENDS[one.outcome].isdisjoint(states)):
            return f"{one.device_id} ({', '.join(states)}; lines {', '.join(lines.elements())})"
        return ""

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
