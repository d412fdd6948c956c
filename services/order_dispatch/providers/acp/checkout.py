"""The steps of a checkout: each is one request, the same however often it is made."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid4, uuid5

from libs.contracts.events import ShipTo, UpdateStatus
from libs.kit import Retry
from services.order_dispatch.domain import Order
from services.order_dispatch.outward import Line, Reply, Unknown
from services.order_dispatch.outward.reading import Garbled, find, read, retry_after
from services.order_dispatch.providers import Answer
from services.order_dispatch.providers.acp.standing import standing, total_of
from services.order_dispatch.providers.acp.wording import Message, Mistake, Session

API_VERSION = "2026-04-17"
#: Why we let go of a checkout nobody will complete; ACP's list has nothing nearer.
GIVEN_UP = {"intent_trace": {"reason_code": "other", "trace_summary": "not completed"}}


class NoSession(Exception):  # noqa: N818  # what happened
    """The merchant opens no checkout for this; so there is no order either."""


async def session_id_of(order: Order, line: Line) -> str:
    return await line.recall(order.order_id) or (await create(order, line)).id


async def create(order: Order, line: Line) -> Session:
    """Make the order's session, or get the one that was made; write its name down. Raises NoSession."""
    if order.price is None or order.currency is None:
        raise NoSession("this order has no price, and a checkout needs one")
    total = {"type": "total", "display_text": "Total", "amount": order.price}
    item = {"id": order.product_id, "unit_amount": order.price // order.packs}
    body: dict[str, Any] = {
        "currency": order.currency.lower(),
        "line_items": [{"id": "1", "item": item, "quantity": order.packs, "totals": [total]}],
        "capabilities": {},
        "metadata": {"order_id": order.order_id},
    }
    reply = await post(line, "/checkout_sessions", body, order, "create")
    if mistake := mistake_in(reply):
        if mistake.code == "idempotency_conflict":
            raise Unknown("another checkout was made for this order")
        raise NoSession(mistake.message or mistake.code)
    session = session_in(reply)
    await line.remember(order.order_id, session.id)
    return session


async def address(session: Session, order: Order, ship_to: ShipTo, line: Line) -> Session:
    """Say where the goods go and, where the merchant lets us choose, in the cheapest way."""
    address = {
        "name": ship_to.name,
        "line_one": ship_to.line1,
        **({"line_two": ship_to.line2} if ship_to.line2 else {}),
        "city": ship_to.city,
        "state": ship_to.region or "",
        "country": ship_to.country,
        "postal_code": ship_to.postal_code,
    }
    body: dict[str, Any] = {"fulfillment_details": {"name": ship_to.name, "address": address}}
    session = await _update(session, body, order, line, "address")
    ways = [way for way in session.fulfillment_options if way.type == "shipping"]
    if session.status != "not_ready_for_payment" or not ways:
        return session
    cheapest = min(ways, key=lambda way: (total_of(way.totals) or 0, way.id))
    items = [each.item.id for each in session.line_items]
    chosen = {"type": "shipping", "option_id": cheapest.id, "item_ids": items}
    return await _update(session, {"selected_fulfillment_options": [chosen]}, order, line, "shipping")


async def _update(session: Session, body: dict[str, Any], order: Order, line: Line, step: str) -> Session:
    """Change the session; one that cannot be changed is looked at as it is."""
    reply = await post(line, path_of(session.id), body, order, step)
    mistake = mistake_in(reply)
    if mistake is None:
        return session_in(reply)
    now = await retrieve(session.id, line)
    said = Message(type="error", code=mistake.code, content=mistake.message)
    return now.model_copy(update={"messages": (said, *now.messages)})


async def close(session_id: str, order: Order, line: Line, step: str, body: dict[str, Any]) -> Answer:
    """Cancel a session so that no order comes out of it any more, or say which one did."""
    reply = await post(line, f"{path_of(session_id)}/cancel", body, order, step)
    if reply.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return standing(await retrieve(session_id, line), order)
    if mistake := mistake_in(reply):
        raise Unknown(f"the checkout was not cancelled: {mistake.code}")
    return standing(session_in(reply), order)


async def give_up(session: Session, order: Order, line: Line, reason: str) -> Answer:
    """Close a checkout that cannot be completed; it counts as refused once it is closed."""
    answer = await close(session.id, order, line, "close", GIVEN_UP)
    no_order = answer.status in (UpdateStatus.NOT_FOUND, UpdateStatus.CANCELLED)
    return Answer(UpdateStatus.REFUSED, reason=reason) if no_order else answer


async def retrieve(session_id: str, line: Line) -> Session:
    reply = await line.request("GET", path_of(session_id), headers=_headers(line))
    if mistake := mistake_in(reply):
        raise Unknown(f"the merchant does not know its checkout: {mistake.code}")
    return session_in(reply)


async def post(line: Line, path: str, body: dict[str, Any], order: Order, step: str) -> Reply:
    """Make one step; its key is the same whenever it is made."""
    key = str(uuid5(NAMESPACE_URL, f"replenish:{order.order_id}/{step}"))
    return await line.request("POST", path, json=body, headers=_headers(line), idempotency_key=key)


def _headers(line: Line) -> dict[str, str]:
    key = line.secret("api_key")
    if key is not None and not (key.isascii() and key.isprintable()):
        raise Retry(f"{line.provider_id} is not called: its api_key is nothing that a header can carry")
    return {
        **({} if key is None else {"Authorization": f"Bearer {key}"}),
        "API-Version": API_VERSION,
        "Request-Id": str(uuid4()),
        "Accept-Language": line.account.get("locale", "en-US"),
    }


def path_of(session_id: str) -> str:
    return f"/checkout_sessions/{quote(session_id, safe='')}"


def session_in(reply: Reply) -> Session:
    try:
        return read(Session, reply.body)
    except Garbled as garbled:
        raise Unknown(f"the answer was garbled: {garbled}") from garbled


def mistake_in(reply: Reply) -> Mistake | None:
    """Return what was wrong with our request; a mistake of the moment is tried again."""
    if reply.status < HTTPStatus.BAD_REQUEST:
        return None
    mistake = find(Mistake, reply.body)
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise Retry(f"the merchant does not trust us: {mistake.code if mistake else reply.status}")
    if mistake is None:
        raise Unknown(f"the answer was {reply.status} without a word")
    if mistake.code == "idempotency_in_flight":
        raise Retry("the same request is still under way", after_seconds=retry_after(reply.headers, 1.0))
    return mistake
