"""State of the sample DRS shop (accounts, orders, topic), and authentication of its API."""

import argparse
import json
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import Response

from deploy.samples.drs_accounts import Accounts, Device
from deploy.samples.drs_orders import Order, Orders, notification, order_part, subscriptions
from deploy.samples.drs_topic import Topic
from deploy.samples.provider import clock

KIND = "com.amazon.dash.replenishment"


class RequestRefusedError(Exception):
    """An error response with a DRS body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Shop:
    """Accounts, orders and topic of the shop."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, now = options, clock(options.clock)
        products = {slot: (asin, float(quantity), unit) for slot, asin, quantity, unit in options.slot}
        self.accounts = Accounts(options.client_id, options.client_secret, tuple(products), options.token_seconds)
        self.orders = Orders(options.book, now, products, timedelta(days=options.lead_days))
        base = f"http://127.0.0.1:{options.port}"
        self.topic = Topic(options.topic_arn, base, options.listener, options.signature_version, options.copies)
        #: Number of next replenish responses to lose after the order was accepted.
        self.lose = 0

    def notify(self, kind: str, device: Device, **parts: Any) -> dict[str, Any]:
        """Publish a notification, in the version given by the options."""
        number = len(self.orders.known)
        content = notification(kind, device, self.orders.now(), self.options.client_id, number) | parts
        more: dict[str, Any] = {}
        if self.options.notification_version == 2:  # noqa: PLR2004  # of 1 and 2
            more = {"MessageAttributes": {"version": {"Type": "String", "Value": "2.0"}}}
        text = json.dumps({"default": content, "email": content} if self.options.wrapped else content)
        message = self.topic.publish(text, **more)
        self.orders.write("said", kind=kind, message=message["MessageId"], serial=device.serial)
        return message

    def notify_order(self, kind: str, order: Order) -> dict[str, Any]:
        product = self.orders.products[order.slot]
        return self.notify(kind, order.device, orderInfo=order_part(order, product, self.options.notification_version))

    def notify_subscriptions(self, device: Device) -> None:
        info = subscriptions(device, self.orders.products, self.options.notification_version)
        self.notify("SubscriptionChangedNotification", device, subscriptionInfo=info)


def shop_of(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


ShopDep = Annotated[Shop, Depends(shop_of)]


def called(operation: str, version: str = "1.0", accepts: tuple[str, ...] = ("1.0",)) -> Any:
    """Return a FastAPI dependency that checks token and headers of an operation and returns the device."""

    def check(request: Request, shop: ShopDep) -> Device:
        device = shop.accounts.device_of(request.headers.get("authorization", ""))
        if device is None:
            raise RequestRefusedError(400, "Invalid token")
        if request.headers.get("x-amzn-type-version") != f"{KIND}.{operation}Input@{version}":
            raise RequestRefusedError(400, "x-amzn-type-version is not supported")
        if request.headers.get("x-amzn-accept-type") not in {f"{KIND}.{operation}Result@{one}" for one in accepts}:
            raise RequestRefusedError(400, "x-amzn-accept-type is not supported")
        return device

    return Depends(check)


def deregistered(shop: Shop, device: Device) -> Response:
    shop.accounts.deregister(device.serial)
    shop.orders.write("deregistered", serial=device.serial)
    shop.notify("DeviceDeregisteredNotification", device)
    return Response(status_code=200)
