"""Webhook protocol: orders as signed HTTPS requests to the provider's server, answered directly or by signed callbacks.

    POST   {url}/orders                    places an order, with its single-use token
    POST   {url}/orders/{order_id}/cancel  cancels an order, even one not received yet
    GET    {url}/orders/{order_id}         returns the order

Every answer is an order in the form of Standing below. Only 404 with `{"code": "no_such_order"}` means that the order
was never accepted; after a cancel it also guarantees that it never will be. A callback is an object of `type`
`order.updated` (one step) or `order.snapshot` (the current state) with a Standing as its `data`.

`account.signature` is `standard` (Standard Webhooks, the default) or `hmac` (`Merchant-Signature: t=,v1=`);
the secrets are `signing` for our requests and `callback` for callbacks.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

from libs.http_client.exchange import Reply, UnknownOutcomeError
from libs.http_client.signatures import scheme_of
from libs.kit import RetryLaterError
from replenish_contracts.events import ShipTo, UpdateStatus
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.client import HttpProviderClient
from services.order_dispatch.providers.parsing import (
    Count,
    Currency,
    FreeText,
    Moment,
    Name,
    ProviderMessage,
    UnreadableAnswerError,
    parse,
    parse_or_none,
    retry_after,
)
from services.order_dispatch.providers.protocol import (
    Answer,
    CallbackContent,
    Callbacks,
    CallbackSubject,
    HttpTransport,
    ProviderProtocol,
)
from services.order_dispatch.providers.tokens import ship_to_digest

#: The provider's order states mapped to ours; None means no result yet.
STATUSES: dict[str, UpdateStatus | None] = {
    "pending": None,
    "resolving": UpdateStatus.RESOLVING,
    "accepted": UpdateStatus.ACCEPTED,
    "refused": UpdateStatus.REFUSED,
    "shipped": UpdateStatus.SHIPPED,
    "delivered": UpdateStatus.DELIVERED,
    "cancelled": UpdateStatus.CANCELLED,
}


class OrderStatus(ProviderMessage):
    """State of an order at the provider."""

    order_id: Name
    status: Literal["pending", "resolving", "accepted", "refused", "shipped", "delivered", "cancelled"]
    reference: Name | None = None
    reason: FreeText | None = None
    expected_at: Moment | None = None
    #: Quantity shipped, in base steps.
    quantity: Count | None = None
    tracking: FreeText | None = None
    #: The product sent as a substitute.
    product_id: Name | None = None
    #: Total price of the order, in minor units.
    amount: Count | None = None
    currency: Currency | None = None


class CallbackData(OrderStatus):
    """A OrderStatus in a callback; update id and time are optional."""

    update_id: Name | None = None
    occurred_at: Moment | None = None


class Callback(ProviderMessage):
    """A callback's envelope."""

    type: Literal["order.updated", "order.snapshot"]
    data: CallbackData


class ErrorBody(ProviderMessage):
    """Body of a 4xx answer."""

    code: Name
    detail: FreeText | None = None


def check_account(account: Mapping[str, Any]) -> None:
    """Raise ValueError for an unknown signature scheme."""
    scheme_of(account)


async def submit(order: Order, ship_to: ShipTo, line: HttpProviderClient) -> Answer:
    """Place the order. Repetitions send an identical request, token included."""
    reply = await line.signed(
        "POST", "/orders", await _order_request(order, ship_to, line), f"{order.order_id}-deliver"
    )
    if reply.status < HTTPStatus.BAD_REQUEST:
        return _parse_standing(order, reply)
    error = _parse_error(reply)
    if error.code == "idempotency_conflict":  # the provider has the order, from a request made before a change
        return await status(order, line)
    return Answer(UpdateStatus.REFUSED, reason=error.detail or error.code)


async def cancel(order: Order, line: HttpProviderClient) -> Answer:
    """Cancel the order; if the provider has not received it yet, it will reject it later."""
    reason = order.cancellation.reason if order.cancellation else ""
    body = {"type": "order.cancel", "order_id": order.order_id, "reason": reason}
    reply = await line.signed("POST", f"{_path(order)}/cancel", body, f"{order.order_id}-cancel")
    return _parse_any_status(order, reply)


async def status(order: Order, line: HttpProviderClient) -> Answer:
    """Request the order's state.

    A cancelled order that is not found is cancelled once more, so that the provider cannot accept a late submit.
    """
    answer = _parse_any_status(order, await line.request("GET", _path(order)))
    if answer.status is UpdateStatus.NOT_FOUND and order.cancellation is not None:
        return await cancel(order, line)
    return answer


def subject(body: bytes) -> CallbackSubject:
    return CallbackSubject(order_id=parse(Callback, body).data.order_id)


def parse_callback(body: bytes, order: Order) -> CallbackContent:  # noqa: ARG001  # other protocols count in packs
    callback = parse(Callback, body)
    news = callback.data
    return CallbackContent(
        _answer(news), news.update_id if callback.type == "order.updated" else None, news.occurred_at
    )


async def _order_request(order: Order, ship_to: ShipTo, line: HttpProviderClient) -> dict[str, Any]:
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
        # A test order: answered as usual, but neither charged nor shipped.
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


def _parse_any_status(order: Order, reply: Reply) -> Answer:
    """Parse an answer of any status.

    An error without a OrderStatus is only conclusive as `no_such_order`. Raises UnknownOutcomeError for any other.
    """
    if reply.status < HTTPStatus.BAD_REQUEST or parse_or_none(OrderStatus, reply.body):
        return _parse_standing(order, reply)
    error = _parse_error(reply)
    if reply.status == HTTPStatus.NOT_FOUND and error.code == "no_such_order":
        return Answer(UpdateStatus.NOT_FOUND)
    raise UnknownOutcomeError(f"the answer was {reply.status} {error.code}")


def _parse_standing(order: Order, reply: Reply) -> Answer:
    try:
        standing = parse(OrderStatus, reply.body)
    except UnreadableAnswerError as error:
        raise UnknownOutcomeError(f"the answer is invalid: {error}") from error
    if standing.order_id != order.order_id:
        raise UnknownOutcomeError(f"the answer is for another order: {standing.order_id}")
    return _answer(standing)


def _answer(standing: OrderStatus) -> Answer:
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


def _parse_error(reply: Reply) -> ErrorBody:
    """Parse an error answer.

    Raises RetryLaterError for temporary errors, Unknown for a body that is not in our format.
    """
    error = parse_or_none(ErrorBody, reply.body)
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RetryLaterError(f"the provider rejected our credentials: {error.code if error else reply.status}")
    if error is None:
        raise UnknownOutcomeError(f"the answer was {reply.status} without an error code")
    if error.code == "idempotency_in_flight":
        raise RetryLaterError("the same request is still in progress", after_seconds=retry_after(reply.headers, 1.0))
    return error


PROTOCOL = ProviderProtocol(
    name="webhook",
    # Every idempotency key is derived from the order, so a submit can be repeated safely.
    transport=HttpTransport(submit, cancel, status, idempotent=True),
    callbacks=Callbacks(subject, parse_callback),
    check_account=check_account,
)
