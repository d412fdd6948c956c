"""Builds judge inputs of one order of two lines that leaves in two parcels; tests then falsify them."""

from typing import Any

from tests.unit.judge.scenario import ORDER, Scenario

PODS: dict[str, Any] = {"line_id": "1", "product_id": "pods", "pool_id": "ann/pods", "device_id": "brewer", "slot": "1"}
PODS |= {"quantity": 60, "packs": 2, "pack_size": 30, "unit_price": 500, "epoch": 1}
FILTERS: dict[str, Any] = {
    "line_id": "2",
    "product_id": "filters",
    "pool_id": "ann/filters",
    "device_id": "brewer",
    "slot": "2",
}
FILTERS |= {"quantity": 40, "packs": 1, "pack_size": 40, "unit_price": 301, "epoch": 2}
FEE = 199
PRICE = 2 * 500 + 301 + FEE
PAYMENT = {"payment_id": "p1", "currency": "EUR"}


def line(agreed: dict[str, Any], quantity: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a line as an event has it, with the quantity that the event is about."""
    return agreed | ({} if quantity is None else {"quantity": quantity}) | more


class TwoLines(Scenario):
    """An order of pods and filters."""

    def lines_fact(self, kind: str, *lines: dict[str, Any], **values: Any) -> Any:
        first = {name: lines[0][name] for name in ("product_id", "pool_id", "quantity", "device_id", "slot")}
        return self.fact(kind, lines=list(lines), **(first | values))

    def payment(self, kind: str, amount: int, **values: Any) -> Any:
        return self.fact(kind, amount=amount, **PAYMENT, **values)

    def update_lines(self, status: str, *lines: dict[str, Any], **values: Any) -> None:
        """Log and publish a provider's update about these lines, or about all."""
        number = len(self.inputs.topics.get("provider-updates-acme", ()))
        update = {"provider_id": "acme", "order_id": "o1", "update_id": f"u{number}", "status": status} | values
        if lines:
            update["lines"] = list(lines)
        self.provider(status, update=update)
        self.add_event("provider-updates-acme", "OrderUpdated", update)

    def approved(self, *, order_id: str = "o1", lines: tuple[dict[str, Any], ...] = (PODS, FILTERS)) -> Any:
        first = {name: lines[0][name] for name in ("pool_id", "product_id", "epoch", "packs", "pack_size", "quantity")}
        return self.add_event(
            "reorders", "ReorderApproved", ORDER | first | {"order_id": order_id, "lines": list(lines)}
        )

    def placed(self) -> None:
        """Approved, drafted, allocated, authorized, requested and accepted."""
        self.approved()
        self.lines_fact("OrderDrafted", PODS, FILTERS, packs=2, price=PRICE, fee=FEE, currency="EUR")
        lines = [{name: one[name] for name in ("line_id", "product_id", "quantity")} for one in (PODS, FILTERS)]
        self.fact("AllocationRequested", lines=lines)
        self.add_event("stock", "StockAllocated", {"owner_id": "acme", "order_id": "o1", "lines": lines})
        self.payment("PaymentAuthorized", PRICE)
        self.add_event("provider-orders-acme", "OrderRequested", ORDER | {"quantity": 60, "lines": [PODS, FILTERS]})
        self.update_lines("accepted")
        self.lines_fact("OrderPlaced", PODS, FILTERS, packs=2)

    def ships(self, agreed: dict[str, Any], parcel: str, *, complete: bool, quantity: int | None = None) -> None:
        quantity = agreed["quantity"] if quantity is None else quantity
        self.update_lines("shipped", {"line_id": agreed["line_id"], "quantity": quantity}, shipment_id=parcel)
        self.lines_fact("OrderShipped", line(agreed, quantity), shipment_id=parcel, complete=complete)

    def arrives(self, agreed: dict[str, Any], *, complete: bool, quantity: int | None = None) -> None:
        quantity = agreed["quantity"] if quantity is None else quantity
        self.lines_fact("OrderDelivered", line(agreed, quantity), complete=complete, evidence="estimated")
        credited = {"owner_id": "ann", "product_id": agreed["product_id"], "line_id": agreed["line_id"]}
        self.add_event("stock", "StockArrived", credited | {"order_id": "o1", "quantity": quantity, "shelf": quantity})

    def stores(self, state: str, *lines: tuple[dict[str, Any], str, int, int]) -> None:
        """Add the rows of order_dispatch; each line has its state, shipped quantity and captured amount."""
        self.row("order_dispatch.orders", order_id="o1", state=state, fee_captured=FEE)
        for agreed, line_state, shipped, captured in lines:
            stored = {name: agreed[name] for name in ("line_id", "pool_id", "quantity")}
            amounts = {"shipped_quantity": shipped or None, "captured": captured, "refunded": 0}
            self.row("order_dispatch.order_line", order_id="o1", state=line_state, **stored, **amounts)


def in_two_parcels() -> TwoLines:
    """Both lines leave, each in its own parcel, arrive and are paid."""
    scenario = TwoLines()
    scenario.placed()
    scenario.ships(FILTERS, "a", complete=False)
    scenario.payment("PaymentCaptured", 301 + FEE, more_follows=True)
    scenario.ships(PODS, "b", complete=True)
    scenario.payment("PaymentCaptured", 1000)
    scenario.arrives(FILTERS, complete=False)
    scenario.arrives(PODS, complete=True)
    scenario.stores("delivered", (PODS, "delivered", 60, 1000), (FILTERS, "delivered", 40, 301))
    for agreed, parcel in ((FILTERS, "a"), (PODS, "b")):
        stored = {"order_id": "o1", "line_id": agreed["line_id"], "shipment_id": parcel}
        scenario.row("order_dispatch.shipment_line", quantity=agreed["quantity"], **stored)
    _book(scenario, ("authorized", "held", PRICE), ("captured", "cash", 500), ("captured", "cash", 1000))
    amounts = {"authorized": PRICE, "captured": PRICE, "refunded": 0}
    scenario.row("order_dispatch.payment", payment_id="p1", order_id="o1", step=None, **amounts)
    for op, amount in (("authorized", PRICE), ("captured", 500), ("captured", 1000)):
        scenario.inputs.payments.append({"op": op, "payment_id": "p1", "amount": amount})
    for agreed in (PODS, FILTERS):
        kept = {"holder_id": "o1", "line_id": agreed["line_id"], "state": "shipped"}
        scenario.row("inventory.allocation", quantity=agreed["quantity"], shipped=agreed["quantity"], **kept)
    return scenario


def one_cancelled() -> TwoLines:
    """The filters leave; the pods are cancelled before they do."""
    scenario = TwoLines()
    scenario.placed()
    scenario.ships(FILTERS, "a", complete=False)
    scenario.payment("PaymentCaptured", 301 + FEE)
    scenario.update_lines("cancelled", {"line_id": "1"})
    scenario.lines_fact("OrderLinesCancelled", PODS, complete=False, by="customer", reason="we have enough")
    scenario.payment("PaymentVoided", 1000)
    lines = [{"line_id": "1", "product_id": "pods", "quantity": 60}]
    released = {"owner_id": "acme", "order_id": "o1", "lines": lines}
    scenario.add_event("stock", "StockReleased", released)
    scenario.arrives(FILTERS, complete=True)
    return scenario


def _book(scenario: TwoLines, *bookings: tuple[str, str, int]) -> None:
    for number, (kind, account, amount) in enumerate(bookings, 1):
        scenario.row("order_dispatch.money_transaction", number=number, payment_id="p1", kind=kind, currency="EUR")
        owed = "customer:ann" if account == "held" else "provider:acme"
        for name, signed in ((f"{account}:sandbox", amount), (owed, -amount)):
            scenario.row("order_dispatch.money_entry", number=number, account=name, amount=signed)
