"""Orders by signed HTTPS requests to a provider's own server, answered at once or by signed callbacks.

    POST   {url}/orders                    the order with its single-use token
    POST   {url}/orders/{order_id}/cancel  not to be delivered, whether it is known or not
    GET    {url}/orders/{order_id}         how it stands

Every answer is an order as in Standing below. 404 with `{"code": "no_such_order"}` is the only way to say that an
order was never taken; after a cancel it is also a promise never to take it. A callback is an object of `type`
`order.updated` (a step) or `order.snapshot` (the order as it stands now) with a Standing as its `data`.

`account.signature` is `standard` (Standard Webhooks, the default) or `hmac` (`Merchant-Signature: t=,v1=`);
the secrets are `signing` for what we send and `callback` for what comes back.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

from libs.contracts.events import ShipTo, UpdateStatus
from libs.kit import Retry
from services.order_dispatch.domain import Order
from services.order_dispatch.outward import Line, Reply, Unknown, scheme_of
from services.order_dispatch.outward.reading import (
    Count,
    Currency,
    Garbled,
    Moment,
    Name,
    Prose,
    Wording,
    find,
    read,
    retry_after,
)
from services.order_dispatch.outward.tokens import ship_to_digest
from services.order_dispatch.providers import Answer, Subject, Told

CALLS = CALLS_BACK = True
#: Asking for the same order twice is harmless: the Idempotency-Key is made from the order.
REPEATS = True

#: Their words for where an order stands, and ours.
STATUSES: dict[str, UpdateStatus | None] = {
    "pending": None,
    "resolving": UpdateStatus.RESOLVING,
    "accepted": UpdateStatus.ACCEPTED,
    "refused": UpdateStatus.REFUSED,
    "shipped": UpdateStatus.SHIPPED,
    "delivered": UpdateStatus.DELIVERED,
    "cancelled": UpdateStatus.CANCELLED,
}


class Standing(Wording):
    """An order as the provider sees it."""

    order_id: Name
    status: Literal["pending", "resolving", "accepted", "refused", "shipped", "delivered", "cancelled"]
    reference: Name | None = None
    reason: Prose | None = None
    expected_at: Moment | None = None
    #: Base steps that really left.
    quantity: Count | None = None
    tracking: Prose | None = None
    #: What is sent instead of the product that was ordered.
    product_id: Name | None = None
    #: What the whole order costs, in minor units.
    amount: Count | None = None
    currency: Currency | None = None


class News(Standing):
    """A Standing in a callback; both members are the provider's to leave out."""

    update_id: Name | None = None
    at: Moment | None = None


class Callback(Wording):
    """What a provider sends unasked."""

    type: Literal["order.updated", "order.snapshot"]
    data: News


class Mistake(Wording):
    """A 4xx answer that says what is wrong."""

    code: Name
    detail: Prose | None = None


def check_account(account: Mapping[str, Any]) -> None:
    """Raise ValueError where the account names a way to sign that nobody knows."""
    scheme_of(account)


async def deliver(order: Order, ship_to: ShipTo, line: Line) -> Answer:
    """Ask for the goods; the same request, token included, however often it is made."""
    reply = await line.signed("POST", "/orders", await _wanted(order, ship_to, line), f"{order.order_id}-deliver")
    if reply.status < HTTPStatus.BAD_REQUEST:
        return _standing(order, reply)
    mistake = _mistake(reply)
    if mistake.code == "idempotency_conflict":  # it has the order, as it was asked for before something changed
        return await status(order, line)
    return Answer(UpdateStatus.REFUSED, reason=mistake.detail or mistake.code)


async def cancel(order: Order, line: Line) -> Answer:
    """Ask not to deliver; an order the provider never got is one it will not take any more."""
    reason = order.cancellation.reason if order.cancellation else ""
    body = {"type": "order.cancel", "order_id": order.order_id, "reason": reason}
    reply = await line.signed("POST", f"{_path(order)}/cancel", body, f"{order.order_id}-cancel")
    return _settled(order, reply)


async def status(order: Order, line: Line) -> Answer:
    """Ask how an order stands; of one that is not wanted any more, `not found` is also a promise."""
    answer = _settled(order, await line.request("GET", _path(order)))
    if answer.status is UpdateStatus.NOT_FOUND and order.cancellation is not None:
        return await cancel(order, line)
    return answer


def subject(body: bytes) -> Subject:
    """Return which order a callback is about; raises Garbled."""
    return Subject(order_id=read(Callback, body).data.order_id)


def hear(body: bytes, order: Order) -> Told:  # noqa: ARG001  # other protocols count in packs
    """Return what a callback says; raises Garbled."""
    callback = read(Callback, body)
    told = callback.data
    return Told(_answer(told), told.update_id if callback.type == "order.updated" else None, told.at)


async def _wanted(order: Order, ship_to: ShipTo, line: Line) -> dict[str, Any]:
    allowance = await line.allowance(order, ship_to)
    return {
        "type": "order.requested",
        "order_id": order.order_id,
        "product_id": order.product_id,
        "packs": order.packs,
        "pack_size": order.pack_size,
        "quantity": order.quantity,
        "unit": order.unit,
        "scale": order.scale,
        "requested_at": order.drafted_at,
        "needed_by": order.needed_by,
        # A rehearsal: to be answered as ever, charged for and sent never.
        "test": order.test,
        "ship_to": ship_to.model_dump(exclude_none=True),
        "token": {
            "token": allowance.token,
            "max_amount": allowance.max_amount,
            "currency": allowance.currency,
            "expires_at": allowance.expires_at,
            "ship_to_sha256": ship_to_digest(ship_to),
        },
    }


def _path(order: Order) -> str:
    return f"/orders/{quote(order.order_id, safe='')}"


def _settled(order: Order, reply: Reply) -> Answer:
    """Read an answer that may have any status; where it is not a Standing, only one thing is clear."""
    if reply.status < HTTPStatus.BAD_REQUEST or find(Standing, reply.body):
        return _standing(order, reply)
    mistake = _mistake(reply)
    if reply.status == HTTPStatus.NOT_FOUND and mistake.code == "no_such_order":
        return Answer(UpdateStatus.NOT_FOUND)
    raise Unknown(f"the answer was {reply.status} {mistake.code}")


def _standing(order: Order, reply: Reply) -> Answer:
    try:
        standing = read(Standing, reply.body)
    except Garbled as garbled:
        raise Unknown(f"the answer was garbled: {garbled}") from garbled
    if standing.order_id != order.order_id:
        raise Unknown(f"the answer was about another order: {standing.order_id}")
    return _answer(standing)


def _answer(standing: Standing) -> Answer:
    return Answer(
        STATUSES[standing.status],
        reason=standing.reason,
        expected_at=standing.expected_at,
        quantity=standing.quantity,
        tracking=standing.tracking,
        reference=standing.reference,
        product_id=standing.product_id,
        price=standing.amount,
        currency=standing.currency.upper() if standing.currency else None,
    )


def _mistake(reply: Reply) -> Mistake:
    """Return what was wrong with our request; a mistake of the moment is tried again."""
    mistake = find(Mistake, reply.body)
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise Retry(f"the provider does not trust us: {mistake.code if mistake else reply.status}")
    if mistake is None:
        raise Unknown(f"the answer was {reply.status} without a word")
    if mistake.code == "idempotency_in_flight":
        raise Retry("the same request is still under way", after_seconds=retry_after(reply.headers, 1.0))
    return mistake
