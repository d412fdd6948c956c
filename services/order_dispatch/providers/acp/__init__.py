"""Orders by the Agentic Commerce Protocol, version 2026-04-17: a checkout session, completed with a delegated token.

A session is made without the address, so that asking for it again is the same request whoever asks; the address
and the way of shipping follow in an update, the token in `complete`, which makes the order. The session's id is
written down before anything is ordered: order events name it, and retrieval needs it.

ACP can cancel a session, not an order: once completed, 405 is the answer, and the order goes on.
`account` may have `handler_id` (of the payment handler), `locale`, and `signature` (`hmac`, which is ACP's own
Merchant-Signature and the default, or `standard`); the secrets are `api_key`, and `callback` for order events.
"""

from collections.abc import Mapping
from typing import Any

from libs.contracts.events import ShipTo, UpdateStatus
from services.order_dispatch.domain import Order
from services.order_dispatch.outward import Line, Scheme, scheme_of
from services.order_dispatch.outward.reading import Garbled, read
from services.order_dispatch.providers import Answer, Subject, Told
from services.order_dispatch.providers.acp.checkout import (
    GIVEN_UP,
    NoSession,
    address,
    close,
    create,
    give_up,
    mistake_in,
    path_of,
    post,
    retrieve,
    session_id_of,
    session_in,
)
from services.order_dispatch.providers.acp.standing import CLOSED, WORKING, obstacle, snapshot_says, standing
from services.order_dispatch.providers.acp.wording import OrderEvent

CALLS = CALLS_BACK = True
#: Asking for the same order twice is harmless: every step has a key made from the order.
REPEATS = True


#: Order events carry a Merchant-Signature, unless the account says otherwise.
SIGNATURE = Scheme.HMAC


def check_account(account: Mapping[str, Any]) -> None:
    """Raise ValueError where the account is nothing to make a checkout with."""
    scheme_of(account, SIGNATURE)
    for name in ("handler_id", "locale"):
        said = account.get(name, name)
        if not isinstance(said, str) or not said.isascii() or not said.isprintable():
            raise ValueError(f"{name} must be text in plain ASCII")


async def deliver(order: Order, ship_to: ShipTo, line: Line) -> Answer:
    """Make, address and complete a session; every step is the same request however often it is made."""
    try:
        session = await create(order, line)
    except NoSession as refused:
        return Answer(UpdateStatus.REFUSED, reason=str(refused))
    if session.status not in (*CLOSED, *WORKING, "completed"):
        session = await address(session, order, ship_to, line)
    if session.order is not None or session.status in WORKING:
        return standing(session, order)
    if reason := obstacle(session, order):
        return await give_up(session, order, line, reason)
    allowance = await line.allowance(order, ship_to)
    payment = {
        "handler_id": line.account.get("handler_id", "replenish"),
        "instrument": {"type": "delegated", "credential": {"type": "spt", "token": allowance.token}},
    }
    reply = await post(line, f"{path_of(session.id)}/complete", {"payment_data": payment}, order, "complete")
    mistake = mistake_in(reply)
    if mistake is None:
        return standing(session_in(reply), order)
    return await give_up(session, order, line, mistake.message or mistake.code)


async def cancel(order: Order, line: Line) -> Answer:
    """Cancel the session; of a completed one, say how its order stands."""
    words = order.cancellation.reason if order.cancellation else ""
    trace = {"intent_trace": {"reason_code": "other", "trace_summary": words[:500]}}
    try:
        return await close(await session_id_of(order, line), order, line, "cancel", trace)
    except NoSession:
        return Answer(UpdateStatus.NOT_FOUND)


async def status(order: Order, line: Line) -> Answer:
    """Retrieve the session; one that is still open is closed if the order is not wanted any more."""
    try:
        session_id = await session_id_of(order, line)
    except NoSession:
        return Answer(UpdateStatus.NOT_FOUND)
    session = await retrieve(session_id, line)
    answer = standing(session, order)
    unwanted = order.cancellation is not None
    if answer.status is UpdateStatus.NOT_FOUND and session.status not in CLOSED and unwanted:
        return await close(session_id, order, line, "close", GIVEN_UP)
    return answer


def subject(body: bytes) -> Subject:
    """Return which order an order event is about; raises Garbled."""
    session_id = read(OrderEvent, body).data.checkout_session_id
    if session_id is None:
        raise Garbled("data.checkout_session_id: Field required")
    return Subject(reference=session_id)


def hear(body: bytes, order: Order) -> Told:
    """Return what an order event says: an order as it stands now."""
    return Told(snapshot_says(read(OrderEvent, body).data, order))
