"""HTTP API of subscriptions: create, change, pause, resume, end."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from fastapi import APIRouter

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import IdempotencyDep, KitDep, PrincipalDep, require_customer
from libs.kit.http.idempotency import Command, command
from libs.kit.http.problems import ProblemError
from libs.kit.kit import Transaction
from replenish_contracts.events import SubscriptionStatus
from replenish_contracts.units import BaseUnit
from services.reorder_decision.api.shapes import (
    ChangedSubscription,
    NewSubscription,
    Unit,
    order_of,
    pack_steps_of,
    steps_of,
    subscription_shown,
)
from services.reorder_decision.domain import Pool, Subscription, pool_id_of, subscription_changed
from services.reorder_decision.store import Store

router = APIRouter()


@router.post("/v1/customers/{customer_id}/subscriptions", status_code=201)
async def create_subscription(
    customer_id: str, body: NewSubscription, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep
) -> Any:
    """Subscribe to a product in one of the customer's slots; 409 `no_slot` until the registration has arrived."""
    require_customer(principal, customer_id)
    async with command(kit, key) as tx:
        pool = await tx.store.lock_pool(pool_id_of(customer_id, body.product_id))
        if pool is None or not pool.slots:
            raise ProblemError(
                409,
                "no_slot",
                "No registered slot of this customer holds this product",
                detail="Register the device first. A new registration takes a moment to take effect; please try again.",
                headers={"Retry-After": "1"},
                field="product_id",
                problem=f"no registered slot of the customer holds {body.product_id}",
                remedy="register a device with a slot for this product; if that is done already, try again in 1 s",
            )
        if pool.subscription:
            known = pool.subscription.subscription_id
            raise ProblemError(
                409,
                "already_subscribed",
                "There already is a subscription to this product",
                subscription_id=known,
                field="product_id",
                problem=f"the subscription {known} orders {body.product_id} and is {pool.subscription.status}",
                remedy=f"change it with PATCH /v1/subscriptions/{known}, or end it with DELETE and create another one",
            )
        subscription = _new_subscription(body, _unit_of(pool), str(uuid4()))
        return tx.respond(201, await _apply(tx, pool, subscription))


@router.get("/v1/customers/{customer_id}/subscriptions")
async def list_subscriptions(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    require_customer(principal, customer_id)
    async with kit.read() as store:
        rows = await store.list_subscriptions(customer_id)
    return {"subscriptions": [subscription_shown(row) for row in rows]}


@router.get("/v1/subscriptions/{subscription_id}")
async def get_subscription(subscription_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    async with kit.read() as store:
        return subscription_shown(await _get_owned(store, subscription_id, principal))


@router.patch("/v1/subscriptions/{subscription_id}")
async def change_subscription(
    subscription_id: str, body: ChangedSubscription, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Change the given fields; `status` pauses and resumes. A proposed order is withdrawn."""
    if body.status is SubscriptionStatus.ENDED:
        raise ProblemError.of_field(
            "invalid",
            "Use DELETE to end a subscription",
            "status",
            "a subscription is not ended by a change",
            f"send DELETE /v1/subscriptions/{subscription_id}, or the status active or paused",
        )
    async with kit.transaction() as tx:
        pool = await _lock_owned(tx.store, subscription_id, principal)
        changed = _changed(body, pool)
        if changed == pool.subscription:
            return subscription_shown(await tx.store.find_subscription(subscription_id))
        return await _apply(tx, pool, replace(changed, version=changed.version + 1))


@router.delete("/v1/subscriptions/{subscription_id}")
async def end_subscription(subscription_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """End the subscription; an open order is still delivered unless it is cancelled."""
    async with kit.transaction() as tx:
        pool = await _lock_owned(tx.store, subscription_id, principal)
        return await _apply(tx, pool, replace(_current(pool), status=SubscriptionStatus.ENDED))


async def _apply(tx: Transaction | Command, pool: Pool, subscription: Subscription) -> dict[str, Any]:
    store: Store = tx.store
    await store.lock_offers_shared({subscription.provider_id, *subscription.alternatives})
    await store.save_subscription(pool, subscription)
    offer = await store.find_offer(subscription.provider_id, pool.product_id)
    rivals = await store.list_offers(subscription.alternatives, pool.product_id) if subscription.alternatives else ()
    tx.publish(
        *await store.save_decision(
            pool, subscription_changed(replace(pool, offer=offer, rivals=rivals), subscription, store.context)
        )
    )
    return subscription_shown(await store.find_subscription(subscription.subscription_id))


async def _get_owned(store: Store, subscription_id: str, principal: Principal) -> Any:
    row = await store.find_subscription(subscription_id)
    if row is None:
        raise ProblemError.of_missing(
            "not_found",
            "There is no such subscription",
            "subscription",
            "subscription_id",
            "GET /v1/customers/{customer_id}/subscriptions lists the customer's subscriptions",
        )
    require_customer(principal, row["customer_id"])
    return row


async def _lock_owned(store: Store, subscription_id: str, principal: Principal) -> Pool:
    row = await _get_owned(store, subscription_id, principal)
    pool = await store.lock_pool(row["pool_id"])
    if pool is None or pool.subscription is None or pool.subscription.subscription_id != subscription_id:
        raise ProblemError(
            409,
            "ended",
            "This subscription has ended",
            detail="Please create a new subscription.",
            field="path.subscription_id",
            problem="the subscription {subscription_id} has ended",
            remedy="create a new one with POST /v1/customers/{customer_id}/subscriptions",
        )
    return pool


def _current(pool: Pool) -> Subscription:
    assert pool.subscription  # noqa: S101  # _lock saw it, and the pool is locked
    return pool.subscription


def _unit_of(pool: Pool) -> Unit:
    if not pool.slots:
        raise ProblemError(
            409,
            "no_slot",
            "No slot holds this product any more, so amounts have no unit",
            problem="no registered slot of the customer holds the product, so amounts have no unit",
            remedy="register a device with a slot for this product, or change only fields that are not amounts",
        )
    return Unit(BaseUnit(pool.slots[0].unit), pool.slots[0].scale)


def _new_subscription(body: NewSubscription, unit: Unit, subscription_id: str) -> Subscription:
    return Subscription(
        subscription_id,
        body.provider_id,
        *order_of(body.packs, pack_steps_of(body.pack_size, unit)),
        body.mode,
        SubscriptionStatus.ACTIVE,
        body.days,
        steps_of("at_level", body.at_level, unit),
        body.reports,
        alternatives=body.alternatives,
        collect_hours=body.collect_hours,
    )


def _changed(body: ChangedSubscription, pool: Pool) -> Subscription:
    given: dict[str, Any] = {name: value for name, value in body if value is not None}
    if body.pack_size is not None:
        given["pack_size"] = pack_steps_of(body.pack_size, _unit_of(pool))
    if body.at_level is not None:
        given["at_level"] = steps_of("at_level", body.at_level, _unit_of(pool))
    changed = replace(_current(pool), **given)
    order_of(changed.packs, changed.pack_size)
    return changed
