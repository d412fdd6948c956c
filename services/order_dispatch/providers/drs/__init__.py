"""Amazon Dash Replenishment: orders by slot, for customers who linked their device with their Amazon account.

DRS has no idempotency keys. It allows one open order per slot and answers ORDER_INPROGRESS to another. A replenish
answer does not confirm a purchase; confirmation comes as a notification (sns/) or from getOrderInfo.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from libs.kit import RejectedError
from replenish_contracts.events import ShipTo, UpdateStatus
from services.order_dispatch.domain.links import RemoteSlot, SlotUse
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.drs.options import CANCEL_PATHS, check_options, remote_slots, status_body
from services.order_dispatch.providers.drs.wire import (
    UnreadableResponseError,
    as_list,
    as_object,
    call,
    call_or_raise,
    format_time,
    parse_time,
    path_part,
    read_object,
    reason_in,
)
from services.order_dispatch.providers.protocol import (
    AccountLinking,
    Answer,
    HttpTransport,
    LinkedProviderClient,
    ProviderProtocol,
)

PLACED, IN_PROGRESS = ("STANDARD_ORDER_PLACED", "TEST_ORDER_PLACED"), "ORDER_INPROGRESS"
#: From both versions of the documentation; other values have no mapping.
STATUSES = {
    "pending": UpdateStatus.ACCEPTED,
    "authorized": UpdateStatus.ACCEPTED,
    "processing": UpdateStatus.ACCEPTED,
    "shipped": UpdateStatus.SHIPPED,
    "closed": UpdateStatus.SHIPPED,
    "canceled": UpdateStatus.CANCELLED,
    "cancelled": UpdateStatus.CANCELLED,
}
#: Status texts are cut to this length.
LONGEST_WORD = 100


def authorize_extras(options: Mapping[str, Any], serial: str) -> dict[str, str]:
    """Return the extra query parameters of the authorization page."""
    device = {"device_model": str(options.get("device_model", "")), "serial": serial}
    flags = {name: bool(options.get(name, False)) for name in ("is_test_device", "should_include_non_live")}
    return {"scope_data": json.dumps({"dash:replenish": {**device, **flags}})}


async def submit(order: Order, ship_to: ShipTo | None, line: LinkedProviderClient) -> Answer:  # noqa: ARG001  # DRS has the address
    """Trigger a replenishment of the order's slot; the result follows as a notification.

    ORDER_INPROGRESS with an id of another of our orders refuses this one. Raises UnreadableResponseError for any
    other answer.
    """
    reply = await call(line, "POST", f"/replenish/{path_part(await line.remote_slot(order.slot))}", "DrsReplenish")
    if reply.status != HTTPStatus.OK:
        return Answer(UpdateStatus.REFUSED, reason_in(reply))
    result = read_object(reply)
    detail, instance = result.get("detailCode"), result.get("eventInstanceId")
    reference = str(instance)[:255] if instance else None
    if detail in PLACED:
        return Answer(None, reference=reference)
    if detail != IN_PROGRESS:
        raise UnreadableResponseError(f"replenish answered {detail!r}")
    if reference and await line.is_reference_used(reference, order.order_id):
        return Answer(UpdateStatus.REFUSED, f"an earlier order is still open ({reference})")
    return Answer(None, "an order is already open for this slot", reference=reference)


async def cancel(order: Order, line: LinkedProviderClient) -> Answer:
    """Cancel the order of a test device; other orders can only be cancelled by the customer, at the provider."""
    if not line.account.get("is_test_device"):
        return Answer(None, "only the customer can cancel at the provider, within 24 hours")
    freed = await cancel_test_orders(line, await line.remote_slot(order.slot))
    return Answer(UpdateStatus.CANCELLED, "test order cancelled") if freed else Answer(None)


async def status(order: Order, line: LinkedProviderClient) -> Answer:
    """Request an order by DRS's id; until the id is known, only notifications report its state."""
    reference = await line.recall(order.order_id)
    if reference is None:
        return Answer(None, "the provider has not assigned an order id yet")
    reply = await call(line, "GET", f"/getOrderInfo/{path_part(reference)}", "DrsOrderInfo")
    if reply.status != HTTPStatus.OK:
        return Answer(None, reason_in(reply), reference=reference)
    slot = await line.remote_slot(order.slot)
    listed = as_list(as_object(read_object(reply).get("orderInfoData")).get("orderItems"))
    items = [item for item in listed if item.get("slotId") == slot]
    return numbered(_item_status(items[0]), reference) if items else Answer(None, reference=reference)


def numbered(answer: Answer, reference: str) -> Answer:
    return Answer(answer.status, answer.reason, answer.expected_at, reference=reference)


def _item_status(item: Mapping[str, Any]) -> Answer:
    """Translate an order item. One without a delivery date is in the Order Resolution Flow, not ordered yet."""
    state, date = str(item.get("status", "")), item.get("expectedDeliveryDate")
    status = STATUSES.get(state.lower())
    if status is UpdateStatus.ACCEPTED and not date:
        return Answer(UpdateStatus.RESOLVING, "the customer must resolve an issue at the provider")
    return Answer(status, state[:LONGEST_WORD] or None, parse_time(date))


async def slot_status(line: LinkedProviderClient, use: SlotUse) -> None:
    """Report the level of a slot after a use."""
    body = status_body(use, str(line.account.get("country", "US")))
    await call_or_raise(line, "POST", f"/slotStatus/{path_part(use.remote_slot)}", "DrsSlotStatus", body)


async def device_status(line: LinkedProviderClient, active_at: datetime) -> None:
    """Report when the device was last used; called daily."""
    await call_or_raise(
        line, "POST", "/deviceStatus", "DrsDeviceStatus", {"mostRecentlyActiveDate": format_time(active_at)}
    )


async def subscription_info(line: LinkedProviderClient) -> tuple[RemoteSlot, ...]:
    """Return the slots that the customer subscribed, with their products; answer version 1 or 2."""
    version = "1.0" if line.account.get("subscription_info_version") == 1 else "2.0"
    reply = await call(line, "GET", "/subscriptionInfo", "DrsSubscriptionInfo", accept=version)
    if reply.status != HTTPStatus.OK:
        raise RejectedError(reason_in(reply))
    return remote_slots(read_object(reply).get("slotsSubscriptionStatus"))


async def deregister(line: LinkedProviderClient, serial: str) -> None:
    """Delete the registration of device and tokens at DRS. A missing registration (404) is a success."""
    if line.account.get("deregister_version") == 1:
        path = f"/deviceModels/{path_part(str(line.account.get('device_model', '')))}/devices/{path_part(serial)}/registration"
        reply = await call(line, "DELETE", path, "DrsDeregister")
    else:
        reply = await call(line, "DELETE", "/registration", "DrsDeregister", version="2.0")
    if reply.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}:
        raise RejectedError(reason_in(reply))


async def cancel_test_orders(line: LinkedProviderClient, slot: str | None = None) -> bool:
    """Cancel the test orders of one slot, or of all; return whether none is in progress any more."""
    template = CANCEL_PATHS[str(line.account.get("cancel_test_path", "clients"))]
    path = "/testOrders" if slot is None else template.format(slot=path_part(slot))
    reply = await call(line, "DELETE", path, "DrsCancelTestOrders")
    freed = as_list(read_object(reply).get("slotOrderStatuses")) if reply.status == HTTPStatus.OK else []
    return bool(freed) and all(item.get("orderStatus") == "NO_ORDER_IN_PROGRESS" for item in freed)


PROTOCOL = ProviderProtocol(
    name="drs",
    transport=HttpTransport(submit, cancel, status),
    # DRS has the customer's address.
    needs_address=False,
    linking=AccountLinking(
        check_options=check_options,
        authorize_extras=authorize_extras,
        report_slot=slot_status,
        report_device=device_status,
        fetch_subscriptions=subscription_info,
        deregister=deregister,
    ),
)
