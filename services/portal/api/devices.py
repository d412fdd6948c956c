"""Device API: register, replace, deregister. A credential is returned once."""

from typing import Any, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Response

from libs.kit import Kit
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import IdempotencyDep, PrincipalDep, require, require_customer
from libs.kit.http.problems import ProblemError
from libs.kit.kit import StoredResponse
from replenish_contracts.events import DeviceDeregistered, DeviceReplaced, SlotSpec
from services.portal.api.cookies import settings_of
from services.portal.api.dependencies import KitDep
from services.portal.api.security import security_of
from services.portal.api.shapes import DeviceBody, ReplacementBody, invalid_device, show_device
from services.portal.api.tokens import customer_not_found, show_secret
from services.portal.domain.credentials import derive_credential, digest, new_nonce
from services.portal.domain.devices import Device, DeviceState, next_registration
from services.portal.domain.events import device_registered
from services.portal.domain.registration import InvalidDeviceError, map_slots, slot_specs
from services.portal.store import Store

router = APIRouter(prefix="/v1", tags=["devices"])


class DeviceDescription(NamedTuple):
    """A device to be registered."""

    device_id: str | None
    customer_id: str
    model: str
    serial: str | None
    slots: tuple[SlotSpec, ...]


@router.post("/customers/{customer_id}/devices", status_code=201)
async def register_device(
    customer_id: str, body: DeviceBody, kit: KitDep, principal: PrincipalDep, asked: IdempotencyDep
) -> Response:
    """Register a device and return its credential, which is stored nowhere.

    Only a repeat under the same Idempotency-Key returns the credential again.
    """
    require(principal, "operator", "customer")
    require_customer(principal, customer_id)
    async with kit.transaction(asked) as tx:
        if tx.replayed:
            return await _replay(kit, tx.store, tx.replayed)
        if await tx.store.lock_customer(customer_id) is None:
            raise customer_not_found()
        if principal.role == "customer":
            await _check_device_limit(tx.store, customer_id, settings_of(kit).devices_per_customer)
        try:
            slots = slot_specs([slot.form() for slot in body.slots])
        except InvalidDeviceError as error:
            raise invalid_device(error) from None
        described = DeviceDescription(body.device_id, customer_id, body.model, body.serial, slots)
        device = await _register(tx.store, described, kit)
        tx.publish(device_registered(device))
        answer = tx.respond(201, show_device(device))
    return show_secret(answer, "credential", _credential(kit, device.nonce))


@router.get("/customers/{customer_id}/devices")
async def list_devices(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    require_customer(principal, customer_id)
    async with kit.read() as store:
        if await store.find_customer(customer_id) is None:
            raise customer_not_found()
        devices = await store.list_devices(customer_id)
    return {"devices": [show_device(device) for device in devices]}


@router.get("/devices/{device_id}")
async def get_device(device_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    async with kit.read() as store:
        return show_device(_check_access(await store.find_device(device_id), principal))


@router.post("/devices/{device_id}/replacement", status_code=201)
async def replace_device(
    device_id: str, body: ReplacementBody, kit: KitDep, principal: PrincipalDep, asked: IdempotencyDep
) -> Response:
    """Replace a device, slot by slot; the old credential becomes invalid."""
    require(principal, "operator", "customer")
    async with kit.transaction(asked) as tx:
        if tx.replayed:
            return await _replay(kit, tx.store, tx.replayed)
        old = await _lock_owned(tx.store, device_id, principal)
        if body.device_id == device_id:
            raise ProblemError(
                422,
                "invalid",
                "A device cannot replace itself",
                detail="send another device_id, or none",
                field="device_id",
                problem=f"{device_id} is the device to be replaced",
                remedy="send another device_id, or omit it to get a new one",
            )
        try:
            slots = slot_specs([slot.form() for slot in body.slots]) if body.slots else old.slots
            requested = None if body.moves is None else [move.move() for move in body.moves]
            moved = map_slots(old.slots, slots, requested)
        except InvalidDeviceError as error:
            raise invalid_device(error) from None
        model = old.model if body.model is None else body.model
        await tx.store.end_device(device_id, DeviceState.REPLACED)
        await tx.store.delete_slot_views(device_id)
        described = DeviceDescription(body.device_id, old.customer_id, model, body.serial, slots)
        new = await _register(tx.store, described, kit)
        tx.publish(DeviceReplaced(**dict(device_registered(new)), replaces=device_id, moves=moved))
        shown = show_device(new) | {"replaces": device_id, "moves": [move.model_dump() for move in moved]}
        answer = tx.respond(201, shown)
    return show_secret(answer, "credential", _credential(kit, new.nonce))


@router.delete("/devices/{device_id}", status_code=204)
async def deregister_device(device_id: str, kit: KitDep, principal: PrincipalDep) -> Response:
    """Deregister a device; its id may be registered again."""
    require(principal, "operator", "customer")
    async with kit.transaction() as tx:
        device = await _lock_owned(tx.store, device_id, principal)
        await tx.store.end_device(device_id, DeviceState.DEREGISTERED)
        await tx.store.delete_slot_views(device_id)
        await tx.store.touch(device.customer_id)
        tx.publish(
            DeviceDeregistered(customer_id=device.customer_id, device_id=device_id, registration=device.registration)
        )
    return Response(status_code=204)


async def _check_device_limit(store: Store, customer_id: str, limit: int) -> None:
    """Raise 409 if the customer has reached the limit for their own registrations."""
    if await store.count_devices(customer_id) >= limit:
        detail = f"the limit is {limit}; deregister a device first, or contact an operator"
        raise ProblemError(
            409,
            "too_many_devices",
            "The limit of devices is reached",
            detail=detail,
            limit=limit,
            problem=f"the customer has {limit} devices, which is the limit",
            remedy="deregister a device with DELETE /v1/devices/{id}, or ask an operator to register this one",
        )


async def _lock_owned(store: Store, device_id: str, principal: Principal) -> Device:
    """Lock the customer, then the device, and return the device; raises 404 if the principal may not access it."""
    owner = await store.find_owner(device_id)
    if owner is not None:
        await store.lock_customer(owner)
        await store.lock_registration(device_id)
    return _check_access(await store.find_device(device_id), principal)


async def _register(store: Store, described: DeviceDescription, kit: Kit) -> Device:
    device_id = described.device_id or str(uuid4())
    registration = next_registration(await store.lock_registration(device_id))
    nonce = new_nonce()
    if registration is None:
        raise _device_taken()
    device = Device(
        device_id,
        registration,
        described.customer_id,
        described.model,
        described.serial,
        nonce,
        digest(_credential(kit, nonce)),
        store.now,
        described.slots,
    )
    if not await store.add_device(device):
        raise _device_taken()
    await store.touch(device.customer_id)
    return device


def _device_taken() -> ProblemError:
    return ProblemError(
        409,
        "device_taken",
        "This device is already registered",
        detail="deregister it first",
        field="device_id",
        problem="a device with this device_id is registered",
        remedy="deregister it with DELETE /v1/devices/{id}, or send another device_id",
    )


def _check_access(device: Device | None, principal: Principal) -> Device:
    """Return the device; raise 404 also if it belongs to another customer."""
    accessible = device is not None and (
        principal.role in ("operator", "service") or principal.customer_id == device.customer_id
    )
    if device is None or not accessible:
        # The response to a customer is the same for every id, so that ids of others cannot be probed.
        is_staff = principal.role in {"operator", "service"}
        raise ProblemError(
            404,
            "not_found",
            "No such device for this token",
            field="path.device_id",
            problem="there is no registered device " + ("{device_id}" if is_staff else "with this id for the customer"),
            remedy="GET /v1/customers/{customer_id}/devices lists the devices of a customer",
        )
    return device


def _credential(kit: Kit, nonce: bytes) -> str:
    return derive_credential(security_of(kit).key_ring.derive(b"device-credentials"), nonce)


async def _replay(kit: Kit, store: Store, kept: StoredResponse) -> Response:
    """Return the stored response, with the credential unless it was revoked or the signing key has changed."""
    device = await store.find_device(kept.body["device_id"])
    credential = None
    if device is not None and device.registration == kept.body["registration"]:
        derived = _credential(kit, device.nonce)
        credential = derived if digest(derived) == device.credential_sha256 else None
    return show_secret(kept, "credential", credential, replayed=True)
