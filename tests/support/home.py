"""One household: its use, subscriptions, orders and mails."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.support.households import Household

if TYPE_CHECKING:
    from tests.support.environment import Environment


class Home:
    """A registered household; each action waits until its events are processed."""

    def __init__(self, world: "Environment", household: Household) -> None:
        self.world, self.household = world, household
        self.product_id, self.wish = household.product_id, household.wish
        self.device_id = household.device_id
        self.customer_id = self.subscription_id = self._token = ""
        #: By device id, including former devices.
        self.credentials: dict[str, str] = {}
        self._boot, self._seqs = 1, dict[tuple[str, str], int]()

    # Actions of devices and people.

    async def uses(self, quantity: int, slot: str = "1") -> None:
        await self.reports(self.counted("SlotUsed", slot, quantity=quantity))

    async def refills(self, quantity: int | None = None, slot: str = "1") -> None:
        amount = {} if quantity is None else {"quantity": quantity}
        await self.reports(self.counted("SlotRefilled", slot, **amount))

    async def reports(self, *reports: dict[str, Any]) -> None:
        """Send reports of the device in one request."""
        await self.world.gateway.takes(self.credentials[self.device_id], reports)
        await self.world.settled()

    async def sees(self, level: int, slot: str = "1") -> None:
        """Correct the level as a person, with a customer's token."""
        seen = {"type": "SlotMeasured", "device_id": self.device_id, "slot": slot, "level": level, "by": "person"}
        await self.world.gateway.takes(await self.token(), [seen])
        await self.world.settled()

    def counted(self, kind: str, slot: str = "1", **fields: Any) -> dict[str, Any]:
        """Return the slot's next counted report."""
        place = (self.device_id, slot)
        self._seqs[place] = seq = self._seqs.get(place, 0) + 1
        at = self.world.clock.now().isoformat()
        name = {"type": kind, "device_id": self.device_id, "slot": slot, "boot": f"b{self._boot}", "seq": seq}
        return name | {"occurred_at": at} | ({"unit": "count"} if fields else {}) | fields

    def restarts_counter(self) -> None:
        """Restart the device's counter, as after a reset."""
        self._boot, self._seqs = self._boot + 1, {}

    # Subscription and orders.

    async def subscribes(self) -> None:
        path = f"/v1/customers/{self.customer_id}/subscriptions"
        answer = await self.world.ask("reorder_decision", "POST", path, self.wish.subscribed(self.product_id))
        self.subscription_id = answer["subscription_id"]
        await self.world.settled()

    async def wants(self, **changes: Any) -> None:
        """Change the subscription."""
        await self.world.ask("reorder_decision", "PATCH", f"/v1/subscriptions/{self.subscription_id}", changes)
        await self.world.settled()

    async def cancels(self, order_id: str) -> None:
        """Request a cancellation as the customer."""
        path = f"{self.world.urls['order_dispatch']}/v1/orders/{order_id}/cancel"
        headers = {"Authorization": f"Bearer {await self.token()}", "Idempotency-Key": str(uuid4())}
        answer = await self.world.http.post(path, json={"reason": "we have enough"}, headers=headers)
        assert answer.status_code in (200, 202), answer.text
        await self.world.settled()

    async def replaces_machine(self, **body: Any) -> None:
        """Replace the device; later reports are from the new one."""
        old, self.device_id = self.device_id, f"{self.device_id}-new"
        body = {"device_id": self.device_id, **body}
        answer = await self.world.ask("portal", "POST", f"/v1/devices/{old}/replacement", body)
        self.credentials[self.device_id] = answer["credential"]
        await self.world.settled()

    async def gives_machine_away(self, device_id: str = "") -> None:
        await self.world.ask("portal", "DELETE", f"/v1/devices/{device_id or self.device_id}")
        await self.world.settled()

    async def counts_shelf(self, quantity: int) -> None:
        path = f"/v1/customers/{self.customer_id}/stock/{self.product_id}/count"
        await self.world.ask("inventory", "POST", path, {"quantity": quantity})
        await self.world.settled()

    async def answers(self, order_id: str, answer: str) -> None:
        """Send `approve` or `decline` for a proposal."""
        await self.world.ask("reorder_decision", "POST", f"/v1/reorders/{order_id}/{answer}", {})
        await self.world.settled()

    async def token(self) -> str:
        if not self._token:
            answer = await self.world.ask("portal", "POST", f"/v1/customers/{self.customer_id}/tokens", {})
            self._token = answer["access_token"]
        return self._token

    # Observable state.

    async def slot(self, slot: str = "1") -> dict[str, Any]:
        path = f"/v1/devices/{self.device_id}/slots/{slot}"
        return dict(await self.world.ask("consumption", "GET", path))

    async def level(self, slot: str = "1") -> int:
        return int((await self.slot(slot))["level_steps"])

    async def stock(self) -> dict[str, Any]:
        """Return the ledger's balances by place."""
        answer = await self.world.ask("inventory", "GET", f"/v1/customers/{self.customer_id}/stock")
        found = [one for one in answer["stock"] if one["product_id"] == self.product_id]
        return found[0] if found else {"available": 0, "in_transit": 0, "loaded": 0, "unexplained": 0}

    async def shelf(self) -> int:
        return int((await self.stock())["available"])

    async def orders(self) -> list[str]:
        """Return the ids of all orders, oldest first; asserts that each was requested from the provider once."""
        answer = await self.world.ask("order_dispatch", "GET", f"/v1/customers/{self.customer_id}/orders")
        orders = [one["order_id"] for one in answer["orders"]]
        asked = [event["data"]["order_id"] for event in self.world.requests_for(self.product_id)]
        assert sorted(asked) == sorted(orders), f"{asked} were requested from the provider, {orders} exist"
        return asked

    async def order(self, order_id: str) -> dict[str, Any]:
        return dict(await self.world.ask("order_dispatch", "GET", f"/v1/orders/{order_id}"))

    async def state(self, order_id: str) -> str:
        return str((await self.order(order_id))["state"])

    async def receipt(self, order_id: str) -> dict[str, Any]:
        return dict(await self.world.ask("reorder_decision", "GET", f"/v1/orders/{order_id}/receipt"))

    async def receipts(self) -> list[dict[str, Any]]:
        """Return all decisions, oldest first."""
        answer = await self.world.ask("reorder_decision", "GET", f"/v1/customers/{self.customer_id}/receipts")
        return list(reversed(answer["receipts"]))

    async def proposal(self) -> str:
        """Return the order that waits for approval."""
        assert await self.waits_for() == "awaiting_approval until approval"
        return str((await self.receipts())[-1]["order_id"])

    async def waits_for(self) -> str:
        """Return what its pool waits for: `armed`, `followed`, `ordered`, or a hold's reason and wake-up."""
        path = f"/v1/subscriptions/{self.subscription_id}"
        pool = (await self.world.ask("reorder_decision", "GET", path))["pool"]
        return f"{pool['reason']} until {pool['wake_up']}" if pool["situation"] == "held" else str(pool["situation"])

    def mails(self) -> list[str]:
        """Return the subjects of all received mails, oldest first."""
        return [mail["subject"] for mail in self.world.mails() if self.household.email in mail["to"]]

    # Common final steps of tests.

    async def is_supplied(self, order_id: str) -> None:
        """Let the provider accept, ship and deliver."""
        for status in ("accepted", "shipped", "delivered"):
            await self.world.provider.publishes(order_id, status)
        await self.world.settled()

    async def orders_again(self) -> str:
        """Use the stock down to the threshold; the next order proves that no wake-up was lost."""
        before = await self.orders()
        if shelf := await self.shelf():
            await self.refills(shelf)
        await self.uses(await self.level() - self.wish.at_level)
        after = await self.orders()
        assert after[:-1] == before, f"{len(after) - len(before)} more orders instead of one"
        return after[-1]
