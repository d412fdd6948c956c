"""Agentic Commerce Protocol, version 2026-04-17: an order is a checkout session, completed with a delegated token.

A session is created without the address, so that a repeated create is an identical request; address and shipping
option follow in an update, and the token in `complete`, which places the order. The session id is stored before
anything is ordered: order events refer to it, and retrieval needs it.

ACP can cancel a session but not an order: after completion the merchant responds with 405, and the order continues.
A checkout is accepted or refused as a whole. Its order is always reported completely, with the ordered, current and
fulfilled packs of each line, so the merchant can send lines in parts and drop a line, which cancels it.
`account` may contain `handler_id` (of the payment handler), `locale`, and `signature` (`hmac`, which is ACP's
Merchant-Signature and the default, or `standard`); the secrets are `api_key`, and `callback` for order events.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from libs.http_client.signatures import Scheme, scheme_of
from libs.kit import RejectedError
from replenish_contracts.events import ShipTo, UpdateStatus
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.acp.checkout import (
    GIVEN_UP,
    MissingSessionError,
    address,
    close,
    create,
    error_in,
    give_up,
    path_of,
    post,
    retrieve,
    session_id_of,
    session_in,
)
from services.order_dispatch.providers.acp.messages import EventSubject, OrderEvent
from services.order_dispatch.providers.acp.translation import obstacle, read_session, read_snapshot, state_of
from services.order_dispatch.providers.acp.words import SessionState
from services.order_dispatch.providers.client import HttpProviderClient
from services.order_dispatch.providers.parsing import read
from services.order_dispatch.providers.protocol import (
    Answer,
    CallbackContent,
    Callbacks,
    CallbackSubject,
    HttpTransport,
    LineSupport,
    ProviderProtocol,
)

#: A session in one of them is left as it is.
_WITHOUT_RESULT = (SessionState.WORKING, SessionState.APPROVAL, SessionState.UNKNOWN)


def check_account(account: Mapping[str, Any]) -> None:
    scheme_of(account, Scheme.HMAC)
    for name in ("handler_id", "locale"):
        value = account.get(name, name)
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"{name} must be printable ASCII text")


async def submit(order: Order, ship_to: ShipTo, client: HttpProviderClient) -> Answer:
    """Create, address and complete a session. Every step is an identical request when repeated."""
    try:
        session = await create(order, client)
    except MissingSessionError as error:
        return Answer(UpdateStatus.REFUSED, reason=str(error))
    if state_of(session) in (SessionState.OPEN, SessionState.READY):
        session = await address(session, order, ship_to, client)
    if session.order is not None or state_of(session) in _WITHOUT_RESULT:
        return read_session(session, order)
    if reason := obstacle(session, order):
        return await give_up(session, order, client, reason)
    token = await client.issue_token(order, ship_to)
    payment = {
        "handler_id": client.account.get("handler_id", "replenish"),
        "instrument": {"type": "delegated", "credential": {"type": "spt", "token": token.token}},
    }
    reply = await post(client, f"{path_of(session.id)}/complete", {"payment_data": payment}, order, "complete")
    rejection = error_in(reply)
    if rejection is None:
        return read_session(session_in(reply), order)
    return await give_up(session, order, client, rejection.message or rejection.code)


async def cancel(order: Order, client: HttpProviderClient) -> Answer:
    """Cancel the session; if it is completed already, return the state of its order.

    Raises RejectedError for single lines: a submitted order is completed at once, and then cannot be changed.
    """
    if order.lines_to_cancel:
        raise RejectedError("acp cannot cancel single lines of an order")
    reason = order.cancellation.reason if order.cancellation else ""
    trace = {"intent_trace": {"reason_code": "other", "trace_summary": reason[:500]}}
    try:
        return await close(await session_id_of(order, client), order, client, "cancel", trace)
    except MissingSessionError:
        return Answer(UpdateStatus.NOT_FOUND)


async def status(order: Order, client: HttpProviderClient) -> Answer:
    try:
        session_id = await session_id_of(order, client)
    except MissingSessionError:
        return Answer(UpdateStatus.NOT_FOUND)
    session = await retrieve(session_id, client)
    answer = read_session(session, order)
    cancelled = order.cancellation is not None
    if answer.status is UpdateStatus.NOT_FOUND and state_of(session) is not SessionState.CLOSED and cancelled:
        return await close(session_id, order, client, "close", GIVEN_UP)
    return answer


def subject(body: bytes) -> CallbackSubject:
    return CallbackSubject(reference=read(EventSubject, body).data.checkout_session_id)


def parse_callback(body: bytes, order: Order) -> CallbackContent:
    event = read(OrderEvent, body)
    answer = read_snapshot(event.data, order)
    notes = (note.model_copy(update={"field": note.field.removeprefix("data.")}) for note in event.dropped)
    return CallbackContent(replace(answer, notes=(*answer.notes, *notes)))


PROTOCOL = ProviderProtocol(
    name="acp",
    # Every idempotency key is derived from the order, so a submit can be repeated safely.
    transport=HttpTransport(submit, cancel, status, idempotent=True),
    lines=LineSupport(part_shipments=True, delivery_per_line=True, price_per_line=True),
    callbacks=Callbacks(subject, parse_callback, Scheme.HMAC),
    check_account=check_account,
)
