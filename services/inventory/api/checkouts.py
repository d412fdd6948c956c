"""Checkouts: goods are kept just before payment, let go when it fails, and leave when they are shipped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from libs.kit import Kit
from libs.kit.idempotency import Asked
from libs.kit.identity import Principal
from libs.kit.problems import Problem
from libs.kit.web import KitDep, PrincipalDep, RequiredIdempotencyDep, require, require_customer, send
from services.inventory.api.shapes import PaymentBody, ShipBody, Short, checkout_of, goods_in, items_of, refusal
from services.inventory.domain import Quantities, Source, State, Step, Warehouse, moves, summed
from services.inventory.store import Checkout, Store

router = APIRouter(prefix="/v1/checkouts")


class Till:
    """A locked checkout, its locked goods, and the answer that is given at the end."""

    def __init__(self, store: Store, checkout: Checkout, warehouse: Warehouse) -> None:
        self.store, self.checkout, self.warehouse = store, checkout, warehouse
        self.answer: Any = None
        self.more: dict[str, Any] = {}

    def step(self, step: Step) -> bool:
        """Take a step and return whether it is new; raises Problem 409 where it may not be taken."""
        checkout, due = self.checkout, self.checkout.expires_at
        late = step is Step.PAY and checkout.state is State.UNPAID and due is not None and due <= self.store.now
        state = None if late else moves(checkout.state, step)
        if state is None:
            now = State.EXPIRED if late else checkout.state
            raise Problem(409, f"checkout_{now}", f"This checkout is {now}", detail=f"It cannot {step} any more.")
        fresh = state is not checkout.state
        if fresh:
            minutes = {State.UNPAID: "checkout_minutes", State.PAYING: "payment_minutes"}.get(state)
            lasts = timedelta(minutes=getattr(self.store.settings, minutes)) if minutes else None
            self.checkout = checkout._replace(state=state, expires_at=self.store.now + lasts if lasts else None)
        return fresh

    async def keep(self, by: str, status: int = 400, code: str = "insufficient_stock") -> None:
        short = self.warehouse.allocate(self.checkout.checkout_id, self.checkout.wanted, Source(by, self.store.now))
        if short:
            raise await refusal(short, self.store, status, code)

    def let_go(self, by: str) -> None:
        self.warehouse.release(self.checkout.checkout_id, Source(by, self.store.now))

    @property
    def kept(self) -> Quantities:
        return self.warehouse.kept_for(self.checkout.checkout_id)


@asynccontextmanager
async def _till(kit: Kit, checkout_id: str, principal: Principal, key: Asked) -> AsyncIterator[Till]:
    """Lock checkout and goods, let something be done, and keep the answer; a repeated request gets the first one."""
    async with kit.transaction(idempotency=key) as tx:
        checkout = _own(await tx.store.lock_checkout(checkout_id), principal)
        till = Till(tx.store, checkout, await tx.store.open_warehouse([checkout_id], checkout.wanted))
        if tx.replayed:
            till.answer = send(tx.replayed, replayed=True)
        yield till
        if not tx.replayed:
            await tx.store.close_warehouse(till.warehouse)
            await tx.store.save_checkout(till.checkout)
            till.answer = send(tx.answer(200, checkout_of(till.checkout, till.kept) | till.more))


@router.get("/{checkout_id}")
async def get_checkout(checkout_id: Short, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    async with kit.read() as store:
        checkout = _own(await store.find_checkout(checkout_id), principal)
        return checkout_of(checkout, await store.list_kept(checkout_id))


@router.post("/{checkout_id}/pay")
async def pay(checkout_id: Short, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Keep the goods, just before the caller takes the money; who comes too late is told what is left."""
    async with _till(kit, checkout_id, principal, key) as till:
        if not till.answer and till.step(Step.PAY):
            await till.keep("pay")
    return till.answer


@router.post("/{checkout_id}/payment")
async def report_payment(
    checkout_id: Short, body: PaymentBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Hear from whoever takes the money how that ended; `paid_too_late` means: give it back."""
    require(principal, "operator", "service")
    async with _till(kit, checkout_id, principal, key) as till:
        if not till.answer and body.outcome == "paid" and till.step(Step.SUCCEED):
            await till.keep("payment", 409, "paid_too_late")
        elif not till.answer and body.outcome == "failed" and till.step(Step.FAIL):
            till.let_go("payment")
    return till.answer


@router.post("/{checkout_id}/ship")
async def ship(
    checkout_id: Short, body: ShipBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Book that the goods left; what `items` names less of, or not at all, is released."""
    require(principal, "operator", "service")
    async with _till(kit, checkout_id, principal, key) as till:
        if not till.answer and till.step(Step.SHIP):
            left = dict(till.kept) if body.items is None else _left(summed(goods_in(body.items)), till.kept)
            released = till.warehouse.ship(checkout_id, left, Source("ship", till.store.now))
            till.more = {
                "shipped": items_of({goods: n for goods, n in left.items() if n}),
                "released": items_of(released),
            }
    return till.answer


@router.post("/{checkout_id}/cancel")
async def cancel(checkout_id: Short, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Let the goods go; giving back money that was taken is the caller's."""
    async with _till(kit, checkout_id, principal, key) as till:
        if not till.answer and till.step(Step.CANCEL):
            till.let_go("cancel")
    return till.answer


def _left(named: Quantities, kept: Quantities) -> Quantities:
    """Return what left of everything that was kept; raises Problem 422 for what was not paid."""
    if more := {goods: n for goods, n in named.items() if n > kept.get(goods, 0)}:
        raise Problem(422, "more_than_paid", "More left than was paid", items=items_of(more))
    return {goods: named.get(goods, 0) for goods in kept}


def _own(checkout: Checkout | None, principal: Principal) -> Checkout:
    if checkout is None:
        raise Problem(404, "not_found", "There is no such checkout")
    require_customer(principal, checkout.customer_id)
    return checkout
