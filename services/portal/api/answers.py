"""Pages behind the links in mails about orders: looking does nothing, the button answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse

from libs.kit import Kit
from libs.kit.web import KitDep
from services.portal.api import neighbours
from services.portal.api.commands import check_size
from services.portal.api.cookies import page
from services.portal.domain import claims
from services.portal.pages import render

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=200)]
#: What each answer is called on its page, on its button, and once it is given.
STEPS = {
    "acknowledge": ("Take this order?", "Yes, we take it", "You took the order."),
    "ship": ("Has it been sent, or is it ready to be picked up?", "Yes, it is", "The order counts as sent."),
    "refuse": ("Refuse this order?", "Yes, we cannot deliver it", "The order is off. Please do not send it."),
    "deliver": ("Has it arrived?", "Yes, it has", "The order counts as arrived."),
    "ordered": ("Did you order it?", "Yes, I ordered it", "Thank you. It counts as ordered."),
    "not_yet": ("Not ordered yet?", "Remind me later", "Then we ask again later."),
    "no": ("You do not want it?", "No, I do not order it", "Then it is not ordered."),
    "arrived": ("Has it arrived?", "Yes, it is here", "Thank you. It counts as arrived."),
}


@router.get("/answer/{word}")
async def show_answer(word: str, kit: KitDep) -> HTMLResponse:
    """What a link would answer, and the button that does."""
    status, found = await _ask(kit, "GET", word)
    if status != neighbours.OK:
        return _sorry(status, found)
    title, button, done = STEPS[found["step"]]
    what: dict[str, Any] = {"about": found, "word": word, "title": title, "button": button, "ship_to": None}
    if found["why_not"]:
        return page(render("answer.html", **what | {"title": "This is settled", "said": found["why_not"]}), 409)
    said = done if found["done"] else None
    return page(render("answer.html", **what | ({"title": "This is settled"} if said else {}), said=said))


@router.post("/answer/{word}", dependencies=[Depends(check_size)])
async def give_answer(word: str, kit: KitDep, tracking: Text = "", reason: Text = "") -> HTMLResponse:
    """Answer by a link; again is harmless."""
    status, found = await _ask(
        kit, "POST", word, {"tracking": tracking.strip() or None, "reason": reason.strip() or None}
    )
    if status != neighbours.OK:
        return _sorry(status, found)
    _, button, done = STEPS[found["step"]]
    html = render(
        "answer.html", about=found, word=word, title=done, button=button, said="Thank you.", ship_to=found["ship_to"]
    )
    return page(html)


def _sorry(status: int, found: Any) -> HTMLResponse:
    """Say plainly what is wrong with a link, or that nobody can look at it just now."""
    if status >= neighbours.SERVER_ERRORS:
        return page(render("sorry.html", title="Please try again shortly", text="Nothing was done."), 503)
    said = found if isinstance(found, dict) else {}
    title, text = str(said.get("title", "This link does not work")), str(said.get("detail", ""))
    return page(render("sorry.html", title=title, text=text), status)


async def _ask(kit: Kit, method: str, word: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    if not word.replace("-", "").replace("_", "").replace(".", "").isalnum() or not word.isascii():
        return 404, {"title": "This link is not one of ours, or a part of it is missing"}
    url = f"{kit.settings.order_dispatch_url}/v1/answers/{word}"
    try:
        return await neighbours.ask(kit, claims.service("portal"), method, url, body)
    except neighbours.Away:
        return 503, None
