"""Amazon Dash Replenishment: orders by slot, for customers who linked their device with their Amazon account.

DRS has no idempotency keys. It allows one open order per slot and returns ORDER_INPROGRESS for another. The response
to a replenish request does not confirm a purchase; confirmation comes as a notification (notifications.py, received by
callbacks/sns.py) or from getOrderInfo.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from libs.kit import RejectedError
from replenish_contracts.events import ShipTo, UpdateNote, UpdateStatus
from replenish_contracts.tolerant import as_word, normalize_word
from services.order_dispatch.domain.links import RemoteSlot, SlotUse
from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.promises import promise_fields
from services.order_dispatch.providers.drs.messages import (
    as_list,
    as_object,
    call,
    call_or_raise,
    format_time,
    path_part,
    read_object,
    reason_in,
)
from services.order_dispatch.providers.drs.options import CANCEL_PATHS, check_options
from services.order_dispatch.providers.drs.slots import remote_slots, status_body
from services.order_dispatch.providers.parsing import UnreadableResponseError, parse_promise
from services.order_dispatch.providers.protocol import (
    AccountLinking,
    Answer,
    HttpTransport,
    LineSupport,
    LinkedProviderClient,
    ProviderProtocol,
)

#: Words of `detailCode`; the last one is the spelling of other Amazon APIs.
TEST_PLACED = "TEST_ORDER_PLACED"
PLACED, IN_PROGRESS = ("STANDARD_ORDER_PLACED", TEST_PLACED), ("ORDER_INPROGRESS", "ORDER_IN_PROGRESS")
#: The words of an item's status in both versions of the getOrderInfo page of the DRS documentation.
STATUSES = {
    # Older: Pending, Authorized, Canceled, Closed, Unknown. DRS reports no delivery, so a closed order is on its way.
    "pending": UpdateStatus.ACCEPTED,
    "authorized": UpdateStatus.ACCEPTED,
    "canceled": UpdateStatus.CANCELLED,
    "closed": UpdateStatus.SHIPPED,
    "unknown": UpdateStatus.UNCLEAR,
    # Newer: Processing, Cancelled, Shipped.
    "processing": UpdateStatus.ACCEPTED,
    "cancelled": UpdateStatus.CANCELLED,
    "shipped": UpdateStatus.SHIPPED,
}
#: Status texts are cut to this length.
LONGEST_STATUS = 100


def authorize_extras(options: Mapping[str, Any], serial: str) -> dict[str, str]:
    device = {"device_model": str(options.get("device_model", "")), "serial": serial}
    flags = {name: bool(options.get(name, False)) for name in ("is_test_device", "should_include_non_live")}
    return {"scope_data": json.dumps({"dash:replenish": {**device, **flags}})}


async def submit(order: Order, ship_to: ShipTo | None, client: LinkedProviderClient) -> Answer:  # noqa: ARG001  # DRS has the address
    """Trigger a replenishment of the order's slot; the result follows as a notification.

    ORDER_INPROGRESS with the id of another of our orders refuses this one. Raises UnreadableResponseError for an
    unknown detailCode.
    """
    if order.test and not client.account.get("is_test_device"):
        # DRS would charge and deliver it.
        raise RejectedError(f"{order.provider_id} is a test provider, but its link client has no is_test_device")
    slot = await client.remote_slot(order.lines[0].slot)
    reply = await call(client, "POST", f"/replenish/{path_part(slot)}", "DrsReplenish")
    if reply.status != HTTPStatus.OK:
        return Answer(UpdateStatus.REFUSED, reason_in(reply))
    result = read_object(reply)
    detail, instance = result.get("detailCode"), result.get("eventInstanceId")
    reference = str(instance)[:255] if instance else None
    code = detail.upper() if isinstance(detail, str) else ""
    if code in PLACED:
        return Answer(None, reference=reference, test=code == TEST_PLACED)
    if code not in IN_PROGRESS:
        raise UnreadableResponseError(f"the detailCode {detail!r} is unknown")
    if reference and await client.is_reference_used(reference, order.order_id):
        return Answer(UpdateStatus.REFUSED, f"an earlier order is still open ({reference})")
    return Answer(None, "an order is already open for this slot", reference=reference)


async def cancel(order: Order, client: LinkedProviderClient) -> Answer:
    """Cancel a test order; other orders can only be cancelled by the customer, at the provider."""
    if not order.test:
        return Answer(None, "only the customer can cancel at the provider, within 24 hours")
    freed = await cancel_test_orders(client, await client.remote_slot(order.lines[0].slot))
    return Answer(UpdateStatus.CANCELLED, "test order cancelled") if freed else Answer(None)


async def status(order: Order, client: LinkedProviderClient) -> Answer:
    """Request an order by DRS's id; until the id is known, only notifications report its state."""
    reference = await client.find_reference(order.order_id)
    if reference is None:
        return Answer(None, "the provider has not assigned an order id yet")
    reply = await call(client, "GET", f"/getOrderInfo/{path_part(reference)}", "DrsOrderInfo")
    if reply.status != HTTPStatus.OK:
        return Answer(None, reason_in(reply), reference=reference)
    slot = await client.remote_slot(order.lines[0].slot)
    listed = as_list(as_object(read_object(reply).get("orderInfoData")).get("orderItems"))
    items = [item for item in listed if item.get("slotId") == slot]
    return replace(_item_status(items[0]), reference=reference) if items else Answer(None, reference=reference)


def _item_status(item: Mapping[str, Any]) -> Answer:
    """An accepted item without a delivery date is in the Order Resolution Flow and not ordered yet."""
    word, date = as_word(item.get("status") or ""), item.get("expectedDeliveryDate")
    status, promise = STATUSES.get(normalize_word(word), UpdateStatus.UNCLEAR), parse_promise(date)
    notes: tuple[UpdateNote, ...] = ()
    if date and promise is None:
        notes += (UpdateNote.about("expectedDeliveryDate", date, "not a date or a time"),)
    if not word:
        notes += (UpdateNote.about("status", None, "missing"),)
    if status is UpdateStatus.UNCLEAR:
        return Answer(status, word=word or None, notes=notes)
    if status is UpdateStatus.ACCEPTED and not date:
        return Answer(UpdateStatus.RESOLVING, "the customer must resolve an issue at the provider")
    return Answer(status, word[:LONGEST_STATUS], **promise_fields(promise), notes=notes)


async def slot_status(client: LinkedProviderClient, use: SlotUse) -> None:
    body = status_body(use, use.country or str(client.account.get("country", "US")))
    await call_or_raise(client, "POST", f"/slotStatus/{path_part(use.remote_slot)}", "DrsSlotStatus", body)


async def device_status(client: LinkedProviderClient, active_at: datetime) -> None:
    await call_or_raise(
        client, "POST", "/deviceStatus", "DrsDeviceStatus", {"mostRecentlyActiveDate": format_time(active_at)}
    )


async def subscription_info(client: LinkedProviderClient) -> tuple[RemoteSlot, ...]:
    """Return the device's slots with their products; DRS supports versions 1 and 2 of the response."""
    version = "1.0" if client.account.get("subscription_info_version") == 1 else "2.0"
    reply = await call(client, "GET", "/subscriptionInfo", "DrsSubscriptionInfo", accept=version)
    if reply.status != HTTPStatus.OK:
        raise RejectedError(reason_in(reply))
    return remote_slots(read_object(reply).get("slotsSubscriptionStatus"))


async def deregister(client: LinkedProviderClient, serial: str) -> None:
    """Delete the registration of device and tokens at DRS. A missing registration (404) is a success."""
    if client.account.get("deregister_version") == 1:
        model = path_part(str(client.account.get("device_model", "")))
        path = f"/deviceModels/{model}/devices/{path_part(serial)}/registration"
        reply = await call(client, "DELETE", path, "DrsDeregister")
    else:
        reply = await call(client, "DELETE", "/registration", "DrsDeregister", version="2.0")
    if reply.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}:
        raise RejectedError(reason_in(reply))


async def cancel_test_orders(client: LinkedProviderClient, slot: str | None = None) -> bool:
    """Cancel the test orders of one slot, or of all; return whether no order is in progress afterwards."""
    template = CANCEL_PATHS[str(client.account.get("cancel_test_path", "clients"))]
    path = "/testOrders" if slot is None else template.format(slot=path_part(slot))
    reply = await call(client, "DELETE", path, "DrsCancelTestOrders")
    freed = as_list(read_object(reply).get("slotOrderStatuses")) if reply.status == HTTPStatus.OK else []
    return bool(freed) and all(item.get("orderStatus") == "NO_ORDER_IN_PROGRESS" for item in freed)


PROTOCOL = ProviderProtocol(
    name="drs",
    transport=HttpTransport(submit, cancel, status),
    # A replenishment is that of one slot.
    lines=LineSupport(max_lines=1),
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
