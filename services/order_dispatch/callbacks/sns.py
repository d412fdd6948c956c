"""Notifications of linked providers over Amazon SNS.

A message is verified and stored before the response is sent; a task then applies it once, to an order or a link.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskKind, TaskResult
from libs.kit.http.dependencies import KitDep, PrincipalDep, require
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import Event
from services.order_dispatch.callbacks.store import CallbackStore
from services.order_dispatch.domain.countries import unit_in
from services.order_dispatch.domain.links import Link, LinkClient
from services.order_dispatch.domain.reports import Outcome
from services.order_dispatch.linking.links import end_link, save_subscriptions
from services.order_dispatch.orders.decisions import apply_update
from services.order_dispatch.providers.drs.notifications import (
    Kind,
    Notification,
    UnreadableMessageError,
    parse_notification,
    unmatched_update,
    update_of,
)
from services.order_dispatch.providers.drs.sns import (
    NOTIFICATION,
    RAW_DELIVERY_HEADER,
    SUBSCRIPTION,
    SnsSignatureError,
    certificate_at,
    check_certificate_url,
    check_subscribe_url,
    verify,
)
from services.order_dispatch.settings import settings_of

router = APIRouter(tags=["notifications"])
#: Leaves room for the suffix of update ids; SNS sends UUIDs.
LONGEST_ID = 190
OUTCOMES = "^(new|applied|not_applied|unmatched|unreadable)$"


@router.post("/sns/{provider_id}")
async def receive_notification(provider_id: str, request: Request, kit: KitDep) -> dict[str, str]:
    """Receive a message of the provider's topic: 200 once it is stored, 403 if topic or signature are not accepted."""
    message = _parse_envelope(await request.body(), is_raw=_is_raw_delivery(request.headers))
    async with kit.read() as store:
        client: LinkClient | None = await store.find_link_client(provider_id)
    if client is None:
        title, remedy = "This provider has no notifications", "PUT /v1/providers/{provider_id}/link-client sets them up"
        raise ProblemError.of_missing("no_such_provider", title, "link client of", "provider_id", remedy)
    await _verify(message, client, kit)
    async with kit.transaction() as tx:
        is_new = await tx.store.add_notification(provider_id, message)
        if is_new:
            _enqueue(message, provider_id, tx.store)
    return {"message_id": message["MessageId"], "outcome": "stored" if is_new else "repeated"}


@router.get("/providers/{provider_id}/notifications")
async def list_notifications(
    provider_id: str,
    kit: KitDep,
    principal: PrincipalDep,
    outcome: Annotated[str | None, Query(pattern=OUTCOMES)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    require(principal, "operator")
    async with kit.read() as store:
        rows = await store.list_notifications(provider_id, outcome, limit)
    return {"notifications": [dict(row) for row in rows]}


def _is_raw_delivery(headers: Mapping[str, str]) -> bool:
    return headers.get(RAW_DELIVERY_HEADER, "").strip().lower() == "true"


def _parse_envelope(body: bytes, *, is_raw: bool) -> dict[str, Any]:
    """Parse SNS's envelope. Raises ProblemError 400; `is_raw` if SNS states that it delivers without one."""
    try:
        message = orjson.loads(body)  # rejects lone surrogates and NaN, which cannot be stored
    except orjson.JSONDecodeError as error:
        if is_raw:
            raise _raw_delivery() from error
        raise ProblemError(
            400,
            "malformed_json",
            "The body is not valid JSON",
            field="body",
            problem=f"the body is not valid JSON: {error}",
            remedy="send the SNS message as it is; do not enable raw message delivery",
        ) from error
    has_fields = isinstance(message, dict) and all(
        isinstance(message.get(name), str) for name in ("Type", "MessageId", "TopicArn", "Timestamp")
    )
    # Without the header: the message that the envelope would contain.
    if not has_fields and (is_raw or _is_notification(message)):
        raise _raw_delivery()
    if not has_fields or not 0 < len(message["MessageId"]) <= LONGEST_ID or b"\\u0000" in body:
        raise ProblemError(
            400,
            "malformed_message",
            "The body is not an SNS message",
            field="body",
            problem="Type, MessageId, TopicArn or Timestamp is missing, too long or not a text",
            remedy="subscribe the URL to the SNS topic without raw message delivery",
        )
    return dict(message)


def _is_notification(message: Any) -> bool:
    """Whether a body is what an envelope contains: a notification of DRS."""
    return isinstance(message, dict) and any(name.lower() == "notificationinfo" for name in message)


def _raw_delivery() -> ProblemError:
    problem = "the message was delivered without SNS's envelope, so it has no signature that could be verified"
    remedy = "turn off raw message delivery: set the subscription attribute RawMessageDelivery to false"
    errors = [{"code": "raw_delivery", "field": "body", "problem": problem, "remedy": remedy}]
    title = "The SNS subscription uses raw message delivery"
    return ProblemError(400, "raw_delivery", title, detail=f"{problem}; {remedy}", errors=errors)


async def _verify(message: dict[str, Any], client: LinkClient, kit: Kit) -> None:
    """Raise ProblemError 403 unless the topic is one of the provider's and its key signed the message."""
    stand_ins = settings_of(kit).stand_in_hosts
    topic = message["TopicArn"]
    if topic not in client.options.get("topic_arns", ()):
        raise ProblemError(
            403,
            "not_our_topic",
            "The topic does not belong to the provider",
            field="TopicArn",
            problem=f"{topic[:200]} is none of the provider's topics",
            remedy="add the ARN to options.topic_arns with PUT /v1/providers/{provider_id}/link-client",
        )
    try:
        url = check_certificate_url(message.get("SigningCertURL"), topic, stand_ins)
        if message["Type"] == SUBSCRIPTION:
            check_subscribe_url(message.get("SubscribeURL"), topic, stand_ins)
        verify(message, await certificate_at(url, kit))
    except SnsSignatureError as error:
        raise ProblemError(
            403,
            "not_signed",
            "The message is not signed by SNS for its topic",
            detail=str(error),
            field="Signature",
            problem=str(error),
            remedy="send the message as SNS delivered it, without changes",
        ) from error
    except RetryLaterError as error:
        raise ProblemError(
            503,
            "certificate_unavailable",
            "The signing certificate is not available; try again shortly",
            headers={"Retry-After": "5"},
            problem=f"the signing certificate could not be fetched: {error}",
            remedy="send the same message again in 5 s; SNS does so itself",
        ) from error


def _enqueue(message: dict[str, Any], provider_id: str, store: Any) -> None:
    ids = {"provider_id": provider_id, "message_id": message["MessageId"]}
    if message["Type"] == NOTIFICATION:
        store.add_task("sns", f"{provider_id}/{message['MessageId']}", ids)
    elif message["Type"] == SUBSCRIPTION:
        url = {"url": message["SubscribeURL"]}
        store.add_task("sns_confirm", f"{provider_id}/{message['MessageId']}", ids | url)


OK, SERVER_ERROR = 200, 500


async def confirm_subscription(task: Task, kit: Kit) -> dict[str, int]:
    """Confirm by a call to the SubscribeURL, which was checked on receipt. Idempotent."""
    import httpx  # noqa: PLC0415  # 5 MB, not needed without notifications

    try:
        async with kit.http.stream("GET", task.payload["url"]) as response:
            status = response.status_code
    except httpx.HTTPError as error:
        raise RetryLaterError(f"SNS cannot be reached: {type(error).__name__}") from error
    if status >= SERVER_ERROR:
        raise RetryLaterError(f"SNS responded with {status}")
    if status != OK:
        raise RejectedError(f"SNS responded with {status}")
    return {"status": status}


async def on_subscription_confirmed(task: Task, result: TaskResult, store: CallbackStore) -> list[Event]:
    outcome, reason = ("applied", "confirmed") if result.refused is None else ("not_applied", result.refused)
    await store.save_notification_outcome(task.payload["provider_id"], task.payload["message_id"], outcome, reason)
    return []


@dataclass(frozen=True, slots=True)
class NotificationResult:
    outcome: str
    reason: str = ""
    events: tuple[Event, ...] = ()


async def acknowledge_notification(task: Task, kit: Kit) -> dict[str, str]:  # noqa: ARG001  # the signature of a task
    """Do nothing: the message is stored already, and `complete` applies it."""
    return {}


async def on_notification(task: Task, outcome: TaskResult, store: CallbackStore) -> list[Event]:  # noqa: ARG001  # the task only acknowledges
    return await apply_notification(task.payload["provider_id"], task.payload["message_id"], store)


async def match_notifications(store: CallbackStore) -> list[Event]:
    events: list[Event] = []
    for provider_id, message_id in await store.list_matchable_notifications(store.settings.check_page):
        events += await apply_notification(provider_id, message_id, store, again=True)
    return events


async def apply_notification(
    provider_id: str, message_id: str, store: CallbackStore, *, again: bool = False
) -> list[Event]:
    """Apply a stored message unless it was applied already; `again` selects unmatched messages instead of new ones."""
    stored = await store.lock_notification(provider_id, message_id)
    if stored is None or stored[1] != ("unmatched" if again else "new"):
        return []
    try:
        notification = parse_notification(stored[0])
    except UnreadableMessageError as error:
        await store.save_notification_outcome(provider_id, message_id, "unreadable", str(error))
        return []
    await store.save_notification_subject(
        provider_id, message_id, notification.kind, notification.serial, notification.instance_id
    )
    if notification.instance_id is not None:
        result = await _update_order(notification, provider_id, f"{message_id}-again" if again else message_id, store)
    else:
        result = await _update_link(notification, provider_id, store)
    await store.save_notification_outcome(provider_id, message_id, result.outcome, result.reason)
    return list(result.events)


async def _update_order(
    notification: Notification, provider_id: str, update_id: str, store: CallbackStore
) -> NotificationResult:
    """Update the order with this instance id, or assign the id to the slot's order that has none yet."""
    instance_id, slot = notification.instance_id or "", notification.remote_slot or ""
    order_id = await store.lock_order_by_reference(provider_id, instance_id)
    if order_id is None and notification.kind is not Kind.OTHER:
        link = await store.lock_link_of_serial(provider_id, notification.serial)
        slot_id = None if link is None else await store.find_linked_slot(link.link_id, slot)
        if link is not None and slot_id is not None:
            place = (link.device_id, slot_id)
            order_id = await store.assign_reference(provider_id, place, instance_id, notification.sent_at)
    order = None if order_id is None else await store.lock_order(order_id)
    if order is None:
        await apply_update(unmatched_update(notification, provider_id, update_id), store)
        return NotificationResult("unmatched", "no order has this instance id")
    country = await store.find_country(order.customer_id)
    items = tuple(
        replace(item, unit=None if item.unit is None else unit_in(item.unit, country)) for item in notification.items
    )
    result = await apply_update(update_of(replace(notification, items=items), order, update_id), store)
    if result.decision is not None and result.decision.outcome is Outcome.UNCLEAR:
        return NotificationResult("not_applied", result.decision.reason)
    return NotificationResult("applied", f"order {order.order_id}", tuple(result.events))


async def _update_link(notification: Notification, provider_id: str, store: CallbackStore) -> NotificationResult:
    link = await store.lock_link_of_serial(provider_id, notification.serial)
    if link is None:
        return NotificationResult("not_applied", "no link has this device")
    if notification.kind is Kind.DEREGISTERED:
        return await _end_deregistered(link, notification, store)
    if notification.customer is not None:
        await store.save_remote_customer(link.link_id, notification.customer)
    events = await save_subscriptions(link, notification.slots, notification.sent_at, store)
    return NotificationResult("applied", f"link {link.link_id}", tuple(events))


async def _end_deregistered(link: Link, notification: Notification, store: CallbackStore) -> NotificationResult:
    """End the link with its tokens; orders that were not submitted yet are cancelled.

    A deregistration older than the link is ignored: the device has been linked again.
    """
    if notification.sent_at < link.created_at:
        return NotificationResult("not_applied", "the device has been linked again since then")
    events = await end_link(link, "deregistered at the provider", store, revoke=False)
    return NotificationResult("applied", f"link {link.link_id}", tuple(events))


TASKS = (
    TaskKind("sns", perform=acknowledge_notification, complete=on_notification, reconcile=acknowledge_notification),
    TaskKind(
        "sns_confirm",
        perform=confirm_subscription,
        complete=on_subscription_confirmed,
        reconcile=confirm_subscription,
    ),
)
