"""`replenish explain ORDER`: why an order was made, in words and figures."""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.commands.token import operator_token
from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError
from deploy.local.home import Home

SERVICE = "reorder_decision"
TIMEOUT_SECONDS = 10.0
PAGE = 200

UrlOption = Annotated[
    str | None,
    typer.Option("--url", envvar="REORDER_DECISION", help="Address of reorder-decision; default: the stack in --home."),
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
    token: TokenOption = None,
) -> None:
    """Explain an order from its receipt."""
    receipt = Receipts.of(home_of(home), url, token).get(order)
    console = Console(highlight=False, soft_wrap=True)
    for one in (receipt, *receipt["earlier"]):
        show(one, console)


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
    yield "shelf by event", inputs["shelf_event"]
    yield "offer by event", (inputs["offer"] or {}).get("event")
    yield "caused by event", inputs["cause"]


class Receipts:
    """Client for the receipts of the running service."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    def of(cls, home: Home, url: str | None, token: str | None) -> "Receipts":
        """Return the receipts at `url`, or of the stack that runs in `home`."""
        services = home.read_state().get("services", {})
        known = url or services.get(SERVICE) or services.get(SERVICE.replace("_", "-"))
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

    def _read(self, path: str) -> dict[str, Any]:
        try:
            answer = httpx.get(self._url + path, headers=self._headers, timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            raise StackError(f"no response from {self._url}: {error}") from None
        if answer.is_success:
            read: dict[str, Any] = answer.json()
            return read
        raise StackError(_problem(answer))


def _problem(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["title"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} answered {answer.status_code}"
