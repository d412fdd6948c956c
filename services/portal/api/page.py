"""The page of a customer, its parts, and signing in and out of it."""

from dataclasses import replace
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from libs.kit import Kit
from libs.kit.problems import Problem
from libs.kit.web import KitDep
from services.portal.api.cookies import (
    PAGE_HEADERS,
    MaybeSession,
    SessionDep,
    check_csrf,
    cookie_name,
    page,
    settings_of,
    sign_in,
    sign_out,
)
from services.portal.api.live import Page, live_of
from services.portal.api.neighbours import fetch_cart, fetch_reasons
from services.portal.api.refusals import find_refusal
from services.portal.domain.credentials import digest, new_token
from services.portal.pages import STATIC, Board, Household, build, render
from services.portal.store import Session

router = APIRouter(include_in_schema=False)

NO_RECEIPT = "The reason cannot be fetched just now. Please try again in a moment."


class Said(NamedTuple):
    """What became of the last command, for browsers without scripts."""

    text: str
    tone: str


FAILED = Said("That did not work. Please try again.", "low")
SAID = {
    "done": Said("Done.", "good"),
    "failed": FAILED,
    "nocart": Said("This shop's cart cannot be filled from here. Please look for the product in the shop.", "soon"),
}


@router.get("/")
async def show_page(request: Request, kit: KitDep, session: MaybeSession, said: str = "") -> HTMLResponse:
    """The signed-in customer's page, or how to sign in."""
    board = await _board(kit, session) if session else None
    if session is None or board is None:
        return _welcome(kit, "What is in the house, and what is on its way", "Levels, run-out dates and orders.")
    flash = SAID.get(said)
    if flash is FAILED:
        flash = flash._replace(text=find_refusal(request, session, kit) or flash.text)
    return page(render("home.html", board=board, csrf=session.csrf, said=flash))


@router.get("/page/board")
async def show_board(kit: KitDep, session: SessionDep) -> HTMLResponse:
    """What changes on the page."""
    board = await _board(kit, session)
    if board is None:
        raise Problem(401, "not_signed_in", "Nobody is signed in at this browser")
    return page(render("board.html", board=board, csrf=session.csrf))


@router.get("/page/orders/{order_id}/why")
async def show_why(order_id: str, request: Request, kit: KitDep, session: SessionDep) -> HTMLResponse:
    """Why an order was placed, in the words of its receipt."""
    async with kit.read() as store:
        owner = await store.find_order_owner(order_id)
    if owner != session.customer_id:
        raise Problem(404, "not_found", "There is no such order")
    sentences = await fetch_reasons(kit, session.customer_id, order_id)
    template = "why.html" if "x-fragment" in request.headers else "why_page.html"
    return page(render(template, sentences=sentences, instead=NO_RECEIPT))


@router.get("/page/orders/{order_id}/cart")
async def open_cart(order_id: str, kit: KitDep, session: SessionDep) -> Response:
    """Go to the shop's filled cart, or home where there is none."""
    cart = await fetch_cart(kit, session.customer_id, order_id)
    return RedirectResponse(cart or "/?said=nocart", 303, headers=PAGE_HEADERS)


@router.get("/live")
async def stream_changes(request: Request, kit: KitDep, session: SessionDep) -> StreamingResponse:
    """Server-sent events: `hello`, then `changed` whenever the page should look again."""
    live = live_of(kit)
    live.check_room(session.customer_id)
    opened = Page(session.customer_id, digest(request.cookies[cookie_name(kit)]))
    headers = PAGE_HEADERS | {"X-Accel-Buffering": "no"}
    return StreamingResponse(live.follow(opened), media_type="text/event-stream", headers=headers)


@router.get("/sign-in")
async def use_link(kit: KitDep, token: str = "") -> Response:
    """Use a sign-in link up: the browser is signed in from then on."""
    settings, cookie = settings_of(kit), new_token()
    async with kit.transaction() as tx:
        customer_id = await tx.store.use_sign_in_link(digest(token))
        if customer_id is not None:
            session = Session(customer_id, new_token())
            await tx.store.add_session(digest(cookie), session, settings.session_days)
    if customer_id is None:
        text = "It was used before, or it is too old. Please ask for another one."
        return _welcome(kit, "This link does not work any more", text, status=410)
    response = RedirectResponse("/", 303, headers=PAGE_HEADERS)
    sign_in(response, cookie, kit)
    return response


@router.post("/page/sign-out")
async def leave(request: Request, kit: KitDep, session: SessionDep, csrf: Annotated[str, Form()]) -> Response:
    """End this browser's session."""
    check_csrf(session, csrf)
    async with kit.transaction() as tx:
        await tx.store.end_session(digest(request.cookies[cookie_name(kit)]))
    response = RedirectResponse("/", 303, headers=PAGE_HEADERS)
    sign_out(response, kit)
    return response


@router.get("/static/{name}")
async def get_static(name: str, request: Request) -> Response:
    """A file of the page; its address changes with it, so browsers keep it."""
    found = STATIC.get(name)
    if found is None:
        raise Problem(404, "not_found", "There is no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{found.tag}"'}
    headers["X-Content-Type-Options"] = "nosniff"
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.media_type, headers=headers)


async def _board(kit: Kit, session: Session) -> Board | None:
    """Lay out the page: what events told, and over it the levels of now where they can be had."""
    async with kit.read() as store:
        customer, person = await store.find_customer(session.customer_id), await store.find_person(session.customer_id)
        if customer is None or person is None:
            return None
        devices = await store.list_devices(session.customer_id)
        known = await store.read_known(session.customer_id)
    levels = await live_of(kit).levels(session.customer_id, [device.device_id for device in devices])
    known = replace(known, told=known.told | levels)
    return build(Household(customer, person, tuple(devices), known), kit.clock.now())


def _welcome(kit: Kit, title: str, text: str, status: int = 200) -> HTMLResponse:
    settings = settings_of(kit)
    html = render(
        "welcome.html", title=title, text=text, minutes=settings.sign_in_link_minutes, days=settings.session_days
    )
    return page(html, status)
