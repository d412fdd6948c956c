"""Pages behind the links in mails about orders; GET changes nothing, so link scanners are harmless."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from libs.kit import Kit
from services.portal.api import service_calls
from services.portal.api.cookies import page
from services.portal.api.dependencies import KitDep
from services.portal.api.forms import FormRoute
from services.portal.domain import claims
from services.portal.pages import render

router = APIRouter(include_in_schema=False, route_class=FormRoute)

Text = Annotated[str, Form(max_length=200)]
#: Per answer: page title, button label and confirmation.
CLOSED = "This request is closed"
STEPS = {
    "acknowledge": ("Accept this order?", "Accept order", "You accepted the order."),
    "ship": (
        "Is the order sent or ready for pickup?",
        "Yes",
        "The order is marked as sent or ready for pickup.",
    ),
    "refuse": ("Decline this order?", "Decline order", "You declined the order. Please do not send it."),
    "deliver": ("Has the order arrived?", "Yes, it has arrived", "The order is marked as delivered."),
    "ordered": ("Did you place this order?", "Yes, I ordered it", "Thank you. We've marked it as ordered."),
    "not_yet": ("Not ordered yet?", "Remind me later", "We'll remind you later."),
    "no": ("Skip this order?", "Skip this order", "You skipped this order."),
    "arrived": ("Has your order arrived?", "Yes, it has arrived", "Thank you. We've marked it as delivered."),
}


@router.get("/answer/{token}")
async def show_answer(token: str, kit: KitDep) -> HTMLResponse:
    """Show the order and a button that submits the link's answer."""
    status, found = await _request(kit, "GET", token)
    if status != service_calls.OK:
        return _error_page(status, found)
    title, button, done = STEPS[found["step"]]
    values: dict[str, Any] = {"about": found, "token": token, "title": title, "button": button, "ship_to": None}
    if found["refusal"]:
        return page(render("answer.html", **values | {"title": CLOSED, "message": found["refusal"]}), 409)
    if found["done"]:
        return page(render("answer.html", **values | {"title": CLOSED}, message=done))
    return page(render("answer.html", **values, message=None))


@router.post("/answer/{token}")
async def give_answer(token: str, kit: KitDep, tracking: Text = "", reason: Text = "") -> HTMLResponse:
    """Submit the link's answer; repeating it is harmless."""
    status, found = await _request(
        kit, "POST", token, {"tracking": tracking.strip() or None, "reason": reason.strip() or None}
    )
    if status != service_calls.OK:
        return _error_page(status, found)
    _, button, done = STEPS[found["step"]]
    html = render(
        "answer.html",
        about=found,
        token=token,
        title=done,
        button=button,
        message="Thank you.",
        ship_to=found["ship_to"],
    )
    return page(html)


def _error_page(status: int, found: Any) -> HTMLResponse:
    if status >= service_calls.SERVER_ERRORS:
        return page(
            render(
                "sorry.html",
                title="Please try again in a few minutes",
                text="We could not process your request. You can safely try again.",
            ),
            503,
        )
    problem = found if isinstance(found, dict) else {}
    title, text = str(problem.get("title", "This link does not work")), str(problem.get("detail", ""))
    return page(render("sorry.html", title=title, text=text), status)


async def _request(kit: Kit, method: str, token: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    if not token.replace("-", "").replace("_", "").replace(".", "").isalnum() or not token.isascii():
        return 404, {"title": "This link is incomplete or not valid"}
    url = f"{kit.settings.order_dispatch_url}/v1/answers/{token}"
    try:
        return await service_calls.call(kit, claims.service("portal"), method, url, body)
    except service_calls.UnavailableError:
        return 503, None
