"""SNS endpoint: a message is verified and stored before it is answered; a task processes it afterwards."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request

from libs.kit import Kit, RetryLaterError
from libs.kit.http.dependencies import KitDep, PrincipalDep, require
from libs.kit.http.problems import ProblemError
from services.order_dispatch.domain.links import LinkClient
from services.order_dispatch.sns.certificates import certificate_at
from services.order_dispatch.sns.signing import (
    NOTIFICATION,
    SUBSCRIPTION,
    SnsSignatureError,
    check_certificate_url,
    check_subscribe_url,
    verify,
)

router = APIRouter(tags=["notifications"])

#: Leaves room for the suffix of update ids; SNS sends UUIDs.
LONGEST_ID = 190
FATES = "^(new|applied|not_applied|unmatched|unreadable)$"


@router.post("/sns/{provider_id}")
async def hear(provider_id: str, request: Request, kit: KitDep) -> dict[str, str]:
    """Receive a message of the provider's topic: 200 once it is stored, 403 if topic or signature are not accepted."""
    message = _read(await request.body())
    async with kit.read() as store:
        client: LinkClient | None = await store.find_link_client(provider_id)
    if client is None:
        raise ProblemError(404, "no_such_provider", "This provider has no notifications")
    await _verify(message, client, kit)
    async with kit.transaction() as tx:
        fresh = await tx.store.add_notification(provider_id, message)
        if fresh:
            _enqueue(message, provider_id, tx.store)
    return {"message_id": message["MessageId"], "fate": "kept" if fresh else "repeated"}


@router.get("/providers/{provider_id}/notifications")
async def list_notifications(
    provider_id: str,
    kit: KitDep,
    principal: PrincipalDep,
    fate: Annotated[str | None, Query(pattern=FATES)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """List the latest notifications of a provider with their outcome, such as `unmatched`."""
    require(principal, "operator")
    async with kit.read() as store:
        rows = await store.list_notifications(provider_id, fate, limit)
    return {"notifications": [dict(row) for row in rows]}


def _read(body: bytes) -> dict[str, Any]:
    """Parse the envelope; SNS sends JSON as text/plain."""
    try:
        message = orjson.loads(body)  # rejects lone surrogates and NaN, which cannot be stored
    except orjson.JSONDecodeError as error:
        raise ProblemError(400, "malformed_json", "The body is not valid JSON") from error
    has_fields = isinstance(message, dict) and all(
        isinstance(message.get(name), str) for name in ("Type", "MessageId", "TopicArn", "Timestamp")
    )
    if not has_fields or not 0 < len(message["MessageId"]) <= LONGEST_ID or b"\\u0000" in body:
        raise ProblemError(400, "malformed_message", "The body is not an SNS message")
    return dict(message)


async def _verify(message: dict[str, Any], client: LinkClient, kit: Kit) -> None:
    """Raise ProblemError 403 unless the topic is one of the provider's and its key signed the message."""
    stand_ins: frozenset[str] = kit.settings.stand_in_hosts  # type: ignore[attr-defined]  # order-dispatch setting
    topic = message["TopicArn"]
    if topic not in client.options.get("topic_arns", ()):
        raise ProblemError(403, "not_our_topic", "The topic does not belong to the provider")
    try:
        url = check_certificate_url(message.get("SigningCertURL"), topic, stand_ins)
        if message["Type"] == SUBSCRIPTION:
            check_subscribe_url(message.get("SubscribeURL"), topic, stand_ins)
        verify(message, await certificate_at(url, kit))
    except SnsSignatureError as error:
        raise ProblemError(
            403, "not_signed", "The message is not signed by SNS for its topic", detail=str(error)
        ) from error
    except RetryLaterError as error:
        raise ProblemError(
            503,
            "certificate_away",
            "The signing certificate is not available; try again shortly",
            headers={"Retry-After": "5"},
        ) from error


def _enqueue(message: dict[str, Any], provider_id: str, store: Any) -> None:
    """Create the task for a new message; an UnsubscribeConfirmation is only stored."""
    ids = {"provider_id": provider_id, "message_id": message["MessageId"]}
    if message["Type"] == NOTIFICATION:
        store.add_task("sns", f"{provider_id}/{message['MessageId']}", ids)
    elif message["Type"] == SUBSCRIPTION:
        url = {"url": message["SubscribeURL"]}
        store.add_task("sns_confirm", f"{provider_id}/{message['MessageId']}", ids | url)
