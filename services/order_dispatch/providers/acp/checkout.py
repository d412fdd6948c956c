"""Steps of an ACP checkout session: one idempotent request each."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid4, uuid5

from libs.http_client.exchange import Reply, UnknownOutcomeError
from libs.kit import RetryLaterError
from replenish_contracts.events import ShipTo, UpdateStatus
from services.order_dispatch.domain.lines import OrderLine
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.acp.messages import ErrorBody, Message, Session
from services.order_dispatch.providers.acp.translation import read_session, state_of, total_of
from services.order_dispatch.providers.acp.words import SessionState
from services.order_dispatch.providers.client import HttpProviderClient
from services.order_dispatch.providers.parsing import (
    UnreadableAnswerError,
    UnreadableResponseError,
    read,
    read_or_none,
    retry_after,
)
from services.order_dispatch.providers.protocol import Answer

API_VERSION = "2026-04-17"
#: Reason for closing an abandoned session; ACP's list has no closer code.
GIVEN_UP = {"intent_trace": {"reason_code": "other", "trace_summary": "not completed"}}


class MissingSessionError(Exception):
    """The merchant created no session, so there is no order either."""


async def session_id_of(order: Order, client: HttpProviderClient) -> str:
    return await client.find_reference(order.order_id) or (await create(order, client)).id


async def create(order: Order, client: HttpProviderClient) -> Session:
    """Create the order's session, or get the existing one, and store its id. Raises MissingSessionError."""
    if order.price is None or order.currency is None or any(line.price is None for line in order.lines):
        raise MissingSessionError("the order has no price, which a checkout requires")
    body: dict[str, Any] = {
        "currency": order.currency.lower(),
        # An order that ended here may still be created, to find its session and close it.
        "line_items": [_line_item(line) for line in order.open_lines or order.lines],
        "capabilities": {},
        "metadata": {"order_id": order.order_id},
    }
    reply = await post(client, "/checkout_sessions", body, order, "create")
    if error := error_in(reply):
        if error.code == "idempotency_conflict":
            raise UnknownOutcomeError("another checkout exists for this order")
        raise MissingSessionError(error.message or error.code)
    session = session_in(reply)
    await client.save_reference(order.order_id, session.id)
    return session


def _line_item(line: OrderLine) -> dict[str, Any]:
    texts = {"items_base_amount": "Base amount", "subtotal": "Subtotal", "total": "Total"}
    return {
        "id": line.line_id,
        "item": {"id": line.product_id, "unit_amount": line.unit_price},
        "quantity": line.packs,
        "totals": [{"type": kind, "display_text": text, "amount": line.price} for kind, text in texts.items()],
    }


async def address(session: Session, order: Order, ship_to: ShipTo, client: HttpProviderClient) -> Session:
    """Set the delivery address and, if the merchant offers a choice, the cheapest shipping option."""
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
    session = await _update(session, body, order, client, "address")
    options = [option for option in session.fulfillment_options if option.type == "shipping"]
    if state_of(session) is not SessionState.OPEN or not options:
        return session
    cheapest = min(options, key=lambda option: (total_of(option.totals) or 0, option.id))
    items = [line_item.item.id for line_item in session.line_items]
    chosen = {"type": "shipping", "option_id": cheapest.id, "item_ids": items}
    return await _update(session, {"selected_fulfillment_options": [chosen]}, order, client, "shipping")


async def _update(
    session: Session, body: dict[str, Any], order: Order, client: HttpProviderClient, step: str
) -> Session:
    """Update the session; if the merchant rejects the update, return the current session with the error added."""
    reply = await post(client, path_of(session.id), body, order, step)
    error = error_in(reply)
    if error is None:
        return session_in(reply)
    current = await retrieve(session.id, client)
    message = Message(type="error", code=error.code, content=error.message)
    return current.model_copy(update={"messages": (message, *current.messages)})


async def close(session_id: str, order: Order, client: HttpProviderClient, step: str, body: dict[str, Any]) -> Answer:
    """Cancel a session so that it cannot become an order; if it did already (405), return the order's state."""
    reply = await post(client, f"{path_of(session_id)}/cancel", body, order, step)
    if reply.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return read_session(await retrieve(session_id, client), order)
    if error := error_in(reply):
        raise UnknownOutcomeError(f"the checkout was not cancelled: {error.code}")
    return read_session(session_in(reply), order)


async def give_up(session: Session, order: Order, client: HttpProviderClient, reason: str) -> Answer:
    """Close a session that cannot be completed. The order is refused only once the session is closed."""
    answer = await close(session.id, order, client, "close", GIVEN_UP)
    no_order = answer.status in (UpdateStatus.NOT_FOUND, UpdateStatus.CANCELLED)
    return Answer(UpdateStatus.REFUSED, reason=reason) if no_order else answer


async def retrieve(session_id: str, client: HttpProviderClient) -> Session:
    reply = await client.request("GET", path_of(session_id), headers=_headers(client))
    if error := error_in(reply):
        raise UnknownOutcomeError(f"the merchant cannot find the checkout: {error.code}")
    return session_in(reply)


async def post(client: HttpProviderClient, path: str, body: dict[str, Any], order: Order, step: str) -> Reply:
    key = str(uuid5(NAMESPACE_URL, f"replenish:{order.order_id}/{step}"))
    return await client.request("POST", path, json=body, headers=_headers(client), idempotency_key=key)


def _headers(client: HttpProviderClient) -> dict[str, str]:
    key = client.secret("api_key")
    if key is not None and not (key.isascii() and key.isprintable()):
        raise RetryLaterError(f"{client.provider_id} is not called: its api_key is not printable ASCII")
    return {
        **({} if key is None else {"Authorization": f"Bearer {key}"}),
        "API-Version": API_VERSION,
        "Request-Id": str(uuid4()),
        "Accept-Language": client.account.get("locale", "en-US"),
    }


def path_of(session_id: str) -> str:
    return f"/checkout_sessions/{quote(session_id, safe='')}"


def session_in(reply: Reply) -> Session:
    try:
        return read(Session, reply.body)
    except UnreadableAnswerError as error:
        raise UnreadableResponseError(f"the response is invalid: {error}") from error


def error_in(reply: Reply) -> ErrorBody | None:
    """Parse an error response; None for a success.

    Raises RetryLaterError for temporary errors, UnreadableResponseError for a body that is not in ACP's format.
    """
    if reply.status < HTTPStatus.BAD_REQUEST:
        return None
    error = read_or_none(ErrorBody, reply.body)
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RetryLaterError(f"the merchant rejected our credentials: {error.code if error else reply.status}")
    if error is None:
        raise UnreadableResponseError(f"the response was {reply.status} without an error code")
    if error.code == "idempotency_in_flight":
        raise RetryLaterError("the same request is still in progress", after_seconds=retry_after(reply.headers, 1.0))
    return error
