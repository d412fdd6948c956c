"""A customer's page, its fragments, sign-in and sign-out."""

from dataclasses import replace
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from services.portal.api.cookies import (
    PAGE_HEADERS,
    MaybeSession,
    SessionDep,
    check_csrf,
    cookie_name,
    not_signed_in,
    page,
    settings_of,
    sign_in,
    sign_out,
)
from services.portal.api.dependencies import KitDep
from services.portal.api.live import OpenPage, live_updates_of
from services.portal.api.refusals import find_refusal
from services.portal.api.service_calls import Reasons, fetch_cart, fetch_reasons
from services.portal.domain.credentials import digest, new_token
from services.portal.pages import STATIC, Board, Household, build_board, render
from services.portal.pages.places import Place, title_of
from services.portal.store import Session, Store

router = APIRouter(include_in_schema=False)

NO_RECEIPT = "The reason is not available right now. Please try again in a few minutes."


class Flash(NamedTuple):
    """Result of the last command, for browsers without scripts."""

    text: str
    tone: str


class ReasonSection(NamedTuple):
    """Why one line was ordered."""

    title: str
    sentences: list[str]


FAILED = Flash("Something went wrong. Please try again.", "low")
FLASHES = {
    "done": Flash("Done.", "good"),
    "failed": FAILED,
    "nocart": Flash("We can't fill the cart at this shop. Please find the product on its website.", "soon"),
}


@router.get("/")
async def show_page(request: Request, kit: KitDep, session: MaybeSession, said: str = "") -> HTMLResponse:
    board = await _board(kit, session) if session else None
    if session is None or board is None:
        return _welcome(
            kit, "Your supplies at a glance", "See what you have, when it will run out and what is on its way."
        )
    flash = FLASHES.get(said)
    if flash is FAILED:
        flash = flash._replace(text=find_refusal(request, session, kit) or flash.text)
    return page(render("home.html", board=board, csrf=session.csrf, flash=flash))


@router.get("/page/board")
async def show_board(kit: KitDep, session: SessionDep) -> HTMLResponse:
    board = await _board(kit, session)
    if board is None:
        raise not_signed_in()
    return page(render("board.html", board=board, csrf=session.csrf))


@router.get("/page/orders/{order_id}/why")
async def show_why(order_id: str, request: Request, kit: KitDep, session: SessionDep) -> HTMLResponse:
    async with kit.read() as store:
        owner = await store.find_order_owner(order_id)
        household = await _read_household(session.customer_id, store)
    if owner != session.customer_id:
        title, remedy = "Order not found", "your page lists your orders"
        raise ProblemError.of_missing("not_found", title, "order", "order_id", remedy)
    reasons = await fetch_reasons(kit, session.customer_id, order_id)
    sections = _reasons_by_line(order_id, reasons, household) if household else ()
    template = "why.html" if "x-fragment" in request.headers else "why_page.html"
    return page(render(template, sections=sections, instead=NO_RECEIPT))


@router.get("/page/orders/{order_id}/cart")
async def open_cart(order_id: str, kit: KitDep, session: SessionDep, line_id: str = "") -> Response:
    """Redirect to the shop's filled cart, or home if there is none; carts of several lines are opened one by one."""
    cart = await fetch_cart(kit, session.customer_id, order_id, line_id)
    return RedirectResponse(cart or "/?said=nocart", 303, headers=PAGE_HEADERS)


@router.get("/live")
async def stream_changes(request: Request, kit: KitDep, session: SessionDep) -> StreamingResponse:
    """Stream server-sent events: `hello`, then `changed` for each refresh, and `ended` with the session."""
    live = live_updates_of(kit)
    live.check_page_limit(session.customer_id)
    opened = OpenPage(session.customer_id, digest(request.cookies[cookie_name(kit)]))
    headers = PAGE_HEADERS | {"X-Accel-Buffering": "no"}
    return StreamingResponse(live.stream(opened), media_type="text/event-stream", headers=headers)


@router.get("/sign-in")
async def use_link(kit: KitDep, token: str = "") -> Response:
    """Redeem a sign-in link and sign the browser in."""
    settings, cookie = settings_of(kit), new_token()
    async with kit.transaction() as tx:
        customer_id = await tx.store.use_sign_in_link(digest(token))
        if customer_id is not None:
            session = Session(customer_id, new_token())
            await tx.store.add_session(digest(cookie), session, settings.session_days)
    if customer_id is None:
        text = "It has expired or was already used. Please request a new one."
        return _welcome(kit, "This sign-in link is no longer valid", text, status=410)
    response = RedirectResponse("/", 303, headers=PAGE_HEADERS)
    sign_in(response, cookie, kit)
    return response


@router.post("/page/sign-out")
async def end_session(request: Request, kit: KitDep, session: SessionDep, csrf: Annotated[str, Form()]) -> Response:
    check_csrf(session, csrf)
    async with kit.transaction() as tx:
        await tx.store.end_session(digest(request.cookies[cookie_name(kit)]))
    response = RedirectResponse("/", 303, headers=PAGE_HEADERS)
    sign_out(response, kit)
    return response


@router.get("/static/{name}")
async def get_static(name: str, request: Request) -> Response:
    """Serve a static file; immutable, because its URL contains a hash of its content."""
    found = STATIC.get(name)
    if found is None:
        title, remedy = "File not found", "reload the page, which names the present version of its files"
        raise ProblemError.of_missing("not_found", title, "file", "name", remedy)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{found.tag}"'}
    headers["X-Content-Type-Options"] = "nosniff"
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.media_type, headers=headers)


def _reasons_by_line(order_id: str, receipts: list[Reasons], household: Household) -> list[ReasonSection]:
    """Return why each line was ordered; an order with one line has one section without a title."""
    places = [Place(device, spec) for device in household.devices for spec in device.slots]
    lines = next((order.lines for order in household.view.orders if order.order_id == order_id), ())
    if len(lines) <= 1:
        return [ReasonSection("", one.sentences) for one in receipts[:1] if one.sentences]
    known = {one.receipt_id: one.sentences for one in receipts}
    return [
        ReasonSection(title_of(line.product_id, household.view, places), known.get(line.receipt_id) or [NO_RECEIPT])
        for line in lines
    ]


async def _board(kit: Kit, session: Session) -> Board | None:
    """Build the page from the read models, with live levels where available; None if the customer was erased."""
    async with kit.read() as store:
        household = await _read_household(session.customer_id, store)
    if household is None:
        return None
    levels = await live_updates_of(kit).levels(session.customer_id, [device.device_id for device in household.devices])
    view = replace(household.view, slots=household.view.slots | levels)
    return build_board(replace(household, view=view), kit.clock.now())


async def _read_household(customer_id: str, store: Store) -> Household | None:
    customer, person = await store.find_customer(customer_id), await store.find_person(customer_id)
    if customer is None or person is None:
        return None
    devices = await store.list_devices(customer_id)
    return Household(customer, person, tuple(devices), await store.read_customer_view(customer_id))


def _welcome(kit: Kit, title: str, text: str, status: int = 200) -> HTMLResponse:
    settings = settings_of(kit)
    html = render(
        "welcome.html", title=title, text=text, minutes=settings.sign_in_link_minutes, days=settings.session_days
    )
    return page(html, status)
