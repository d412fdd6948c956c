"""Amazon Dash Replenishment: orders by slot, for customers who linked their device with their account there.

DRS has no idempotency keys: its whole story is one open order per slot, told by ORDER_INPROGRESS. An answer never
says that something was bought; that comes as a notification (sns/), or from getOrderInfo.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from libs.contracts.events import ShipTo, UpdateStatus
from libs.contracts.topics import Topic
from libs.kit import Refuse
from services.order_dispatch.domain import Order
from services.order_dispatch.domain.links import RemoteSlot, SlotUse
from services.order_dispatch.providers.calls import Answer, LinkedLine
from services.order_dispatch.providers.drs.calls import (
    Unreadable,
    as_list,
    as_object,
    ask,
    done,
    moment,
    part,
    read_moment,
    read_object,
    why,
)
from services.order_dispatch.providers.drs.options import CANCEL_PATHS
from services.order_dispatch.providers.drs.options import check_options as check_options
from services.order_dispatch.providers.drs.words import remote_slots, status_body

#: Orders go out as calls, on a line that carries the customer's token.
CALLS = LINKED = True
#: DRS knows where its customers live.
NEEDS_ADDRESS = False
PLACED, IN_PROGRESS = ("STANDARD_ORDER_PLACED", "TEST_ORDER_PLACED"), "ORDER_INPROGRESS"
#: Both vintages of the documentation; what is missing says nothing.
STATUSES = {
    "pending": UpdateStatus.ACCEPTED,
    "authorized": UpdateStatus.ACCEPTED,
    "processing": UpdateStatus.ACCEPTED,
    "shipped": UpdateStatus.SHIPPED,
    "closed": UpdateStatus.SHIPPED,
    "canceled": UpdateStatus.CANCELLED,
    "cancelled": UpdateStatus.CANCELLED,
}
#: Of a word that is in no table, what is kept.
LONGEST_WORD = 100


def topics(provider_id: str) -> tuple[Topic, ...]:  # noqa: ARG001  # everything is a call
    return ()


def authorize_extras(options: Mapping[str, Any], serial: str) -> dict[str, str]:
    """Return what the authorization page wants to know of the device."""
    device = {"device_model": str(options.get("device_model", "")), "serial": serial}
    flags = {name: bool(options.get(name, False)) for name in ("is_test_device", "should_include_non_live")}
    return {"scope_data": json.dumps({"dash:replenish": {**device, **flags}})}


async def deliver(order: Order, ship_to: ShipTo | None, line: LinkedLine) -> Answer:  # noqa: ARG001  # DRS knows where to
    """Press the button of the order's slot; what comes of it is told later."""
    reply = await ask(line, "POST", f"/replenish/{part(await line.remote_slot(order.slot))}", "DrsReplenish")
    if reply.status != HTTPStatus.OK:
        return Answer(UpdateStatus.REFUSED, why(reply))
    said = read_object(reply)
    detail, instance = said.get("detailCode"), said.get("eventInstanceId")
    reference = str(instance)[:255] if instance else None
    if detail in PLACED:
        return Answer(None, reference=reference)
    if detail != IN_PROGRESS:
        raise Unreadable(f"replenish answered {detail!r}")
    if reference and await line.is_taken(reference, order.order_id):
        return Answer(UpdateStatus.REFUSED, f"an earlier order is still on its way ({reference})")
    return Answer(None, "there is an order under way for this slot", reference=reference)


async def cancel(order: Order, line: LinkedLine) -> Answer:
    """Free the slot of a test device; a real order only the customer can cancel, at the provider."""
    if not line.account.get("is_test_device"):
        return Answer(None, "only the customer can cancel at the provider, within 24 hours")
    freed = await cancel_test_orders(line, await line.remote_slot(order.slot))
    return Answer(UpdateStatus.CANCELLED, "test order cancelled") if freed else Answer(None)


async def status(order: Order, line: LinkedLine) -> Answer:
    """Ask what became of an order, by its number; without one only a notification can tell."""
    reference = await line.recall(order.order_id)
    if reference is None:
        return Answer(None, "the provider has given no number yet")
    reply = await ask(line, "GET", f"/getOrderInfo/{part(reference)}", "DrsOrderInfo")
    if reply.status != HTTPStatus.OK:
        return Answer(None, why(reply), reference=reference)
    slot = await line.remote_slot(order.slot)
    items = [
        i
        for i in as_list(as_object(read_object(reply).get("orderInfoData")).get("orderItems"))
        if i.get("slotId") == slot
    ]
    return numbered(_item_status(items[0]), reference) if items else Answer(None, reference=reference)


def numbered(answer: Answer, reference: str) -> Answer:
    return Answer(answer.status, answer.reason, answer.expected_at, reference=reference)


def _item_status(item: Mapping[str, Any]) -> Answer:
    """Return what an order item says; one without a date is in the Order Resolution Flow, and no order yet."""
    said, date = str(item.get("status", "")), item.get("expectedDeliveryDate")
    became = STATUSES.get(said.lower())
    if became is UpdateStatus.ACCEPTED and not date:
        return Answer(UpdateStatus.RESOLVING, "the customer has to settle something at the provider")
    return Answer(became, said[:LONGEST_WORD] or None, read_moment(date))


async def slot_status(line: LinkedLine, use: SlotUse) -> None:
    """Tell how a slot stands after a use."""
    body = status_body(use, str(line.account.get("country", "US")))
    await done(line, "POST", f"/slotStatus/{part(use.remote_slot)}", "DrsSlotStatus", body)


async def device_status(line: LinkedLine, active_at: datetime) -> None:
    """Tell when the device was last used; said daily."""
    await done(line, "POST", "/deviceStatus", "DrsDeviceStatus", {"mostRecentlyActiveDate": moment(active_at)})


async def subscription_info(line: LinkedLine) -> tuple[RemoteSlot, ...]:
    """Return which slots the customer switched on, and for what; in version 1 or 2 of the answer."""
    version = "1.0" if line.account.get("subscription_info_version") == 1 else "2.0"
    reply = await ask(line, "GET", "/subscriptionInfo", "DrsSubscriptionInfo", accept=version)
    if reply.status != HTTPStatus.OK:
        raise Refuse(why(reply))
    return remote_slots(read_object(reply).get("slotsSubscriptionStatus"))


async def deregister(line: LinkedLine, serial: str) -> None:
    """End the registration: DRS forgets device and tokens. One that is gone already is what we want."""
    if line.account.get("deregister_version") == 1:
        path = f"/deviceModels/{part(str(line.account.get('device_model', '')))}/devices/{part(serial)}/registration"
        reply = await ask(line, "DELETE", path, "DrsDeregister")
    else:
        reply = await ask(line, "DELETE", "/registration", "DrsDeregister", version="2.0")
    if reply.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}:
        raise Refuse(why(reply))


async def cancel_test_orders(line: LinkedLine, slot: str | None = None) -> bool:
    """Free one slot of a test device, or all; tell whether no order is in progress any more."""
    path = CANCEL_PATHS[str(line.account.get("cancel_test_path", "clients"))]
    path = "/testOrders" if slot is None else path.format(slot=part(slot))
    reply = await ask(line, "DELETE", path, "DrsCancelTestOrders")
    freed = as_list(read_object(reply).get("slotOrderStatuses")) if reply.status == HTTPStatus.OK else []
    return bool(freed) and all(one.get("orderStatus") == "NO_ORDER_IN_PROGRESS" for one in freed)
