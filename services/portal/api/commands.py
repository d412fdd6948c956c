"""Commands of a customer's page, forwarded to the services that own the data."""

from collections.abc import Coroutine
from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, StringConstraints

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from services.portal.api import service_calls
from services.portal.api.cookies import PAGE_HEADERS, SessionDep, check_csrf
from services.portal.api.dependencies import KitDep
from services.portal.api.forms import FormRoute
from services.portal.api.refusals import save_refusal
from services.portal.store import Session

CONFIRMATIONS = {
    "ordered": "Thank you. We've marked it as ordered.",
    "not_yet": "We'll remind you later.",
    "no": "You skipped this order.",
    "arrived": "Thank you. We've marked it as delivered.",
}


def unknown_command() -> ProblemError:
    return ProblemError(
        404,
        "not_found",
        "Unknown command",
        field="path",
        problem="there is no such command",
        remedy="reload the page and use its buttons",
    )


router = APIRouter(prefix="/page", include_in_schema=False, route_class=FormRoute)

Field = Annotated[str, Form(max_length=200)]
Text = Annotated[str, StringConstraints(max_length=200)]
FormDate = Annotated[date, Form()]


class LevelForm(BaseModel):
    device_id: str
    slot: str
    level: str
    unit: str
    csrf: str


@router.post("/level")
async def correct_level(
    request: Request, kit: KitDep, session: SessionDep, form: Annotated[LevelForm, Form()]
) -> Response:
    check_csrf(session, form.csrf)
    report = {
        "type": "SlotMeasured",
        "device_id": form.device_id,
        "slot": form.slot,
        "level": form.level.strip().replace(",", "."),
        "unit": form.unit,
        "by": "person",
    }
    command = service_calls.report(kit, session.customer_id, report)
    return await _run_command(kit, request, session, command, "Thank you. Updating the level...")


@router.post("/refilled")
async def report_refill(
    request: Request, kit: KitDep, session: SessionDep, device_id: Field, slot: Field, csrf: Field
) -> Response:
    check_csrf(session, csrf)
    report = {"type": "SlotRefilled", "device_id": device_id, "slot": slot, "by": "person"}
    command = service_calls.report(kit, session.customer_id, report)
    return await _run_command(kit, request, session, command, "Thank you. Marking it as full...")


class LineForm(BaseModel):
    """A quantity of an order's line; `line_id` is empty if the order has only one line."""

    order_id: Text
    line_id: Text = ""
    quantity: Text
    unit: Text = ""
    csrf: Text


@router.post("/orders/cancel")
async def cancel_order(
    request: Request, kit: KitDep, session: SessionDep, order_id: Field, csrf: Field, line_id: Field = ""
) -> Response:
    """Cancel the order, or one line of it."""
    check_csrf(session, csrf)
    command = service_calls.cancel_order(kit, session.customer_id, order_id, line_id)
    return await _run_command(
        kit,
        request,
        session,
        command,
        "We're cancelling this part of the order." if line_id else "We're cancelling the order.",
    )


@router.post("/orders/received")
async def report_received(
    request: Request, kit: KitDep, session: SessionDep, form: Annotated[LineForm, Form()]
) -> Response:
    check_csrf(session, form.csrf)
    command = service_calls.report_received(kit, session.customer_id, form.order_id, _quantity_of(form))
    return await _run_command(kit, request, session, command, "Thank you. We've noted what you received.")


@router.post("/orders/return")
async def return_goods(
    request: Request, kit: KitDep, session: SessionDep, form: Annotated[LineForm, Form()]
) -> Response:
    check_csrf(session, form.csrf)
    command = service_calls.return_goods(kit, session.customer_id, form.order_id, _quantity_of(form))
    return await _run_command(kit, request, session, command, "Thank you. Your return is registered.")


def _quantity_of(form: LineForm) -> dict[str, str]:
    given = {"line_id": form.line_id, "quantity": form.quantity.strip().replace(",", "."), "unit": form.unit}
    return {name: value for name, value in given.items() if value or name == "quantity"}


@router.post("/orders/answer/{answer}")
async def report_order(
    answer: str, request: Request, kit: KitDep, session: SessionDep, order_id: Field, csrf: Field
) -> Response:
    done = CONFIRMATIONS.get(answer)
    if done is None:
        raise unknown_command()
    check_csrf(session, csrf)
    command = service_calls.report_order(kit, session.customer_id, order_id, answer)
    return await _run_command(kit, request, session, command, done)


@router.post("/orders/{answer}")
async def answer_proposal(
    answer: str, request: Request, kit: KitDep, session: SessionDep, order_id: Field, csrf: Field
) -> Response:
    if answer not in {"approve", "decline"}:
        raise unknown_command()
    check_csrf(session, csrf)
    command = service_calls.answer_proposal(kit, session.customer_id, order_id, answer)
    done = "We're placing the order." if answer == "approve" else "We won't order it this time."
    return await _run_command(kit, request, session, command, done)


@router.post("/subscriptions/{action}")
async def pause_or_resume(
    action: str, request: Request, kit: KitDep, session: SessionDep, subscription_id: Field, csrf: Field
) -> Response:
    status = {"pause": "paused", "resume": "active"}.get(action)
    if status is None:
        raise unknown_command()
    check_csrf(session, csrf)
    command = service_calls.set_subscription(kit, session.customer_id, subscription_id, status)
    done = "Automatic reordering is paused." if action == "pause" else "Automatic reordering is on again."
    return await _run_command(kit, request, session, command, done)


@router.post("/holiday")
async def start_holiday(
    request: Request, kit: KitDep, session: SessionDep, leaves: FormDate, returns: FormDate, csrf: Field
) -> Response:
    """Hold deliveries from midnight to midnight of the two dates, in the customer's time zone."""
    check_csrf(session, csrf)
    async with kit.read() as store:
        customer = await store.find_customer(session.customer_id)
    zone = ZoneInfo(customer.time_zone if customer else "UTC")
    start, end = (datetime.combine(day, time.min, zone) for day in (leaves, returns))
    command = service_calls.set_holiday(kit, session.customer_id, start, end)
    return await _run_command(
        kit, request, session, command, "Your dates are saved. We'll hold deliveries while you're away."
    )


@router.post("/holiday/end")
async def end_holiday(request: Request, kit: KitDep, session: SessionDep, csrf: Field) -> Response:
    check_csrf(session, csrf)
    command = service_calls.end_holiday(kit, session.customer_id)
    return await _run_command(kit, request, session, command, "Welcome back. Automatic reordering is on again.")


async def _run_command(
    kit: Kit, request: Request, session: Session, command: Coroutine[Any, Any, None], done: str
) -> Response:
    """Await the command and respond: JSON for scripts, a redirect to the page for plain forms."""
    refusal = ""
    try:
        await command
    except service_calls.CommandRejectedError as error:
        refusal = str(error)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"ok": not refusal, "message": refusal or done}, headers=PAGE_HEADERS)
    response = RedirectResponse(f"/?said={'failed' if refusal else 'done'}", 303, headers=PAGE_HEADERS)
    if refusal:
        save_refusal(response, refusal, session, kit)
    return response
