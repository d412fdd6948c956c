"""`replenish replay`: recomputes decisions from their receipts and compares them byte for byte."""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from deploy.cli.commands.explain import Receipts, TokenOption, UrlOption
from deploy.cli.options import HomeOption, home_of
from deploy.local.errors import StackError
from services.reorder_decision.domain import Inputs, PolicyDecision, as_json, decide, explain, with_changes

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change an input: level=20, shelf=3, days=5, mode=notify."),
]


def register(app: typer.Typer) -> None:
    app.command()(replay)


def replay(
    order: Annotated[str | None, typer.Argument(help="Order id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All receipts.")] = False,
    set_: SetOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Recompute decisions from receipts; exit 1 if one differs."""
    if (order is None) is not everything:
        raise StackError("specify an order id or --all")
    receipts, console = Receipts.of(home_of(home), url, token), Console(highlight=False, soft_wrap=True)
    if set_ and order:
        console.print(*what_if(receipts.get(order), read_changes(set_)), sep="\n", markup=False)
    elif set_:
        raise StackError("--set needs an order id")
    else:
        _compare(receipts.list_all() if order is None else _with_earlier(receipts.get(order)), console)


def _with_earlier(receipt: dict[str, Any]) -> list[dict[str, Any]]:
    return [receipt, *receipt["earlier"]]


def _compare(receipts: Iterable[dict[str, Any]], console: Console) -> None:
    same = different = 0
    for receipt in receipts:
        if is_same(receipt):
            same += 1
            continue
        different += 1
        decided = as_json(decide(_inputs(receipt)))
        console.print(
            f"receipt {receipt['receipt_id']} of {receipt['pool_id']}: recomputed decision is {decided}", markup=False
        )
    console.print(f"{same + different} decisions recomputed: {same} identical, {different} different")
    if different:
        raise typer.Exit(1)


def is_same(receipt: dict[str, Any]) -> bool:
    """Whether the recomputed decision equals the recorded one byte for byte."""
    decided = as_json(decide(_inputs(receipt)))
    return hashlib.sha256(decided.encode()).hexdigest() == str(receipt["decision_sha256"])


def what_if(receipt: dict[str, Any], changes: dict[str, str]) -> list[str]:
    """Return the decision with some inputs changed, compared with the recorded one."""
    try:
        inputs = with_changes(_inputs(receipt), changes)
        made, other = msgspec.convert(receipt["decision"], PolicyDecision), decide(inputs)
    except (ValueError, ArithmeticError) as error:
        raise StackError(f"cannot replay with these values: {error}") from None
    said = ", ".join(f"{name}={value}" for name, value in changes.items())
    return [_verdict(said, made, other), *(f"  {sentence}" for sentence in explain(inputs, other))]


def _verdict(changes: str, made: PolicyDecision, other: PolicyDecision) -> str:
    was, would = f"{made.outcome} ({made.reason})", f"{other.outcome} ({other.reason})"
    if was != would:
        return f"With {changes} the decision is different: {would} instead of {was}."
    if as_json(made) == as_json(other):
        return f"With {changes} the decision is identical: {was}."
    return f"With {changes} the decision is still {was}, with different figures."


def read_changes(given: list[str]) -> dict[str, str]:
    """Parse `["level=20"]`; raises StackError if an item is not NAME=VALUE."""
    pairs = [change.partition("=") for change in given]
    if unfit := [name for name, equals, _ in pairs if not name or not equals]:
        raise StackError(f"--set needs NAME=VALUE, not {unfit[0]!r}")
    return {name: value for name, _, value in pairs}


def _inputs(receipt: dict[str, Any]) -> Inputs:
    return msgspec.convert(receipt["inputs"], Inputs)
