"""The Dash Replenishment API of the sample shop: paths, headers and bodies as documented, and as clients use them."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from deploy.samples.drs_accounts import Device
from deploy.samples.drs_orders import stamp, subscriptions
from deploy.samples.drs_state import KIND, RequestRefusedError, ShopDep, called, deregistered

router = APIRouter()

Replenishing = Annotated[Device, called("DrsReplenish")]
TellingSlot = Annotated[Device, called("DrsSlotStatus")]
TellingDevice = Annotated[Device, called("DrsDeviceStatus")]
AskingSlots = Annotated[Device, called("DrsSubscriptionInfo", accepts=("1.0", "2.0"))]
AskingOrder = Annotated[Device, called("DrsOrderInfo")]
Leaving = Annotated[Device, called("DrsDeregister", version="2.0")]
LeavingV1 = Annotated[Device, called("DrsDeregister")]
Clearing = Annotated[Device, called("DrsCancelTestOrders")]


@router.post("/replenish/{slot}")
async def replenish(slot: str, shop: ShopDep, device: Replenishing) -> Response:
    if slot not in device.slots:
        raise RequestRefusedError(404, f"slot {slot} does not exist")
    if not device.slots[slot]:
        raise RequestRefusedError(400, f"slot {slot} is unsubscribed")
    order, detail = shop.orders.open_of(device, slot), "ORDER_INPROGRESS"
    if order is None:
        order = shop.orders.place(device, slot)
        detail = "TEST_ORDER_PLACED" if device.test else "STANDARD_ORDER_PLACED"
        if order.expected_at is not None:
            shop.notify_order("OrderPlacedNotification", order)
    else:
        shop.orders.write("in_progress", instance=order.instance)
    if shop.lose:
        shop.lose -= 1
        raise RequestRefusedError(500, "Internal error")
    body = {"eventInstanceId": order.instance, "detailCode": detail}
    return JSONResponse(body, headers={"x-amzn-type-version": f"{KIND}.DrsReplenishResult@1.0"})


@router.post("/slotStatus/{slot}")
async def slot_status(
    slot: str,
    request: Request,
    shop: ShopDep,
    device: TellingSlot,
) -> Response:
    if slot not in device.slots:
        raise RequestRefusedError(400, f"slot {slot} does not exist")
    shop.orders.write("slot_status", serial=device.serial, slot=slot, body=await request.json())
    return Response(status_code=200)


@router.post("/deviceStatus")
async def device_status(
    request: Request,
    shop: ShopDep,
    device: TellingDevice,
) -> Response:
    device.active_at = (await request.json())["mostRecentlyActiveDate"]
    shop.orders.write("device_status", serial=device.serial, at_=device.active_at)
    return Response(status_code=200)


@router.get("/subscriptionInfo")
async def subscription_info(
    request: Request,
    shop: ShopDep,
    device: AskingSlots,
) -> Response:
    version = 1 if request.headers["x-amzn-accept-type"].endswith("@1.0") else 2
    return JSONResponse(subscriptions(device, shop.orders.products, version))


@router.get("/getOrderInfo/{instance}")
async def order_info(instance: str, shop: ShopDep, device: AskingOrder) -> Response:
    order = shop.orders.known.get(instance)
    if order is None or order.device.serial != device.serial:
        raise RequestRefusedError(400, "Unknown event instance")
    asin, _, _ = shop.orders.products[order.slot]
    date = stamp(order.expected_at) if order.expected_at else None
    item = {"asin": asin, "expectedDeliveryDate": date, "quantity": 1, "slotId": order.slot, "status": order.status}
    return JSONResponse({"orderInfoData": {"instanceId": instance, "orderItems": [item]}})


@router.delete("/registration")
async def deregister(shop: ShopDep, device: Leaving) -> Response:
    return deregistered(shop, device)


@router.delete("/deviceModels/{model}/devices/{serial}/registration")
async def deregister_v1(
    model: str,
    serial: str,
    shop: ShopDep,
    device: LeavingV1,
) -> Response:
    if (model, serial) != (device.model, device.serial):
        raise RequestRefusedError(400, "The token belongs to another device")
    return deregistered(shop, device)


@router.delete("/testOrders")
@router.delete("/testOrders/{slot}")
@router.delete("/testOrders/slots/{slot}")
async def cancel_test_orders(
    shop: ShopDep,
    device: Clearing,
    slot: str | None = None,
) -> Response:
    if not device.test:
        raise RequestRefusedError(400, "Not a test device")
    slots = [slot] if slot else list(device.slots)
    for name in slots:
        order = shop.orders.open_of(device, name)
        if order is not None:
            shop.orders.cancel(order)
    statuses = [{"orderStatus": "NO_ORDER_IN_PROGRESS", "slotId": name} for name in slots]
    return JSONResponse({"slotOrderStatuses": statuses})
