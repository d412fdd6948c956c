"""Request and response bodies of provider stock, carts and checkouts."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.kit.clock import NearMoment
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import MAX_TEXT, NO_NUL, as_utc
from services.inventory.domain import Goods, Quantities, Shortage
from services.inventory.store import Cart, Checkout, Store

#: What can be done about a shortage, by code.
REMEDIES = {
    "less_than_allocated": "count again, or end orders first: {requested} are allocated to orders",
    "fewer_came_back": "decide on at most {available}, which came back and were not decided on",
    "not_allocated_by_hand": "deallocate at most {available}; what is allocated to orders ends with them",
    "paid_too_late": "refund the payment: the goods were sold meanwhile",
}
Identifier = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
#: Largest integer that JSON readers represent exactly.
LARGEST = 2**53
Count = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]


class Body(BaseModel):
    """A request body; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TransactionBody(Body):
    """One stock-transaction; quantities are base steps of the product."""

    type: Literal["stock-transaction"]
    action: Literal["increment", "decrement", "allocate", "deallocate"]
    quantity: Count
    #: Last day on which received goods may be sold; only with `increment`.
    expires_on: date | None = None

    @model_validator(mode="after")
    def check_expiry_date(self) -> Self:
        if self.expires_on and self.action != "increment":
            raise ValueError("expires_on belongs to received goods; omit it, or send the action increment")
        return self


class TransactionDocument(Body):
    """The inventory document's envelope."""

    data: TransactionBody


class CountBody(Body):
    """Counted total, including goods allocated to orders."""

    quantity: Annotated[int, Field(ge=0, le=LARGEST, strict=True)]


class ReturnsBody(Body):
    """Decision on inspected returns."""

    quantity: Count
    verdict: Literal["restock", "discard"]


class RestockBody(Body):
    """An announced restock."""

    expected_at: NearMoment
    quantity: Count


class ItemBody(Body):
    """A quantity of one owner's product."""

    owner_id: Identifier
    product_id: Identifier
    quantity: Count


class ItemsBody(Body):
    """Items to add to a cart."""

    items: Annotated[list[ItemBody], Field(min_length=1, max_length=100)]


class CartBody(Body):
    """Owner of the cart; defaults to the customer of the token."""

    customer_id: Identifier | None = None


class CheckoutBody(Body):
    """Whether goods are allocated immediately, or only from the start of the payment."""

    reserve: bool = False


class PaymentBody(Body):
    """Outcome of the payment."""

    outcome: Literal["paid", "failed"]


class ShipBody(Body):
    """Shipped items; all items if omitted."""

    items: Annotated[list[ItemBody], Field(min_length=1, max_length=100)] | None = None


def goods_in(items: Sequence[ItemBody]) -> list[tuple[Goods, int]]:
    return [(Goods(item.owner_id, item.product_id), item.quantity) for item in items]


def items_of(wanted: Quantities) -> list[dict[str, Any]]:
    return [{"owner_id": goods[0], "product_id": goods[1], "quantity": n} for goods, n in sorted(wanted.items())]


def cart_of(cart: Cart) -> dict[str, Any]:
    return {
        "cart_id": cart.cart_id,
        "customer_id": cart.customer_id,
        "checkout_id": cart.checkout_id,
        "items": items_of(cart.wanted),
    }


def checkout_of(checkout: Checkout, kept: Quantities) -> dict[str, Any]:
    """Return the checkout as JSON; `allocated` contains its open allocations."""
    return {
        "checkout_id": checkout.checkout_id,
        "customer_id": checkout.customer_id,
        "state": checkout.state,
        "expires_at": format_time(checkout.expires_at),
        "items": items_of(checkout.wanted),
        "allocated": items_of(kept),
    }


def format_time(at: datetime | None) -> str | None:
    return as_utc(at).isoformat().replace("+00:00", "Z") if at else None


async def shortage_problem(
    short: Sequence[Shortage], store: Store, status: int = 400, code: str = "insufficient_stock"
) -> ProblemError:
    """Return a Problem with requested and available quantity and announced restock of every short product."""
    expected = await store.list_restocks([one.goods for one in short])
    shortages = [
        {
            "owner_id": one.goods.owner_id,
            "product_id": one.goods.product_id,
            "requested": one.requested,
            "available": one.available,
            "restock_at": format_time(expected.get(one.goods)),
        }
        for one in short
    ]
    detail = ", ".join(f"{one.goods.product_id}: {one.requested} requested, {one.available} available" for one in short)
    errors = [
        {
            "field": "quantity",
            "problem": f"{one['product_id']}: {one['requested']} requested, {one['available']} available",
            "remedy": REMEDIES.get(code, "request at most {available}").format(**one)
            + (f", or wait for the restock of {one['restock_at']}" if one["restock_at"] else ""),
        }
        for one in shortages
    ]
    return ProblemError(status, code, "Not enough stock", detail=detail[:MAX_TEXT], shortages=shortages, errors=errors)


def unknown_product(remedy: str) -> ProblemError:
    title = "Product not found in this owner's stock"
    return ProblemError.of_missing("unknown_product", title, "stock of the product", "product_id", remedy)


async def stock_of(goods: Goods, store: Store) -> dict[str, Any]:
    provision = await store.find_provision(goods)
    if provision is None:
        raise unknown_product("GET /inventories lists the owner's products")
    expected = await store.list_restocks([goods])
    return {
        "id": goods.product_id,
        "type": "stock",
        "owner_id": goods.owner_id,
        "total": provision.total,
        "available": provision.available,
        "allocated": provision.allocated,
        "allocated_by_hand": provision.by_hand,
        "returned": provision.returned,
        "lots": [
            {"expires_on": lot["expires_on"].isoformat(), "quantity": lot["quantity"]}
            for lot in await store.list_lots(goods)
        ],
        "restock_at": format_time(expected.get(goods)),
    }


def transaction_of(goods: Goods, row: Any) -> dict[str, Any]:
    return {
        "id": str(row["transaction_id"]),
        "type": "stock-transaction",
        "action": row["action"],
        "product_id": goods.product_id,
        "quantity": row["quantity"],
        "timestamps": {"created_at": format_time(row["booked_at"]), "happened_at": format_time(row["happened_at"])},
        "reason": row["reason"],
        "entries": json.loads(row["entries"]),
        "order_id": row["order_id"],
        "line_id": row["line_id"],
        "event_id": row["cause"],
        "booked_by": row["booked_by"],
    }
