"""`replenish explain ORDER`: why an order was made and what became of its lines, in words and figures."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.cli.commands.token import operator_token
from deploy.cli.options import HomeOption, home_of
from deploy.cli.refusals import message_of
from deploy.local.errors import StackError
from deploy.local.home import Home
from replenish_contracts.units import SYMBOLS, BaseUnit

SERVICE, ORDERS = "reorder_decision", "order_dispatch"
TIMEOUT_SECONDS = 10.0
PAGE = 200

UrlOption = Annotated[
    str | None,
    typer.Option("--url", envvar="REORDER_DECISION", help="Address of reorder-decision; default: the stack in --home."),
]
OrdersUrlOption = Annotated[
    str | None,
    typer.Option(
        "--orders-url",
        envvar="ORDER_DISPATCH",
        help="Address of order-dispatch; default: the stack in --home. Without it, only receipts are shown.",
    ),
]
TokenOption = Annotated[
    str | None, typer.Option("--token", envvar="TOKEN", help="Operator token; default: from the stack in --home.")
]


def register(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    order: Annotated[str, typer.Argument(help="Order id.")],
    home: HomeOption = None,
    url: UrlOption = None,
    orders_url: OrdersUrlOption = None,
    token: TokenOption = None,
) -> None:
    """Explain an order: why each line was ordered, what became of it, what its provider reported, and its money."""
    receipts = Receipts.of(home_of(home), url, token)
    orders = Orders.of(home_of(home), url, orders_url, token)
    console = Console(highlight=False, soft_wrap=True)
    receipt = receipts.get(order)
    placed = orders.find(order) if orders else None
    if placed is None or len(placed.get("lines", ())) <= 1:
        for one in all_receipts(receipt):
            show(one, console)
    if placed is not None and placed.get("lines"):
        show_order(placed, {one["receipt_id"]: one for one in all_receipts(receipt)}, console)
        show_history(placed, console)
        show_money(placed, orders.find_payment(order) if orders else None, console)


def all_receipts(receipt: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the receipts of all lines of an order, each with the earlier ones of its line after it."""
    for one in (receipt, *receipt.get("other_lines", ())):
        yield from (one, *one["earlier"])


def show_order(order: dict[str, Any], receipts: dict[str, dict[str, Any]], console: Console) -> None:
    """Print an order's lines and shipments; the receipts of a single line are shown before."""
    console.print(f"[bold]order {escape(order['order_id'])}[/] from {escape(order['provider_id'])}: {order['state']}")
    if order.get("test"):
        console.print("  test order: nothing is charged and nothing is delivered", markup=False)
    lines = {line["line_id"]: line for line in order["lines"]}
    for line in lines.values():
        for text in describe_line(line):
            console.print(f"  {text}", markup=False)
        if len(lines) > 1:
            for receipt in _receipts_of(line, receipts):
                show(receipt, console)
            if line["receipt_id"] not in receipts:
                console.print(f"    receipt {line['receipt_id']} was not found", markup=False)
    for shipment in order.get("shipments", ()):
        parts = [f"{_amount(part)} of line {part['line_id']}" for part in shipment["lines"]]
        arrived = ", arrived" if shipment.get("arrived") else ""
        tracking = f", tracking {shipment['tracking']}" if shipment.get("tracking") else ""
        console.print(f"  shipment {shipment['shipment_id']}: {', '.join(parts)}{tracking}{arrived}", markup=False)


def show_history(order: dict[str, Any], console: Console) -> None:
    """Print the transitions of an order, and what its provider reported."""
    for step in order.get("history", ()):
        console.print(f"  {step['occurred_at']} {step['to_state']}: {step['because']}", markup=False)
    for text in describe_updates(order.get("updates", ())):
        console.print(f"  {text}", markup=False)


def describe_updates(updates: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield what the provider reported, what became of it, and which details are not used."""
    for update in updates:
        word = f" ({update['word']})" if update.get("word") else ""
        reason = f": {update['reason']}" if update["reason"] else ""
        asks = "; an operator must read it" if update.get("asks") else ""
        yield f"update {update['update_id']}: {update['status']}{word}, {update['outcome']}{reason}{asks}"
        for note in update.get("notes", ()):
            yield f"  {note['field']} {note['value']!r} is not used: {note['reason']}"


def describe_line(line: dict[str, Any]) -> Iterator[str]:
    """Yield what was ordered and what became of it."""
    price = f" at {_money(line['unit_price'])} each" if line.get("unit_price") else ""
    place = f"{line['device_id']}/{line['slot']}"
    what = f"{line['packs']} x {_amount(line['pack_size'])} of {line['product_id']}{price} for {place}"
    yield f"line {line['line_id']}: {what}: {line['state']}"
    quantities = [
        f"{name} {_amount(line[field])}"
        for name, field in (
            *(("ordered", "quantity"), ("shipped", "shipped"), ("to follow", "remaining")),
            *(("counted by the customer", "counted"), ("returned", "returned")),
        )
        if line.get(field)
    ]
    yield f"  {', '.join(quantities)}"
    if line.get("substitute"):
        yield f"  replaced with {line['substitute']}"
    if line.get("expected_at") and not line.get("delivered_at"):
        yield f"  expected {_expected(line)}"
    if line.get("unclear"):
        yield "  the provider reported an unclear quantity, so the ordered quantity counts until it is counted"
    if line.get("delivered_at"):
        yield f"  delivered on {line['delivered_at']} ({line.get('evidence')})"
    if line.get("cancellation"):
        cancellation = line["cancellation"]
        yield f"  cancellation requested by {cancellation['by']}: {cancellation['reason'] or 'no reason given'}"


def _expected(line: dict[str, Any]) -> str:
    return f"on {line['expected_date']}" if line.get("expected_date") else f"at {line['expected_at']}"


def show_money(order: dict[str, Any], payment: dict[str, Any] | None, console: Console) -> None:
    if order.get("price"):
        fee = f", of which {_money(order['fee'])} is the delivery fee" if order.get("fee") else ""
        console.print(f"  price {_money(order['price'])}{fee}", markup=False)
    refunds = [
        f"{_money(line['refunded'])} for line {line['line_id']}" for line in order["lines"] if line.get("refunded")
    ]
    if refunds:
        console.print(f"  refunds requested: {', '.join(refunds)}", markup=False)
    if payment is not None:
        steps = ", ".join(f"{step} {_money(payment[step])}" for step in ("authorized", "captured", "refunded"))
        console.print(f"  payment by {payment['service']}: {payment['state']}; {steps}", markup=False)


def _receipts_of(line: dict[str, Any], receipts: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the line's receipt and the earlier ones of its pool."""
    found = receipts.get(line["receipt_id"])
    if found is None:
        return []
    return [found, *(one for one in found.get("earlier", ()) if one is not found)]


def _amount(quantity: dict[str, str]) -> str:
    return f"{quantity['quantity']} {SYMBOLS[BaseUnit(quantity['unit'])]}".rstrip()


def _money(money: dict[str, str]) -> str:
    return f"{money['amount']} {money['currency']}"


def show(receipt: dict[str, Any], console: Console) -> None:
    """Print one receipt: the decision in sentences and figures, and its inputs."""
    inputs, about = receipt["inputs"], f"{receipt['pool_id']}, epoch {receipt['epoch']}"
    console.print(f"[bold]{receipt['outcome']}[/] ({receipt['reason']}) on {receipt['decided_at']} for {about}")
    for sentence in receipt["words"]:
        console.print(f"  {sentence}", markup=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in (*receipt["figures"].items(), *_inputs(inputs)):
        table.add_row(f"  {name}", "" if value is None else str(value))
    console.print(table)
    console.print(f"  receipt {receipt['receipt_id']}, decision sha256 {receipt['decision_sha256']}")


def _inputs(inputs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the remaining inputs of the decision by name."""
    yield "rule", inputs["rule"]
    yield "requested because", inputs["why"]
    policy = inputs["subscription"] or {}
    for name in ("version", "mode", "provider_id", "packs", "pack_size", "reports"):
        yield f"subscription {name}", policy.get(name)
    for slot in inputs["slots"]:
        level = f"{slot['level']} +- {slot['uncertainty']:.3g} at {slot['level_at']}, by event {slot['level_event']}"
        yield f"slot {slot['device_id']}/{slot['slot']}", level
        for link in slot.get("links", ()):
            yield f"slot {slot['device_id']}/{slot['slot']} at {link['provider_id']}", _link(link)
    yield "shelf by event", inputs["shelf_event"]
    yield "offer by event", (inputs["offer"] or {}).get("event")
    yield "caused by event", inputs["cause"]


def _link(link: dict[str, Any]) -> str:
    """Describe a slot as a linked provider reported it."""
    if not link["active"]:
        return f"not linked since {link['changed_at']}"
    if link["subscribed"] is None:
        return f"linked since {link['changed_at']}"
    state = "subscribed" if link["subscribed"] else "paused"
    items = f" to {', '.join(link['items'])}" if link["items"] else ""
    return f"{state}{items} since {link['subscribed_at']}"


class _Service:
    """Client for the API of one running service."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    def _read(self, path: str) -> dict[str, Any]:
        found = self._find(path)
        if isinstance(found, dict):
            return found
        raise StackError(_problem(found))

    def _find(self, path: str) -> dict[str, Any] | httpx.Response:
        """Return the response's content; the response itself if it is 404."""
        try:
            answer = httpx.get(self._url + path, headers=self._headers, timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            raise StackError(f"no response from {self._url}: {error}") from None
        if answer.is_success:
            read: dict[str, Any] = answer.json()
            return read
        if answer.status_code == httpx.codes.NOT_FOUND:
            return answer
        raise StackError(_problem(answer))


class Receipts(_Service):
    """The receipts of reorder_decision."""

    @classmethod
    def of(cls, home: Home, url: str | None, token: str | None) -> "Receipts":
        """Return the receipts at `url`, or of the stack that runs in `home`."""
        known = url or _address_in(home, SERVICE)
        if known is None:
            raise StackError(f"no stack is running in {home.folder}; run `replenish up`, or pass --url and --token")
        return cls(known, token or operator_token(home))

    def get(self, order_id: str) -> dict[str, Any]:
        return self._read(f"/v1/orders/{quote(order_id, safe='')}/receipt")

    def list_all(self) -> Iterator[dict[str, Any]]:
        """Yield the receipts of all customers, newest first."""
        cursor = ""
        while True:
            page = self._read(f"/v1/receipts?limit={PAGE}{cursor}")
            yield from page["receipts"]
            if page["next"] is None:
                return
            cursor = f"&cursor={page['next']}"


class Orders(_Service):
    """The orders and payments of order_dispatch."""

    @classmethod
    def of(cls, home: Home, receipts_url: str | None, url: str | None, token: str | None) -> "Orders | None":
        """Return the orders at `url`, or of the stack in `home` if its receipts are used; None without either."""
        known = url or (None if receipts_url else _address_in(home, ORDERS))
        return None if known is None else cls(known, token or operator_token(home))

    def find(self, order_id: str) -> dict[str, Any] | None:
        """Return None for a proposal that was not approved."""
        found = self._find(f"/v1/orders/{quote(order_id, safe='')}")
        return found if isinstance(found, dict) else None

    def find_payment(self, order_id: str) -> dict[str, Any] | None:
        """Return None for an order without payment."""
        found = self._find(f"/v1/orders/{quote(order_id, safe='')}/payment")
        return found if isinstance(found, dict) else None


def _address_in(home: Home, service: str) -> str | None:
    services = home.read_state().get("services", {})
    found: str | None = services.get(service) or services.get(service.replace("_", "-"))
    return found


def _problem(answer: httpx.Response) -> str:
    return message_of(answer.status_code, str(answer.url), answer.content)
