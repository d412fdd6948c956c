"""Changes of provider stock by its owner: receipts, withdrawals, manual allocations, counts, returns."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter

from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep
from libs.kit.http.idempotency import command
from libs.kit.http.problems import ProblemError
from services.inventory.api.owners import GoodsDep
from services.inventory.api.shapes import (
    LARGEST,
    CountBody,
    ReturnsBody,
    TransactionBody,
    TransactionDocument,
    shortage_problem,
    stock_of,
    transaction_of,
    unknown_product,
)
from services.inventory.domain import Action, Booking, Goods, Movement, Shortage, Source, stock
from services.inventory.store import Provision, Store, transaction_id

router = APIRouter(prefix="/inventories/{product_id}")


@router.post("/transactions", status_code=201)
async def create_transaction(
    goods: GoodsDep, body: TransactionDocument, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Move stock in or out, or allocate it manually; allocations of orders are released only by their orders."""
    requested, action = body.data, Action(body.data.action)
    async with command(kit, key) as tx:
        store: Store = tx.store
        provision = await _lock(goods, store, create=action is Action.INCREMENT)
        await _check_quantity(requested, goods, provision, store)
        booked = await _book(goods, stock.manual_movement(action, requested.quantity), principal.role, store)
        if action in {Action.ALLOCATE, Action.DEALLOCATE}:
            difference = requested.quantity if action is Action.ALLOCATE else -requested.quantity
            await store.allocate_by_hand(goods, difference)
        if requested.expires_on:
            await store.save_lot(goods, requested.expires_on, requested.quantity)
        return tx.respond(201, {"data": booked})


@router.post("/count", status_code=201)
async def count_stock(
    goods: GoodsDep, body: CountBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Set the total to what was counted; the difference is booked to `unexplained`."""
    async with command(kit, key) as tx:
        provision = await _lock(goods, tx.store, create=True)
        if body.quantity < provision.allocated:
            kept = Shortage(goods, provision.allocated, body.quantity)
            raise await shortage_problem([kept], tx.store, 409, "less_than_allocated")
        difference = body.quantity - provision.total
        if difference:
            await _book(goods, stock.recount(difference), principal.role, tx.store)
        return tx.respond(201, {"data": await stock_of(goods, tx.store), "difference": difference})


@router.post("/returns", status_code=201)
async def decide_returns(
    goods: GoodsDep, body: ReturnsBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    async with command(kit, key) as tx:
        provision = await _lock(goods, tx.store)
        if body.quantity > provision.returned:
            short = Shortage(goods, body.quantity, provision.returned)
            raise await shortage_problem([short], tx.store, 400, "fewer_came_back")
        movement = (stock.restock if body.verdict == "restock" else stock.discard)(body.quantity)
        booked = await _book(goods, movement, principal.role, tx.store)
        return tx.respond(201, {"data": booked})


async def _lock(goods: Goods, store: Store, *, create: bool = False) -> Provision:
    """Lock a provider's stock; raises ProblemError 404 if there is none and 409 if the goods are a customer's."""
    if create or await store.find_provision(goods):
        await store.lock_shelf(goods)
    provision = await store.find_provision(goods)
    if provision is None:
        raise unknown_product("book a first receipt with the action increment, or count the stock")
    if provision.customers:
        raise ProblemError(
            409,
            "a_customers_goods",
            "A customer's stock cannot be changed directly",
            detail="Send a count of the shelf.",
            field="path.product_id",
            problem="the stock of {product_id} belongs to a customer",
            remedy="send POST /v1/customers/{customer_id}/stock/{product_id}/count",
        )
    return provision


async def _check_quantity(requested: TransactionBody, goods: Goods, provision: Provision, store: Store) -> None:
    action = Action(requested.action)
    if action is Action.INCREMENT:
        if provision.total + requested.quantity > LARGEST:
            raise ProblemError.of_field(
                "too_much",
                "The quantity is too large",
                "data.quantity",
                f"the total would be {provision.total + requested.quantity}; at most {LARGEST} are kept",
                f"send at most {LARGEST - provision.total}",
            )
        return
    by_hand = action is Action.DEALLOCATE
    available = provision.by_hand if by_hand else provision.available
    if requested.quantity > available:
        code = "not_allocated_by_hand" if by_hand else "insufficient_stock"
        raise await shortage_problem([Shortage(goods, requested.quantity, available)], store, 400, code)


async def _book(goods: Goods, movement: Movement, role: str, store: Store) -> dict[str, Any]:
    name = f"by hand/{uuid4()}"
    await store.book_all([Booking(name, goods, movement, Source(role, store.now))])
    return transaction_of(goods, await store.find_transaction(goods, transaction_id(name)))
