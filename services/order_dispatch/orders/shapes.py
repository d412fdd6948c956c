"""JSON shapes of orders."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

from asyncpg import Record
from pydantic import Field

from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.units import InvalidAmountError, parse_quantity
from services.order_dispatch.domain.lines import OrderLine
from services.order_dispatch.domain.order import Order, Shipment
from services.order_dispatch.providers.shapes import Amount, Body, Short, money, quantity

LineId = Annotated[str, Field(min_length=1, max_length=100, pattern=NO_NUL)]


class ReasonBody(Body):
    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""


class CancelBody(ReasonBody):
    """Reason of a cancellation, and the lines to cancel; empty for all."""

    line_ids: Annotated[tuple[LineId, ...], Field(max_length=1000)] = ()


class LineBody(Body):
    #: May be missing for an order of one line.
    line_id: LineId | None = None


class ModifyBody(LineBody):
    """The new number of packs of a line."""

    packs: Annotated[int, Field(ge=1, le=10**6)]


class ReceivedBody(LineBody):
    """Received quantity of a line; the unit defaults to the line's."""

    quantity: Amount
    unit: Short | None = None


class ReturnBody(ReceivedBody):
    """Returned quantity and reason."""

    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""


def show_order(order: Order) -> dict[str, Any]:
    """Return an order for the API."""
    lines = [show_line(line, order.currency) for line in order.lines]
    only = lines[0] if len(lines) == 1 else {}
    return {
        "order_id": order.order_id,
        "customer_id": order.customer_id,
        "provider_id": order.provider_id,
        "drafted_at": order.drafted_at,
        "needed_by": order.needed_by,
        "test": order.test,
        "state": order.state,
        "lines": lines,
        # Those of the only line; null for several.
        "product_id": only.get("product_id"),
        "pool_id": only.get("pool_id"),
        "device_id": only.get("device_id"),
        "slot": only.get("slot"),
        "packs": only.get("packs"),
        "pack_size": only.get("pack_size"),
        "quantity": only.get("quantity"),
        "receipt_id": only.get("receipt_id"),
        "shipped": only.get("shipped"),
        "counted": only.get("counted"),
        "returned": only.get("returned"),
        "substitute": only.get("substitute"),
        "reference": order.reference,
        "promised_at": order.promised_at,
        # The end of expected_date where the customer lives, if the provider promised a date without a time.
        "expected_at": order.expected_at,
        "expected_date": order.expected_date,
        "tracking": order.tracking,
        "shipments": [_show_shipment(parcel, order) for parcel in order.shipments],
        "delivered_at": order.delivered_at,
        "evidence": order.evidence,
        "cancellation": None if order.cancellation is None else asdict(order.cancellation),
        "resolve_by": order.resolve_by,
        "answer_by": order.answer_by,
        "payment_problem": order.payment_problem,
        "fraud_at": order.fraud_at,
        "fraud_cleared_at": order.fraud_cleared_at,
        "price": money(order.price, order.currency),
        "fee": money(order.fee or None, order.currency),
        # The cost reported by the provider.
        "billed": money(order.billed, order.billed_currency),
        "price_drift": _price_drift(order),
        "refunded": money(order.refunded or None, order.currency),
    }


def _show_shipment(parcel: Shipment, order: Order) -> dict[str, Any]:
    return {
        "shipment_id": parcel.shipment_id,
        "tracking": parcel.tracking,
        "arrived": parcel.arrived,
        "lines": [_show_part(order.find_line(line_id), steps) for line_id, steps in parcel.quantities],
    }


def show_line(line: OrderLine, currency: str | None) -> dict[str, Any]:
    def steps(amount: int | None) -> dict[str, str] | None:
        return None if amount is None else quantity(amount, line.unit, line.scale)

    return {
        "line_id": line.line_id,
        "product_id": line.product_id,
        "pool_id": line.pool_id,
        "device_id": line.device_id,
        "slot": line.slot,
        "packs": line.packs,
        "pack_size": steps(line.pack_size),
        "quantity": steps(line.quantity),
        "unit_price": money(line.unit_price, currency),
        "receipt_id": line.receipt_id,
        "state": line.state,
        "shipped": steps(line.shipped_quantity),
        # What is to leave later, in another parcel.
        "remaining": steps(line.remaining_quantity or None),
        # The customer's count, if lower than the shipped quantity.
        "counted": steps(line.counted_quantity),
        "returned": steps(line.returned_quantity),
        "substitute": line.substitute,
        "expected_at": line.expected_at,
        "expected_date": line.expected_date,
        # The provider reported the shipped quantity unclearly; the ordered one counts.
        "unclear": line.is_unclear,
        "delivered_at": line.delivered_at,
        "evidence": line.evidence,
        "cancellation": None if line.cancellation is None else asdict(line.cancellation),
        "refunded": money(line.refunded or None, currency),
    }


def _show_part(line: OrderLine, steps: int) -> dict[str, Any]:
    return {"line_id": line.line_id, **quantity(steps, line.unit, line.scale)}


def _price_drift(order: Order) -> dict[str, str] | None:
    if order.price is None or order.billed is None or order.billed_currency != order.currency:
        return None
    return money(order.billed - order.price, order.currency) if order.billed != order.price else None


def read_amount(body: ReceivedBody, order: Order) -> int:
    """Return the quantity in base steps of its line; raises NoSuchLineError or ProblemError 422."""
    line = order.find_line(body.line_id)
    return read_quantity(body.quantity, line, "quantity", body.unit)


def read_quantity(amount: Amount, line: OrderLine, field: str, unit: str | None = None) -> int:
    """Return a quantity in base steps of its line; raises ProblemError 422 that names the field."""
    try:
        return parse_quantity(amount, unit or line.unit.value, base=line.unit, scale=line.scale)
    except InvalidAmountError as error:
        errors = [{"field": field, "problem": error.problem, "remedy": error.remedy}]
        raise ProblemError(422, error.code, "The quantity is invalid", detail=str(error), errors=errors) from error


def show_rows(rows: Iterable[Record]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]
