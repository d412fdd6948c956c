"""Checkouts: goods are allocated just before payment, released if it fails, and booked out on shipment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from libs.kit import Kit
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require, require_customer
from libs.kit.http.idempotency import IdempotentRequest, command
from libs.kit.http.problems import ProblemError
from services.inventory.api.shapes import (
    Identifier,
    PaymentBody,
    ShipBody,
    checkout_of,
    goods_in,
    items_of,
    shortage_problem,
)
from services.inventory.domain import CheckoutStep, Quantities, Source, State, Warehouse, next_state, sum_by_goods
from services.inventory.store import Checkout, Store

router = APIRouter(prefix="/v1/checkouts")


class LockedCheckout:
    """A locked checkout, its locked goods, and the response."""

    def __init__(self, store: Store, checkout: Checkout, warehouse: Warehouse) -> None:
        self.store, self.checkout, self.warehouse = store, checkout, warehouse
        self.response: Any = None
        self.extra_fields: dict[str, Any] = {}

    def take_step(self, step: CheckoutStep) -> bool:
        """Take a step; return False if it was taken before. Raises ProblemError 409 if it is not allowed."""
        checkout, due = self.checkout, self.checkout.expires_at
        late = step is CheckoutStep.PAY and checkout.state is State.UNPAID and due is not None and due <= self.store.now
        state = None if late else next_state(checkout.state, step)
        if state is None:
            now = State.EXPIRED if late else checkout.state
            possible = [one.value for one in CheckoutStep if next_state(now, one) is not None]
            raise ProblemError(
                409,
                f"checkout_{now}",
                f"This checkout is {now}",
                detail=f"`{step}` is not possible in this state.",
                field="path.checkout_id",
                problem=f"the checkout {{checkout_id}} is {now}, so `{step}` is not possible",
                remedy=f"possible steps are: {', '.join(possible)}"
                if possible
                else "create a new cart and check it out",
            )
        fresh = state is not checkout.state
        if fresh:
            minutes = {State.UNPAID: "checkout_minutes", State.PAYING: "payment_minutes"}.get(state)
            lasts = timedelta(minutes=getattr(self.store.settings, minutes)) if minutes else None
            self.checkout = checkout._replace(state=state, expires_at=self.store.now + lasts if lasts else None)
        return fresh

    async def allocate(self, by: str, status: int = 400, code: str = "insufficient_stock") -> None:
        short = self.warehouse.allocate(self.checkout.checkout_id, self.checkout.wanted, Source(by, self.store.now))
        if short:
            raise await shortage_problem(short, self.store, status, code)

    def release(self, by: str) -> None:
        self.warehouse.release(self.checkout.checkout_id, Source(by, self.store.now))

    @property
    def allocated(self) -> Quantities:
        return self.warehouse.allocated_for(self.checkout.checkout_id)


@asynccontextmanager
async def _locked_checkout(
    kit: Kit, checkout_id: str, principal: Principal, key: IdempotentRequest
) -> AsyncIterator[LockedCheckout]:
    """Lock checkout and goods, run the body, then save both and the response."""
    async with command(kit, key) as tx:
        checkout = _get_owned(await tx.store.lock_checkout(checkout_id), principal)
        locked = LockedCheckout(tx.store, checkout, await tx.store.lock_warehouse([checkout_id], checkout.wanted))
        yield locked
        await tx.store.save_warehouse(locked.warehouse)
        await tx.store.save_checkout(locked.checkout)
        locked.response = tx.respond(200, checkout_of(locked.checkout, locked.allocated) | locked.extra_fields)


@router.get("/{checkout_id}")
async def get_checkout(checkout_id: Identifier, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    async with kit.read() as store:
        checkout = _get_owned(await store.find_checkout(checkout_id), principal)
        return checkout_of(checkout, await store.list_allocated(checkout_id))


@router.post("/{checkout_id}/pay")
async def pay(checkout_id: Identifier, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Allocate the goods just before the caller takes the payment; a shortage states what is available."""
    async with _locked_checkout(kit, checkout_id, principal, key) as locked:
        if locked.take_step(CheckoutStep.PAY):
            await locked.allocate("pay")
    return locked.response


@router.post("/{checkout_id}/payment")
async def report_payment(
    checkout_id: Identifier, body: PaymentBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Record the outcome of the payment; on `paid_too_late` the caller must refund it."""
    require(principal, "operator", "service")
    async with _locked_checkout(kit, checkout_id, principal, key) as locked:
        if body.outcome == "paid" and locked.take_step(CheckoutStep.SUCCEED):
            await locked.allocate("payment", 409, "paid_too_late")
        elif body.outcome == "failed" and locked.take_step(CheckoutStep.FAIL):
            locked.release("payment")
    return locked.response


@router.post("/{checkout_id}/ship")
async def ship(
    checkout_id: Identifier, body: ShipBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Book the shipment; goods that `items` does not contain are released."""
    require(principal, "operator", "service")
    async with _locked_checkout(kit, checkout_id, principal, key) as locked:
        if locked.take_step(CheckoutStep.SHIP):
            shipped = (
                dict(locked.allocated)
                if body.items is None
                else _shipped(sum_by_goods(goods_in(body.items)), locked.allocated)
            )
            released = locked.warehouse.ship(checkout_id, shipped, Source("ship", locked.store.now))
            locked.extra_fields = {
                "shipped": items_of({goods: n for goods, n in shipped.items() if n}),
                "released": items_of(released),
            }
    return locked.response


@router.post("/{checkout_id}/cancel")
async def cancel(checkout_id: Identifier, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Release the goods; the caller refunds the payment, if any."""
    async with _locked_checkout(kit, checkout_id, principal, key) as locked:
        if locked.take_step(CheckoutStep.CANCEL):
            locked.release("cancel")
    return locked.response


def _shipped(named: Quantities, allocated: Quantities) -> Quantities:
    """Return the shipped quantity of all allocated goods; raises ProblemError 422 for goods that were not paid."""
    if excess := {goods: n for goods, n in named.items() if n > allocated.get(goods, 0)}:
        errors = [
            {
                "field": "items",
                "problem": f"{goods.product_id}: {n} shipped, {allocated.get(goods, 0)} paid",
                "remedy": f"send at most {allocated.get(goods, 0)} of {goods.product_id} of {goods.owner_id}",
            }
            for goods, n in excess.items()
        ]
        raise ProblemError(
            422, "more_than_paid", "More items shipped than paid for", items=items_of(excess), errors=errors
        )
    return {goods: named.get(goods, 0) for goods in allocated}


def _get_owned(checkout: Checkout | None, principal: Principal) -> Checkout:
    if checkout is None:
        title, remedy = "Checkout not found", "check out a cart with POST /v1/carts/{id}/checkout"
        raise ProblemError.of_missing("not_found", title, "checkout", "checkout_id", remedy)
    require_customer(principal, checkout.customer_id)
    return checkout
