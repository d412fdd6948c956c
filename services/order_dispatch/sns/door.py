"""Where Amazon SNS posts: a message is verified, kept as it came, and only then answered; the rest happens after."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request

from libs.kit import Kit, Retry
from libs.kit.problems import Problem
from libs.kit.web import KitDep, PrincipalDep, require
from services.order_dispatch.domain.links import LinkClient
from services.order_dispatch.sns.certificates import certificate_at
from services.order_dispatch.sns.signing import (
    NOTIFICATION,
    SUBSCRIPTION,
    NotSigned,
    check_certificate_url,
    check_subscribe_url,
    verify,
)

router = APIRouter(tags=["notifications"])

#: So that an id made of it is still one of ours; SNS sends UUIDs.
LONGEST_ID = 190
FATES = "^(new|applied|not_applied|unmatched|unreadable)$"


@router.post("/sns/{provider_id}")
async def hear(provider_id: str, request: Request, kit: KitDep) -> dict[str, str]:
    """Take a message of the provider's topic: 200 once it is kept, 403 for one that is not the topic's."""
    message = _read(await request.body())
    async with kit.read() as store:
        client: LinkClient | None = await store.find_link_client(provider_id)
    if client is None:
        raise Problem(404, "no_such_provider", "No notifications are expected for this provider")
    await _verify(message, client, kit)
    async with kit.transaction() as tx:
        fresh = await tx.store.add_notification(provider_id, message)
        if fresh:
            _intend(message, provider_id, tx.store)
    return {"message_id": message["MessageId"], "fate": "kept" if fresh else "repeated"}


@router.get("/providers/{provider_id}/notifications")
async def list_notifications(
    provider_id: str,
    kit: KitDep,
    principal: PrincipalDep,
    fate: Annotated[str | None, Query(pattern=FATES)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """The latest notifications of a provider with what became of each, such as `unmatched`."""
    require(principal, "operator")
    async with kit.read() as store:
        rows = await store.list_notifications(provider_id, fate, limit)
    return {"notifications": [dict(row) for row in rows]}


def _read(body: bytes) -> dict[str, Any]:
    """Return the envelope; SNS sends JSON and calls it text/plain."""
    try:
        message = orjson.loads(body)  # refuses what neither a signature nor a database could be made of
    except orjson.JSONDecodeError as error:
        raise Problem(400, "malformed_json", "The body is no JSON") from error
    named = isinstance(message, dict) and all(
        isinstance(message.get(name), str) for name in ("Type", "MessageId", "TopicArn", "Timestamp")
    )
    if not named or not 0 < len(message["MessageId"]) <= LONGEST_ID or b"\\u0000" in body:
        raise Problem(400, "malformed_message", "The body is no message of SNS")
    return dict(message)


async def _verify(message: dict[str, Any], client: LinkClient, kit: Kit) -> None:
    """Raise Problem 403 unless the topic is one of the provider's and its key signed the message."""
    stand_ins: frozenset[str] = kit.settings.stand_in_hosts  # type: ignore[attr-defined]  # our own settings
    topic = message["TopicArn"]
    if topic not in client.options.get("topic_arns", ()):
        raise Problem(403, "not_our_topic", "This topic is not the provider's")
    try:
        url = check_certificate_url(message.get("SigningCertURL"), topic, stand_ins)
        if message["Type"] == SUBSCRIPTION:
            check_subscribe_url(message.get("SubscribeURL"), topic, stand_ins)
        verify(message, await certificate_at(url, kit))
    except NotSigned as error:
        raise Problem(403, "not_signed", "The signature is not the topic's", detail=str(error)) from error
    except Retry as error:
        raise Problem(503, "certificate_away", "Try again shortly", headers={"Retry-After": "5"}) from error


def _intend(message: dict[str, Any], provider_id: str, store: Any) -> None:
    """Queue what is to be done about a fresh message; an end of the subscription is only kept."""
    named = {"provider_id": provider_id, "message_id": message["MessageId"]}
    if message["Type"] == NOTIFICATION:
        store.intend("sns", f"{provider_id}/{message['MessageId']}", named)
    elif message["Type"] == SUBSCRIPTION:
        url = {"url": message["SubscribeURL"]}
        store.intend("sns_confirm", f"{provider_id}/{message['MessageId']}", named | url)
