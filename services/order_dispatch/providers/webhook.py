"""Webhook protocol: orders as signed HTTPS requests to the provider's server; results in responses or callbacks.

    POST   {url}/orders                    places an order, with its single-use token
    POST   {url}/orders/{order_id}/cancel  cancels an order, even one not received yet
    GET    {url}/orders/{order_id}         returns the order

Every response is an OrderStatus (below). Only 404 with `{"code": "no_such_order"}` means that the order
was never accepted; after a cancel it also guarantees that it never will be. A callback is an object of `type`
`order.updated` (one step) or `order.snapshot` (the current state) with an OrderStatus as its `data`.

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
    """The `data` of a callback."""

    update_id: Name | None = None
    occurred_at: Moment | None = None


class Callback(ProviderMessage):
    type: Literal["order.updated", "order.snapshot"]
    data: CallbackData


class ErrorBody(ProviderMessage):
    """Body of a 4xx response."""

    code: Name
    detail: FreeText | None = None


def check_account(account: Mapping[str, Any]) -> None:
    scheme_of(account)  # raises ValueError for an unknown signature scheme


async def submit(order: Order, ship_to: ShipTo, client: HttpProviderClient) -> Answer:
    """Place the order. Repetitions send an identical request, token included."""
    reply = await client.request_signed(
        "POST", "/orders", await _order_request(order, ship_to, client), f"{order.order_id}-deliver"
    )
    if reply.status < HTTPStatus.BAD_REQUEST:
        return _parse_status(order, reply)
    error = _parse_error(reply)
    if error.code == "idempotency_conflict":  # the provider has the order, from a request made before a change
        return await status(order, client)
    return Answer(UpdateStatus.REFUSED, reason=error.detail or error.code)


async def cancel(order: Order, client: HttpProviderClient) -> Answer:
    """Cancel the order; if the provider has not received it yet, it will reject it later."""
    reason = order.cancellation.reason if order.cancellation else ""
    body = {"type": "order.cancel", "order_id": order.order_id, "reason": reason}
    reply = await client.request_signed("POST", f"{_path(order)}/cancel", body, f"{order.order_id}-cancel")
    return _parse_any_status(order, reply)


async def status(order: Order, client: HttpProviderClient) -> Answer:
    """Request the order's state.

    A cancelled order that is not found is cancelled once more, so that the provider cannot accept a late submit.
    """
    answer = _parse_any_status(order, await client.request("GET", _path(order)))
    if answer.status is UpdateStatus.NOT_FOUND and order.cancellation is not None:
        return await cancel(order, client)
    return answer


def subject(body: bytes) -> CallbackSubject:
    return CallbackSubject(order_id=parse(Callback, body).data.order_id)


def parse_callback(body: bytes, order: Order) -> CallbackContent:  # noqa: ARG001  # other protocols count in packs
    callback = parse(Callback, body)
    data = callback.data
    # A snapshot is no step of its own, so its update id is ignored and the callback's id used instead.
    update_id = data.update_id if callback.type == "order.updated" else None
    return CallbackContent(_answer(data), update_id, data.occurred_at)


async def _order_request(order: Order, ship_to: ShipTo, client: HttpProviderClient) -> dict[str, Any]:
    token = await client.issue_token(order, ship_to)
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
        # A test order: processed as usual, but neither charged nor shipped.
        "test": order.test,
        "ship_to": ship_to.model_dump(exclude_none=True),
        "token": {
            "token": token.token,
            "max_amount": token.max_amount,
            "currency": token.currency,
            "expires_at": token.expires_at,
            "ship_to_sha256": ship_to_digest(ship_to),
        },
    }


def _path(order: Order) -> str:
    return f"/orders/{quote(order.order_id, safe='')}"


def _parse_any_status(order: Order, reply: Reply) -> Answer:
    """Parse a success, or an error with an OrderStatus as its body.

    Of the other errors only `no_such_order` is conclusive; raises UnknownOutcomeError for the rest.
    """
    if reply.status < HTTPStatus.BAD_REQUEST or parse_or_none(OrderStatus, reply.body):
        return _parse_status(order, reply)
    error = _parse_error(reply)
    if reply.status == HTTPStatus.NOT_FOUND and error.code == "no_such_order":
        return Answer(UpdateStatus.NOT_FOUND)
    raise UnknownOutcomeError(f"the response was {reply.status} {error.code}")


def _parse_status(order: Order, reply: Reply) -> Answer:
    try:
        found = parse(OrderStatus, reply.body)
    except UnreadableAnswerError as error:
        raise UnknownOutcomeError(f"the response is invalid: {error}") from error
    if found.order_id != order.order_id:
        raise UnknownOutcomeError(f"the response is for another order: {found.order_id}")
    return _answer(found)


def _answer(status: OrderStatus) -> Answer:
    return Answer(
        STATUSES[status.status],
        reason=status.reason,
        expected_at=status.expected_at,
        quantity=status.quantity,
        tracking=status.tracking,
        reference=status.reference,
        product_id=status.product_id,
        price=status.amount,
        currency=status.currency.upper() if status.currency else None,
    )


def _parse_error(reply: Reply) -> ErrorBody:
    """Parse an error response.

    Raises RetryLaterError for temporary errors, UnknownOutcomeError for a body that is not in our format.
    """
    error = parse_or_none(ErrorBody, reply.body)
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RetryLaterError(f"the provider rejected our credentials: {error.code if error else reply.status}")
    if error is None:
        raise UnknownOutcomeError(f"the response was {reply.status} without an error code")
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
