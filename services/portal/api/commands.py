"""What a customer does on the page, carried out by the services that own it."""

from collections.abc import Coroutine
from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel

from libs.kit import Kit
from libs.kit.problems import Problem
from libs.kit.web import KitDep
from services.portal.api import neighbours
from services.portal.api.cookies import PAGE_HEADERS, SessionDep, check_csrf
from services.portal.api.refusals import keep_refusal
from services.portal.store import Session

LARGEST_FORM_BYTES = 16_384
SAID = {
    "ordered": "Thank you. It counts as ordered.",
    "not_yet": "Then we ask again later.",
    "no": "Then it is not ordered.",
    "arrived": "Thank you. It counts as arrived.",
}


async def check_size(request: Request) -> None:
    """Refuse a form that is larger than any of ours before it is read."""
    said = request.headers.get("content-length", "")
    if not said.isdigit() or int(said) > LARGEST_FORM_BYTES:
        raise Problem(413, "body_too_large", "The form is too large", headers={"Connection": "close"})


router = APIRouter(prefix="/page", include_in_schema=False, dependencies=[Depends(check_size)])

Field = Annotated[str, Form(max_length=200)]
FormDate = Annotated[date, Form()]


class LevelForm(BaseModel):
    """What somebody saw in a slot."""

    device_id: str
    slot: str
    level: str
    unit: str
    csrf: str


@router.post("/level")
async def correct_level(
    request: Request, kit: KitDep, session: SessionDep, form: Annotated[LevelForm, Form()]
) -> Response:
    """Say what is in a slot, as somebody who looked."""
    check_csrf(session, form.csrf)
    report = {
        "type": "SlotMeasured",
        "device_id": form.device_id,
        "slot": form.slot,
        "level": form.level.strip().replace(",", "."),
        "unit": form.unit,
        "by": "person",
    }
    doing = neighbours.report(kit, session.customer_id, report)
    return await _do(kit, request, session, doing, "Thank you. The level is set right in a moment.")


@router.post("/refilled")
async def refilled(
    request: Request, kit: KitDep, session: SessionDep, device_id: Field, slot: Field, csrf: Field
) -> Response:
    """Say that a slot is full again."""
    check_csrf(session, csrf)
    report = {"type": "SlotRefilled", "device_id": device_id, "slot": slot, "by": "person"}
    doing = neighbours.report(kit, session.customer_id, report)
    return await _do(kit, request, session, doing, "Thank you. It counts as full in a moment.")


@router.post("/orders/cancel")
async def cancel(request: Request, kit: KitDep, session: SessionDep, order_id: Field, csrf: Field) -> Response:
    """Stop an order that has not been shipped."""
    check_csrf(session, csrf)
    doing = neighbours.cancel_order(kit, session.customer_id, order_id)
    return await _do(kit, request, session, doing, "The order is being cancelled.")


@router.post("/orders/said/{said}")
async def say_about_order(
    said: str, request: Request, kit: KitDep, session: SessionDep, order_id: Field, csrf: Field
) -> Response:
    """Say whether an order was placed that the customer places themselves, or that it came."""
    done = SAID.get(said)
    if done is None:
        raise Problem(404, "not_found", "There is no such command")
    check_csrf(session, csrf)
    doing = neighbours.say_about_order(kit, session.customer_id, order_id, said)
    return await _do(kit, request, session, doing, done)


@router.post("/orders/{answer}")
async def answer_proposal(
    answer: str, request: Request, kit: KitDep, session: SessionDep, order_id: Field, csrf: Field
) -> Response:
    """Say yes or no to a proposed order."""
    if answer not in {"approve", "decline"}:
        raise Problem(404, "not_found", "There is no such command")
    check_csrf(session, csrf)
    doing = neighbours.answer_proposal(kit, session.customer_id, order_id, answer)
    done = "It is being ordered." if answer == "approve" else "Then we do not order it."
    return await _do(kit, request, session, doing, done)


@router.post("/subscriptions/{wish}")
async def pause_or_resume(
    wish: str, request: Request, kit: KitDep, session: SessionDep, subscription_id: Field, csrf: Field
) -> Response:
    """Pause reordering, or go on with it."""
    status = {"pause": "paused", "resume": "active"}.get(wish)
    if status is None:
        raise Problem(404, "not_found", "There is no such command")
    check_csrf(session, csrf)
    doing = neighbours.set_subscription(kit, session.customer_id, subscription_id, status)
    done = "Reordering is paused." if wish == "pause" else "Reordering goes on."
    return await _do(kit, request, session, doing, done)


@router.post("/holiday")
async def go_away(
    request: Request, kit: KitDep, session: SessionDep, leaves: FormDate, returns: FormDate, csrf: Field
) -> Response:
    """Be away from the morning of one day to the morning of another, where the customer lives."""
    check_csrf(session, csrf)
    async with kit.read() as store:
        customer = await store.find_customer(session.customer_id)
    zone = ZoneInfo(customer.time_zone if customer else "UTC")
    start, end = (datetime.combine(day, time.min, zone) for day in (leaves, returns))
    doing = neighbours.set_holiday(kit, session.customer_id, start, end)
    return await _do(kit, request, session, doing, "Have a good time. Nothing comes while you are away.")


@router.post("/holiday/end")
async def come_back(request: Request, kit: KitDep, session: SessionDep, csrf: Field) -> Response:
    """Go on as ever, from now."""
    check_csrf(session, csrf)
    doing = neighbours.end_holiday(kit, session.customer_id)
    return await _do(kit, request, session, doing, "Welcome back. Everything goes on.")


async def _do(kit: Kit, request: Request, session: Session, doing: Coroutine[Any, Any, None], done: str) -> Response:
    """Carry out a command and say how it went: to scripts in JSON, to plain forms by going back to the page."""
    refusal = ""
    try:
        await doing
    except neighbours.Refused as refused:
        refusal = str(refused)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"ok": not refusal, "message": refusal or done}, headers=PAGE_HEADERS)
    response = RedirectResponse(f"/?said={'failed' if refusal else 'done'}", 303, headers=PAGE_HEADERS)
    if refusal:
        keep_refusal(response, refusal, session, kit)
    return response
