"""A local server of the Dash Replenishment API, for tests without Amazon.

Login with Amazon (authorize, token, revoke), the DRS API as documented, customer pages reduced to
a few POSTs under /customer, a warehouse under /shop, and an SNS topic.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from deploy.samples import drs_api
from deploy.samples.drs_state import RequestRefusedError, Shop, ShopDep, deregistered

router = APIRouter()


@router.get("/ap/oa")
async def authorize(request: Request, shop: ShopDep) -> Response:
    """Consent page; consents immediately, or refuses if the query has `deny`."""
    asked = dict(request.query_params)
    back = {"state": asked.get("state", "")}
    try:
        back |= {"error": "access_denied"} if "deny" in asked else {"code": shop.accounts.authorize(asked)}
    except (KeyError, ValueError) as error:
        raise RequestRefusedError(400, str(error)) from error
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)


@router.post("/auth/o2/token")
async def token(request: Request, shop: ShopDep) -> Response:
    form = dict(parse_qsl((await request.body()).decode()))
    status, body, device = shop.accounts.token(form)
    shop.orders.write("token", grant=form.get("grant_type"), status=status)
    if device is not None:
        shop.orders.write("registered", serial=device.serial, test=device.test)
        shop.notify("DeviceRegisteredNotification", device)
        shop.notify_subscriptions(device)
    return JSONResponse(body, status)


@router.post("/auth/o2/revoke")
async def revoke(request: Request, shop: ShopDep) -> Response:
    shop.accounts.revoke(dict(parse_qsl((await request.body()).decode())).get("token", ""))
    shop.orders.write("revoked")
    return Response(status_code=200)


@router.get("/")
async def confirm(shop: ShopDep) -> Response:
    """SNS's subscription confirmation."""
    shop.topic.confirmed = True
    shop.orders.write("confirmed")
    return Response("<ConfirmSubscriptionResponse/>", media_type="text/xml")


@router.get("/SimpleNotificationService.pem")
async def certificate(shop: ShopDep) -> Response:
    return Response(shop.topic.certificate, media_type="application/x-pem-file")


@router.post("/customer/{serial}/{what}")
async def customer(serial: str, what: str, request: Request, shop: ShopDep) -> dict[str, Any]:
    """Customer actions on the shop's pages: subscribe, unsubscribe, cancel, deregister; or expiry of tokens.

    With `unnotified`, the notification of a subscription does not arrive.
    """
    device = shop.accounts.devices[serial]
    slot = dict(request.query_params).get("slot", "")
    if what in {"subscribe", "unsubscribe"}:
        device.slots[slot] = what == "subscribe"
        if "unnotified" not in request.query_params:
            shop.notify_subscriptions(device)
    elif what == "cancel":
        order = shop.orders.open_of(device, slot)
        if order is not None:
            shop.orders.cancel(order)
            shop.notify_order("OrderCancelledNotification", order)
    elif what == "deregister":
        deregistered(shop, device)
    elif what == "forget":
        shop.accounts.forget_tokens(serial)
    else:
        shop.accounts.expire(serial)
    return {"done": what}


@router.post("/shop/{what}")
async def shop_floor(what: str, request: Request, shop: ShopDep) -> dict[str, Any]:
    """Warehouse actions: order (without the device), ship, settle, resolution, lose, publish."""
    asked = dict(request.query_params)
    if what == "resolution":
        shop.orders.in_resolution = asked["on"] == "true"
    elif what == "lose":
        shop.lose = int(asked["answers"])
    elif what == "publish":
        return shop.topic.publish((await request.body()).decode())
    elif what == "order":
        placed = shop.orders.place(shop.accounts.devices[asked["serial"]], asked["slot"])
        return shop.notify_order("OrderPlacedNotification", placed)
    else:
        order = shop.orders.known[asked["instance"]]
        getattr(shop.orders, what)(order)
        return shop.notify_order("ItemShippedNotification" if what == "ship" else "OrderPlacedNotification", order)
    return {"done": what}


async def _refused(_: Request, refused: Exception) -> Response:
    status = refused.status if isinstance(refused, RequestRefusedError) else 500
    return JSONResponse({"message": str(refused)}, status)


async def run(options: argparse.Namespace) -> None:
    """Serve until the process is stopped; sends the subscription request to the listener first."""
    app = FastAPI(title="sample DRS shop")
    app.state.shop = shop = Shop(options)
    app.include_router(router)
    app.include_router(drs_api.router)
    app.add_exception_handler(RequestRefusedError, _refused)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=options.port, log_level="warning"))
    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(shop.topic.run())
        await server.serve()
        publishing.cancel()


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--book", type=Path, required=True, help="log file (JSON lines)")
    parser.add_argument("--listener", required=True, help="where SNS posts: .../v1/sns/<provider>")
    parser.add_argument("--topic-arn", default="arn:aws:sns:us-east-1:123456789012:drs")
    parser.add_argument("--client-id", default="amzn1.application-oa2-client.sample")
    parser.add_argument("--client-secret", default="sample-secret")
    parser.add_argument("--token-seconds", type=float, default=3600)
    parser.add_argument("--slot", nargs=4, action="append", required=True, metavar=("SLOT", "ASIN", "QUANTITY", "UNIT"))
    parser.add_argument("--lead-days", type=float, default=2, help="days from order to delivery")
    parser.add_argument("--clock", type=Path, help="shared clock file instead of the system time")
    parser.add_argument("--signature-version", choices=("1", "2"), default="2")
    parser.add_argument("--notification-version", type=int, choices=(1, 2), default=2)
    parser.add_argument("--wrapped", action="store_true", help='wrap notifications as {"default": ...}')
    parser.add_argument("--copies", type=int, default=1, help="how often to post each message")
    return parser


if __name__ == "__main__":
    asyncio.run(run(arguments().parse_args()))
