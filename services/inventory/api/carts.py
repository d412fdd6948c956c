"""Carts: availability is checked when items are added and at checkout; carts allocate nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from fastapi import APIRouter

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require, require_customer
from libs.kit.http.idempotency import command
from libs.kit.http.problems import ProblemError
from services.inventory.api.shapes import (
    CartBody,
    CheckoutBody,
    Identifier,
    ItemsBody,
    cart_of,
    checkout_of,
    goods_in,
    shortage_problem,
)
from services.inventory.domain import Goods, Quantities, Shortage, Source, State, sum_by_goods
from services.inventory.store import Cart, Checkout, Store

router = APIRouter(prefix="/v1/carts")


@router.post("", status_code=201)
async def create_cart(body: CartBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    require(principal, "customer", "operator", "service")
    customer_id = body.customer_id or principal.customer_id
    if customer_id is None:
        raise ProblemError(
            422,
            "customer_missing",
            "Customer missing",
            detail="Send `customer_id`.",
            field="customer_id",
            problem=f"the token of role {principal.role} is of no customer",
            remedy="send the customer_id of the cart's owner",
        )
    require_customer(principal, customer_id)
    async with command(kit, key) as tx:
        cart = await tx.store.add_cart(str(uuid4()), customer_id)
        return tx.respond(201, cart_of(cart))


@router.get("/{cart_id}")
async def get_cart(cart_id: Identifier, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    async with kit.read() as store:
        return cart_of(_get_owned(await store.find_cart(cart_id), principal))


@router.post("/{cart_id}/items", status_code=201)
async def add_items(
    cart_id: Identifier, body: ItemsBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    async with command(kit, key) as tx:
        cart = _open_cart(await tx.store.lock_cart(cart_id), principal)
        added = sum_by_goods(goods_in(body.items))
        wanted = sum_by_goods([*cart.wanted.items(), *added.items()])
        await _check_available({goods: wanted[goods] for goods in added}, tx.store)
        await tx.store.save_items(cart_id, wanted)
        return tx.respond(201, cart_of(cart._replace(wanted=wanted)))


@router.delete("/{cart_id}/items/{owner_id}/{product_id}")
async def remove_item(
    cart_id: Identifier, owner_id: Identifier, product_id: Identifier, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    async with kit.transaction() as tx:
        cart = _open_cart(await tx.store.lock_cart(cart_id), principal)
        left = {goods: n for goods, n in cart.wanted.items() if goods != Goods(owner_id, product_id)}
        await tx.store.save_items(cart_id, left)
    return cart_of(cart._replace(wanted=left))


@router.post("/{cart_id}/checkout", status_code=201)
async def check_out(
    cart_id: Identifier, body: CheckoutBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Check the stock again and create an unpaid checkout; with `reserve` its goods are allocated until it expires."""
    async with command(kit, key) as tx:
        cart = _open_cart(await tx.store.lock_cart(cart_id), principal)
        if not cart.wanted:
            raise ProblemError(
                422,
                "empty_cart",
                "The cart is empty",
                field="path.cart_id",
                problem="the cart {cart_id} is empty",
                remedy="add items with POST /v1/carts/{cart_id}/items first",
            )
        expires_at = tx.store.now + timedelta(minutes=tx.store.settings.checkout_minutes)
        checkout = Checkout(str(uuid4()), cart.customer_id, State.UNPAID, expires_at, cart.wanted)
        await tx.store.add_checkout(checkout)
        await tx.store.close_cart(cart_id, checkout.checkout_id)
        if body.reserve:
            await _reserve(checkout, tx.store)
        else:
            await _check_available(cart.wanted, tx.store)
        return tx.respond(201, checkout_of(checkout, cart.wanted if body.reserve else {}))


async def _reserve(checkout: Checkout, store: Store) -> None:
    warehouse = await store.lock_warehouse([checkout.checkout_id], checkout.wanted)
    if short := warehouse.allocate(checkout.checkout_id, checkout.wanted, Source("checkout", store.now)):
        raise await shortage_problem(short, store)
    await store.save_warehouse(warehouse)


async def _check_available(wanted: Quantities, store: Store) -> None:
    have = await store.list_available(wanted)
    if short := [Shortage(goods, n, have.get(goods, 0)) for goods, n in wanted.items() if n > have.get(goods, 0)]:
        raise await shortage_problem(short, store)


def _get_owned(cart: Cart | None, principal: Principal) -> Cart:
    if cart is None:
        title, remedy = "Cart not found", "create a cart with POST /v1/carts"
        raise ProblemError.of_missing("not_found", title, "cart", "cart_id", remedy)
    require_customer(principal, cart.customer_id)
    return cart


def _open_cart(cart: Cart | None, principal: Principal) -> Cart:
    cart = _get_owned(cart, principal)
    if cart.checkout_id:
        raise ProblemError(
            409,
            "checked_out",
            "This cart has already been checked out",
            checkout_id=cart.checkout_id,
            field="path.cart_id",
            problem=f"the cart {{cart_id}} became the checkout {cart.checkout_id}",
            remedy=f"continue with /v1/checkouts/{cart.checkout_id}, or create a new cart with POST /v1/carts",
        )
    return cart
