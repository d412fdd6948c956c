"""Webhook protocol: orders as signed HTTPS requests to the provider's server; results in responses or callbacks.

    POST   {url}/orders                    places an order, with its single-use token
    POST   {url}/orders/{order_id}/cancel  cancels an order, even one not received yet
    GET    {url}/orders/{order_id}         returns the order

Every response is an OrderStatus (below). Only 404 with `{"code": "no_such_order"}` means that the order
was never accepted; after a cancel it also guarantees that it never will be. A callback is an object of `type`
`order.updated` (one step) or `order.snapshot` (the current state) with an OrderStatus as its `data`. An OrderStatus
without `lines` is about all lines of the order. A cancel request with `line_ids` is about these lines only.
Its status counts even if other members are invalid; these are left out, with notes.

`account.signature` is `standard` (Standard Webhooks, the default) or `hmac` (`Merchant-Signature: t=,v1=`);
the secrets are `signing` for our requests and `callback` for callbacks.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

from libs.http_client.exchange import Reply
from libs.http_client.signatures import scheme_of
from libs.kit import RetryLaterError
from replenish_contracts.events import ShipTo, UpdateLine, UpdateNote, UpdateStatus
from replenish_contracts.tolerant import normalize_word
from services.order_dispatch.domain.lines import OrderLine
from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.promises import promise_fields
from services.order_dispatch.providers.client import HttpProviderClient
from services.order_dispatch.providers.parsing import (
    Count,
    Currency,
    FreeText,
    Moment,
    Name,
    Promised,
    ProviderMessage,
    UnreadableAnswerError,
    UnreadableResponseError,
    Word,
    read,
    read_or_none,
    retry_after,
)
from services.order_dispatch.providers.protocol import (
    EVERY_LINE,
    Answer,
    CallbackContent,
    Callbacks,
    CallbackSubject,
    HttpTransport,
    ProviderProtocol,
)
from services.order_dispatch.providers.tokens import ship_to_digest

#: The words of this protocol, with both spellings of cancelled; None means no result yet.
STATUSES: dict[str, UpdateStatus | None] = {
    "pending": None,
    "resolving": UpdateStatus.RESOLVING,
    "accepted": UpdateStatus.ACCEPTED,
    "refused": UpdateStatus.REFUSED,
    "shipped": UpdateStatus.SHIPPED,
    "delivered": UpdateStatus.DELIVERED,
    "cancelled": UpdateStatus.CANCELLED,
    "canceled": UpdateStatus.CANCELLED,
}


def read_word(word: str) -> UpdateStatus | None:
    """Return what a word means, in any spelling; UNCLEAR for one that the protocol does not have."""
    return STATUSES.get(normalize_word(word), UpdateStatus.UNCLEAR)


class LineStatus(ProviderMessage):
    """What differs for one line; the other values are those of the order."""

    line_id: Name
    status: Word | None = None
    #: Quantity in the parcel `shipment_id`, or shipped in total without one, and what leaves later; in base steps.
    quantity: Count | None = None
    remaining: Count | None = None
    #: The product sent as a substitute.
    product_id: Name | None = None
    reason: FreeText | None = None
    #: Price of the line, in minor units.
    amount: Count | None = None


class OrderStatus(ProviderMessage):
    """State of an order at the provider."""

    #: May be missing in a response, which is about the order of the request.
    order_id: Name | None = None
    status: Word = ""
    reference: Name | None = None
    reason: FreeText | None = None
    #: A date or a time.
    expected_at: Promised | None = None
    expected_date: Promised | None = None
    #: Quantity shipped, in base steps; for an order of several lines, each line has its own.
    quantity: Count | None = None
    tracking: FreeText | None = None
    #: The product sent as a substitute.
    product_id: Name | None = None
    #: Total price of the order, in minor units.
    amount: Count | None = None
    currency: Currency | None = None
    lines: tuple[LineStatus, ...] = ()
    #: The provider's id of the parcel, for goods that leave in several.
    shipment_id: Name | None = None


class CallbackData(OrderStatus):
    """The `data` of a callback."""

    update_id: Name | None = None
    occurred_at: Moment | None = None


class Callback(ProviderMessage):
    type: Literal["order.updated", "order.snapshot"]
    data: CallbackData


class CallbackOrder(ProviderMessage):
    order_id: Name


class Subject(ProviderMessage):
    """A callback, as far as it is needed to find its order."""

    type: Literal["order.updated", "order.snapshot"]
    data: CallbackOrder


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
    """Cancel the order or lines of it; a provider that has not received the order yet will reject it later."""
    line_ids = [line.line_id for line in order.lines_to_cancel]
    body: dict[str, Any] = {"type": "order.cancel", "order_id": order.order_id, "reason": order.cancel_reason}
    key = f"{order.order_id}-cancel"
    if line_ids:
        body |= {"line_ids": line_ids}
        key += f"-{sha256(json.dumps(line_ids).encode()).hexdigest()[:16]}"  # 64 bits are enough within one order
    reply = await client.request_signed("POST", f"{_path(order)}/cancel", body, key)
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
    return CallbackSubject(order_id=read(Subject, body).data.order_id)


def parse_callback(body: bytes, order: Order) -> CallbackContent:  # noqa: ARG001  # other protocols count in packs
    callback = read(Callback, body, price="amount")
    data = callback.data
    notes = tuple(note.model_copy(update={"field": note.field.removeprefix("data.")}) for note in callback.dropped)
    # A snapshot is no step of its own, so its update id is ignored and the callback's id used instead.
    update_id = data.update_id if callback.type == "order.updated" else None
    return CallbackContent(_answer(data, notes), update_id, data.occurred_at)


async def _order_request(order: Order, ship_to: ShipTo, client: HttpProviderClient) -> dict[str, Any]:
    token = await client.issue_token(order, ship_to)
    lines = [_line_request(line) for line in order.open_lines]
    only = lines[0] if len(lines) == 1 else {}
    return {
        "type": "order.requested",
        "order_id": order.order_id,
        # The fields of the only line again, for providers that read orders of one line; several have none.
        **{name: value for name, value in only.items() if name not in ("line_id", "unit_price")},
        "lines": lines,
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


def _line_request(line: OrderLine) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "product_id": line.product_id,
        "packs": line.packs,
        "pack_size": line.pack_size,
        "quantity": line.quantity,
        "unit": line.unit,
        "scale": line.scale,
        "unit_price": line.unit_price,
    }


def _path(order: Order) -> str:
    return f"/orders/{quote(order.order_id, safe='')}"


def _parse_any_status(order: Order, reply: Reply) -> Answer:
    """Parse a success, or an error with an OrderStatus as its body.

    Of the other errors only `no_such_order` is conclusive; raises UnreadableResponseError for the rest.
    """
    if reply.status < HTTPStatus.BAD_REQUEST:
        return _parse_status(order, reply)
    found = read_or_none(OrderStatus, reply.body)
    if found is not None and found.order_id == order.order_id and normalize_word(found.status) in STATUSES:
        return _parse_status(order, reply)
    error = _parse_error(reply)
    if reply.status == HTTPStatus.NOT_FOUND and error.code == "no_such_order":
        return Answer(UpdateStatus.NOT_FOUND)
    raise UnreadableResponseError(f"the response was {reply.status} {error.code}")


def _parse_status(order: Order, reply: Reply) -> Answer:
    try:
        found = read(OrderStatus, reply.body, price="amount")
    except UnreadableAnswerError as error:
        raise UnreadableResponseError(f"the response is invalid: {error}") from error
    if found.order_id not in (None, order.order_id):
        raise UnreadableResponseError(f"the response is for another order: {found.order_id}")
    return _answer(found, found.dropped)


def _answer(status: OrderStatus, notes: tuple[UpdateNote, ...]) -> Answer:
    # A pending line has no result yet, so the answer is about the others.
    lines = [line for line in status.lines if read_word(line.status or status.status) is not None]
    results = [read_word(status.status), *(read_word(line.status) for line in lines if line.status)]
    has_result = bool(lines) or not status.lines
    result = next(filter(None, results), None) if has_result else None
    if not status.status:
        notes += (UpdateNote.about("status", None, "missing"),)
    notes += tuple(
        UpdateNote.about(f"lines.{number}.status", line.status, "not one of the known words")
        for number, line in enumerate(status.lines)
        if line.status and read_word(line.status) is UpdateStatus.UNCLEAR
    )
    return Answer(
        result,
        reason=status.reason,
        **promise_fields(status.expected_date or status.expected_at),
        quantity=status.quantity,
        tracking=status.tracking,
        reference=status.reference,
        product_id=status.product_id,
        price=status.amount,
        currency=status.currency,
        lines=tuple(_line_update(line) for line in lines),
        shipment_id=status.shipment_id,
        word=status.status or None if result is UpdateStatus.UNCLEAR else None,
        notes=notes,
    )


def _line_update(line: LineStatus) -> UpdateLine:
    return UpdateLine(
        line_id=line.line_id,
        status=read_word(line.status) if line.status else None,
        quantity=line.quantity,
        remaining=line.remaining,
        product_id=line.product_id,
        reason=line.reason,
        price=line.amount,
    )


def _parse_error(reply: Reply) -> ErrorBody:
    """Parse an error response.

    Raises RetryLaterError for temporary errors, UnreadableResponseError for a body that is not in our format.
    """
    error = read_or_none(ErrorBody, reply.body)
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RetryLaterError(f"the provider rejected our credentials: {error.code if error else reply.status}")
    if error is None:
        raise UnreadableResponseError(f"the response was {reply.status} without an error code")
    if error.code == "idempotency_in_flight":
        raise RetryLaterError("the same request is still in progress", after_seconds=retry_after(reply.headers, 1.0))
    return error


PROTOCOL = ProviderProtocol(
    name="webhook",
    # Every idempotency key is derived from the order, so a submit can be repeated safely.
    transport=HttpTransport(submit, cancel, status, idempotent=True),
    lines=EVERY_LINE,
    callbacks=Callbacks(subject, parse_callback),
    check_account=check_account,
)
