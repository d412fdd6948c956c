"""A customer's shelves: stock, transactions and counts."""

import json
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require_customer
from libs.kit.http.idempotency import command
from libs.kit.http.problems import ProblemError
from replenish_contracts.events import BaseUnit, CountCause, StockCounted
from replenish_contracts.units import SYMBOLS, InvalidAmountError, format_quantity, parse_quantity
from services.inventory.domain import count
from services.inventory.store import Goods, Origin, Store, Unit

router = APIRouter()
NEWEST = 2**62
#: Events contain balances up to 2**53, so later deliveries still fit.
MOST_ON_A_SHELF = 2**50


class ShelfCountBody(BaseModel):
    """Counted quantity; without a unit it is in the product's own unit."""

    model_config = ConfigDict(extra="forbid")

    quantity: str | int | float
    unit: str | None = None


@router.get("/v1/customers/{customer_id}/stock")
async def list_stock(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return the customer's stock by product; `total` is `available` (the shelf) and `allocated` together."""
    require_customer(principal, customer_id)
    async with kit.read() as store:
        rows = await store.list_stock(customer_id)
    return {"stock": [_stock(row) for row in rows]}


@router.get("/v1/customers/{customer_id}/stock/{product_id}/transactions")
async def list_transactions(
    customer_id: str,
    product_id: str,
    kit: KitDep,
    principal: PrincipalDep,
    limit: Annotated[int, Query(ge=1)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=NEWEST)] = None,
) -> dict[str, Any]:
    require_customer(principal, customer_id)
    async with kit.read() as store:
        limit = min(limit, store.settings.page_limit)
        rows = await store.list_transactions(Goods(customer_id, product_id), cursor or NEWEST, limit)
    more = rows[-1]["number"] if len(rows) == limit else None
    return {"data": [_transaction(product_id, row) for row in rows], "next": more}


@router.post("/v1/customers/{customer_id}/stock/{product_id}/count", status_code=201)
async def count_shelf(
    customer_id: str,
    product_id: str,
    body: ShelfCountBody,
    kit: KitDep,
    principal: PrincipalDep,
    key: RequiredIdempotencyDep,
) -> Any:
    """Set the shelf to what was counted; the difference is booked to `unexplained`."""
    require_customer(principal, customer_id)
    goods = Goods(customer_id, product_id)
    async with command(kit, key) as tx:
        unit = await tx.store.find_unit(goods)
        if unit is None:
            raise ProblemError.of_missing(
                "unknown_product",
                "No device of this customer uses this product",
                "slot of this customer with the product",
                "product_id",
                "register a device with a slot for this product, or check the product_id",
            )
        counted = _steps(body, unit)
        booked = await _count(tx.store, goods, counted, principal)
        tx.publish(*([booked] if booked else []))
        answer = {
            "product_id": product_id,
            "shelf": _quantity(counted, unit),
            "difference": _quantity(booked.difference if booked else 0, unit),
        }
        return tx.respond(201, answer)


async def _count(store: Store, goods: Goods, counted: int, principal: Principal) -> StockCounted | None:
    movement = count(counted, await store.lock_shelf(goods))
    origin = Origin(f"count/{uuid4()}", principal.role, store.now)
    if not await store.book(goods, movement, origin):
        return None
    return StockCounted(
        owner_id=goods.owner_id,
        product_id=goods.product_id,
        shelf=counted,
        difference=movement.shelf_change,
        cause=CountCause.COUNTED,
        occurred_at=store.now,
    )


def _steps(body: ShelfCountBody, unit: Unit) -> int:
    base = BaseUnit(unit.code)
    try:
        counted = parse_quantity(body.quantity, body.unit or unit.code, base=base, scale=unit.scale)
    except InvalidAmountError as error:
        entry = {"field": "quantity", "problem": error.problem, "remedy": error.remedy}
        raise ProblemError(422, error.code, "The count was not accepted", errors=[entry]) from None
    if counted > MOST_ON_A_SHELF:
        most = f"send at most {format_quantity(MOST_ON_A_SHELF, unit.scale)} {unit.code}; check the unit"
        entry = {"field": "quantity", "problem": "exceeds the largest accepted count", "remedy": most}
        raise ProblemError(422, "out_of_range", "The count was not accepted", errors=[entry])
    return counted


def _stock(row: Any) -> dict[str, Any]:
    unit = Unit(row["unit"] or BaseUnit.EACH, row["scale"] or 0)
    places: dict[str, int] = json.loads(row["places"])
    return {
        "product_id": row["product_id"],
        "type": "stock",
        "total": row["total"],
        "available": row["available"],
        "allocated": row["allocated"],
        "in_transit": places.get("in_transit", 0),
        "loaded": places.get("loaded", 0),
        "unexplained": places.get("unexplained", 0),
        "steps_are": {"unit": unit.code, "scale": unit.scale},
        "shelf": _quantity(row["available"], unit),
    }


def _transaction(product_id: str, row: Any) -> dict[str, Any]:
    return {
        "id": str(row["transaction_id"]),
        "type": "stock-transaction",
        "action": row["action"],
        "product_id": product_id,
        "quantity": row["quantity"],
        "timestamps": {"created_at": row["booked_at"], "happened_at": row["happened_at"]},
        "reason": row["reason"],
        "entries": json.loads(row["entries"]),
        "order_id": row["order_id"],
        "event_id": row["cause"],
        "booked_by": row["booked_by"],
    }


def _quantity(steps: int, unit: Unit) -> dict[str, str]:
    return {"quantity": format_quantity(steps, unit.scale), "unit": SYMBOLS[BaseUnit(unit.code)] or unit.code}
