"""HTTP API of decision receipts: sentences, figures and all inputs."""

import hashlib
import json
from collections import defaultdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from libs.kit.http.dependencies import KitDep, PrincipalDep, require, require_customer
from libs.kit.http.problems import ProblemError
from services.reorder_decision.domain import Inputs, PolicyDecision, explain, from_json, order_id_of

router = APIRouter()
NEWEST = 2**62
Limit = Annotated[int, Query(ge=1)]
Cursor = Annotated[int | None, Query(ge=1)]


@router.get("/v1/orders/{order_id}/receipt")
async def get_receipt(order_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return the latest receipt of the order's first line; `earlier` are those before it, such as the proposal's.

    `other_lines` are the receipts of the other lines, in the same form.
    """
    async with kit.read() as store:
        rows = await store.list_receipts_of_order(order_id)
    if not rows:
        title, remedy = "There is no receipt for this order", "GET /v1/receipts lists the receipts with their orders"
        raise ProblemError.of_missing("not_found", title, "receipt for the order", "order_id", remedy)
    require_customer(principal, rows[0]["customer_id"])
    by_pool: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_pool[row["pool_id"]].append(row)
    first, *others = sorted(by_pool.values(), key=lambda line: (not _names_order(line[0]), line[0]["number"]))
    return {
        **_shown(first[0]),
        "earlier": [_shown(row) for row in first[1:]],
        "other_lines": [{**_shown(line[0]), "earlier": [_shown(row) for row in line[1:]]} for line in others],
    }


@router.get("/v1/customers/{customer_id}/receipts")
async def list_receipts_of(
    customer_id: str, kit: KitDep, principal: PrincipalDep, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Return a customer's receipts, newest first; `next` is the cursor of the following page."""
    require_customer(principal, customer_id)
    return await _page(kit, customer_id, limit, cursor)


@router.get("/v1/receipts")
async def list_receipts(
    kit: KitDep, principal: PrincipalDep, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    require(principal, "operator")
    return await _page(kit, None, limit, cursor)


async def _page(kit: KitDep, customer_id: str | None, limit: int, cursor: int | None) -> dict[str, Any]:
    async with kit.read() as store:
        limit = min(limit, store.settings.page_limit)
        rows = await store.list_receipts(customer_id, cursor or NEWEST, limit)
    return {
        "receipts": [_shown(row) for row in rows],
        "next": rows[-1]["number"] if len(rows) == limit else None,
    }


def _names_order(row: Any) -> bool:
    """Return whether the order's id is that of this line, which makes it the first."""
    return bool(row["order_id"] == order_id_of(row["pool_id"], row["epoch"]))


def _shown(row: Any) -> dict[str, Any]:
    decision = json.loads(row["decision"])
    as_is = ("receipt_id", "order_id", "customer_id", "pool_id", "epoch", "outcome", "reason", "decided_at")
    return {
        **{name: row[name] for name in as_is},
        "words": explain(from_json(row["inputs"], Inputs), from_json(row["decision"], PolicyDecision)),
        "figures": decision["figures"],
        "decision": decision,
        "inputs": json.loads(row["inputs"]),
        #: Digest of the stored decision; a replay must produce the same.
        "decision_sha256": hashlib.sha256(row["decision"].encode()).hexdigest(),
    }
