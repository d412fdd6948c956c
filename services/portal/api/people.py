"""Customer API: create, read, change and erase."""

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Query, Response

from libs.kit.http.dependencies import IdempotencyDep, PrincipalDep, require, require_customer
from libs.kit.http.idempotency import command
from libs.kit.http.problems import ProblemError
from replenish_contracts.events import CustomerChanged, CustomerErased, CustomerJoined, DeviceDeregistered
from services.portal.api.dependencies import KitDep
from services.portal.api.shapes import CustomerBody, CustomerChange, show_customer, show_ship_to
from services.portal.api.tokens import customer_not_found
from services.portal.domain.devices import DeviceState
from services.portal.domain.events import device_registered
from services.portal.domain.people import Customer, Person

router = APIRouter(prefix="/v1/customers", tags=["customers"])
#: Customers locked per transaction, so that no device is published again after its deregistration.
REPEAT_BATCH = 200


@router.post("", status_code=201)
async def create_customer(body: CustomerBody, kit: KitDep, principal: PrincipalDep, asked: IdempotencyDep) -> Response:
    """Create a customer. The response has no personal data because it is stored for repeats."""
    require(principal, "operator")
    customer = Customer(body.customer_id or str(uuid4()), body.locale, body.time_zone, body.ship_to.ship_to().country)
    async with command(kit, asked) as tx:
        if not await tx.store.add_customer(customer):
            raise ProblemError(
                409,
                "customer_exists",
                "This customer_id is already in use",
                field="customer_id",
                problem=f"{customer.customer_id} is in use, or was deleted and is not used again",
                remedy="send another customer_id, or omit it to get a new one",
            )
        await tx.store.save_person(customer.customer_id, Person(body.name, body.email, body.ship_to.ship_to()))
        tx.publish(_customer_joined(customer))
        return tx.respond(201, show_customer(customer, None))


@router.get("")
async def list_customers(
    kit: KitDep, principal: PrincipalDep, after: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """List customers by id, without personal data; `after` is the last id of the previous page."""
    require(principal, "operator")
    async with kit.read() as store:
        customers = await store.list_customers(after, limit)
    return {"customers": [show_customer(customer, None) for customer in customers]}


@router.post("/repeat", status_code=202)
async def repeat_accounts(kit: KitDep, principal: PrincipalDep) -> dict[str, int]:
    """Publish every customer and device again, for a service with an empty database; idempotent for all others."""
    require(principal, "operator")
    counts, after = {"customers": 0, "devices": 0}, ""
    while True:
        async with kit.transaction() as tx:
            customers = await tx.store.lock_customers(after, REPEAT_BATCH)
            for customer in customers:
                devices = await tx.store.list_devices(customer.customer_id)
                tx.publish(_customer_changed(customer), *(device_registered(device) for device in devices))
                counts["devices"] += len(devices)
        if not customers:
            return counts
        counts["customers"], after = counts["customers"] + len(customers), customers[-1].customer_id


@router.get("/{customer_id}")
async def get_customer(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return a customer; personal data only for operators and the customer."""
    require_customer(principal, customer_id)
    customer, person = await _find(kit, customer_id)
    return show_customer(customer, None if principal.role == "service" else person)


@router.get("/{customer_id}/contact")
async def get_contact(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return name and email; fetched for each message and not stored elsewhere."""
    require_customer(principal, customer_id)
    customer, person = await _find(kit, customer_id)
    return show_customer(customer, None) | {"name": person.name, "email": person.email}


@router.get("/{customer_id}/ship-to")
async def get_ship_to(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return the delivery address; fetched for each order."""
    require_customer(principal, customer_id)
    _, person = await _find(kit, customer_id)
    return show_ship_to(person)


@router.patch("/{customer_id}")
async def change_customer(
    customer_id: str, body: CustomerChange, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Change the submitted fields only."""
    require(principal, "operator", "customer")
    require_customer(principal, customer_id)
    async with kit.transaction() as tx:
        before, person = await tx.store.lock_customer(customer_id), await tx.store.find_person(customer_id)
        if before is None or person is None:
            raise customer_not_found()
        person = Person(
            body.name or person.name,
            body.email or person.email,
            body.ship_to.ship_to() if body.ship_to else person.ship_to,
        )
        locale, time_zone = body.locale or before.locale, body.time_zone or before.time_zone
        customer = Customer(customer_id, locale, time_zone, person.ship_to.country)
        await tx.store.save_person(customer_id, person)
        if customer != before:
            await tx.store.save_customer(customer)
            tx.publish(_customer_changed(customer))
        await tx.store.touch(customer_id)
    return show_customer(customer, person)


@router.delete("/{customer_id}", status_code=204)
async def erase_customer(customer_id: str, kit: KitDep, principal: PrincipalDep) -> Response:
    """Deregister all devices, delete personal data and publish CustomerErased."""
    require(principal, "operator", "customer")
    require_customer(principal, customer_id)
    async with kit.transaction() as tx:
        if await tx.store.lock_customer(customer_id) is None:
            raise customer_not_found()
        for device in await tx.store.list_devices(customer_id):
            await tx.store.end_device(device.device_id, DeviceState.DEREGISTERED)
            tx.publish(
                DeviceDeregistered(
                    customer_id=customer_id, device_id=device.device_id, registration=device.registration
                )
            )
        await tx.store.erase_person(customer_id)
        await tx.store.delete_views(customer_id)
        tx.publish(CustomerErased(customer_id=customer_id))
    return Response(status_code=204)


async def _find(kit: KitDep, customer_id: str) -> tuple[Customer, Person]:
    async with kit.read() as store:
        customer, person = await store.find_customer(customer_id), await store.find_person(customer_id)
    if customer is None or person is None:
        raise customer_not_found()
    return customer, person


def _customer_joined(customer: Customer) -> CustomerJoined:
    return CustomerJoined(
        customer_id=customer.customer_id,
        locale=customer.locale,
        time_zone=customer.time_zone,
        country=customer.country,
    )


def _customer_changed(customer: Customer) -> CustomerChanged:
    return CustomerChanged(
        customer_id=customer.customer_id,
        locale=customer.locale,
        time_zone=customer.time_zone,
        country=customer.country,
    )
