"""Page of a hosted shop: join, sign in, orders, delivery settings, products and stock; works without scripts."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from libs.kit import Kit
from libs.kit.http.idempotency import IdempotentRequest, digest_of, key_from
from libs.kit.http.problems import ProblemError
from services.portal.api import service_calls
from services.portal.api.cookies import PAGE_HEADERS, check_csrf, delete_token_cookie, page
from services.portal.api.dependencies import KitDep
from services.portal.api.forms import FormRoute
from services.portal.api.security import security_of
from services.portal.api.shop_forms import AnswerForm, OfferForm, TermsForm, answer_of, offer_of, terms_of
from services.portal.api.shop_session import MaybeShop, ShopDep, shop_cookie, sign_in_shop
from services.portal.api.shops import client_scope, join_shop
from services.portal.api.tokens import is_provider
from services.portal.domain import claims
from services.portal.domain.credentials import digest, new_token
from services.portal.pages import render

router = APIRouter(prefix="/shop", include_in_schema=False, route_class=FormRoute)

Field = Annotated[str, Form(max_length=200)]


@router.get("")
async def show_shop(kit: KitDep, session: MaybeShop) -> HTMLResponse:
    if session is None:
        return page(render("shop_welcome.html", key=None, once=new_token()))
    orders = await _fetch(kit, session.provider_id, f"/v1/providers/{quote(session.provider_id)}/orders")
    providers = await _fetch(kit, session.provider_id, "/v1/providers")
    if orders is None or providers is None:
        return page(
            render(
                "sorry.html", title="Please try again in a few minutes", text="We can't load your orders right now."
            ),
            503,
        )
    shop = next((one for one in providers["providers"] if one["provider_id"] == session.provider_id), None)
    if shop is None:
        raise ProblemError(
            404,
            "not_found",
            "Shop not found",
            problem=f"there is no shop {session.provider_id}",
            remedy="sign in with the id of a shop that exists, or join as a new one",
        )
    stock = await _fetch_available_stock(kit, session.provider_id)
    return page(render("shop.html", shop=shop, orders=orders["orders"], stock=stock, csrf=session.csrf))


@router.post("/join")
async def create_shop(request: Request, kit: KitDep, form: Annotated[TermsForm, Form()]) -> Response:
    """Create a shop and show its key once."""
    try:
        joined = await join_shop(terms_of(form) | {"name": form.name}, request, kit, _idempotency(form, request))
    except ProblemError as error:
        return _redirect_or_error(service_calls.message_of(error.body))
    if joined.key is None:
        return _redirect_or_error("This shop has already joined, and its key has been replaced since.")
    provider_id = joined.kept.body["provider_id"]
    html = render("shop_welcome.html", key=joined.key, provider_id=provider_id)
    response: Response = page(html, 201)
    await sign_in_shop(provider_id, response, kit)
    return response


def _idempotency(form: TermsForm, request: Request) -> IdempotentRequest | None:
    """Return the idempotency data of a form, so that resubmitting it does not create a second shop."""
    if not form.once:
        return None
    digest_of_form = digest_of(form.model_dump_json().encode())
    return IdempotentRequest(client_scope(request), request.url.path, key_from(form.once), digest_of_form)


@router.post("/sign-in")
async def sign_in(request: Request, kit: KitDep, provider_id: Field, provider_key: Field) -> Response:
    security, name = security_of(kit), f"provider:{provider_id}"
    security.check_rate_limit(request, name)
    if not await is_provider(provider_id, provider_key.strip(), kit):
        security.record_failure(request, name)
        return _redirect_or_error("The shop ID or key is not correct.")
    response = _redirect_or_error()
    await sign_in_shop(provider_id, response, kit)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, kit: KitDep, session: ShopDep, csrf: Field) -> Response:
    check_csrf(session, csrf)
    async with kit.transaction() as tx:
        await tx.store.end_shop_session(digest(request.cookies[shop_cookie(kit)]))
    response = _redirect_or_error()
    delete_token_cookie(response, shop_cookie(kit), kit)
    return response


@router.post("/orders/{step}")
async def answer_order(step: str, kit: KitDep, session: ShopDep, form: Annotated[AnswerForm, Form()]) -> Response:
    """Answer an order, or one line of it."""
    check_csrf(session, form.csrf)
    path = f"/v1/providers/{quote(session.provider_id)}/orders/{quote(form.order_id, safe='')}/{quote(step, safe='')}"
    return _redirect_or_error(await _send_command(kit, session.provider_id, "POST", path, answer_of(form)))


@router.get("/orders/{order_id}")
async def show_order(order_id: str, kit: KitDep, session: ShopDep) -> HTMLResponse:
    path = f"/v1/providers/{quote(session.provider_id)}/orders/{quote(order_id, safe='')}"
    order = await _fetch(kit, session.provider_id, path)
    if order is None:
        return page(
            render("sorry.html", title="Order not found", text="It may not exist, or we can't load it right now."), 404
        )
    return page(render("shop_order.html", order=order, csrf=session.csrf))


@router.post("/terms")
async def put_terms(kit: KitDep, session: ShopDep, form: Annotated[TermsForm, Form()]) -> Response:
    check_csrf(session, form.csrf)
    path = f"/v1/providers/{quote(session.provider_id)}/terms"
    return _redirect_or_error(await _send_command(kit, session.provider_id, "PUT", path, terms_of(form)))


@router.post("/offers")
async def put_offer(kit: KitDep, session: ShopDep, form: Annotated[OfferForm, Form()]) -> Response:
    check_csrf(session, form.csrf)
    path = f"/v1/providers/{quote(session.provider_id)}/offers/{quote(form.product_id.strip(), safe='')}"
    return _redirect_or_error(await _send_command(kit, session.provider_id, "PUT", path, offer_of(form)))


@router.post("/stock")
async def count_stock(
    kit: KitDep, session: ShopDep, product_id: Field, quantity: Annotated[int, Form(ge=0)], csrf: Field
) -> Response:
    """Report the total stock of a product; inventory books the difference."""
    check_csrf(session, csrf)
    path = f"/inventories/{quote(product_id, safe='')}/count"
    url = kit.settings.inventory_url
    return _redirect_or_error(await _send_command(kit, session.provider_id, "POST", path, {"quantity": quantity}, url))


def _redirect_or_error(refusal: str = "") -> Response:
    """Redirect to the shop's page, or show an error page."""
    if refusal:
        return page(render("sorry.html", title="Something went wrong", text=refusal), 409)
    return RedirectResponse("/shop", 303, headers=PAGE_HEADERS)


async def _fetch(kit: Kit, provider_id: str, path: str, url: str = "") -> Any:
    try:
        status, found = await service_calls.call(
            kit, claims.provider(provider_id), "GET", (url or kit.settings.order_dispatch_url) + path
        )
    except service_calls.UnavailableError:
        return None
    return found if status == service_calls.OK else None


async def _fetch_available_stock(kit: Kit, provider_id: str) -> dict[str, int]:
    """Return available stock per product; pages that cannot be read are omitted."""
    available: dict[str, int] = {}
    path: str | None = "/inventories?limit=200"
    while path and (found := await _fetch(kit, provider_id, path, kit.settings.inventory_url)):
        available |= {one["product_id"]: one["available"] for one in found["data"]}
        path = found["next"] and f"/inventories?limit=200&cursor={quote(found['next'], safe='')}"
    return available


async def _send_command(kit: Kit, provider_id: str, method: str, path: str, body: dict[str, Any], url: str = "") -> str:
    """Send a command with the shop's token; returns an error message or an empty string."""
    target, key = (url or kit.settings.order_dispatch_url) + path, str(uuid4())
    try:
        status, found = await service_calls.call(kit, claims.provider(provider_id), method, target, body, key)
    except service_calls.UnavailableError:
        return "We can't do this right now. Please try again in a few minutes."
    return "" if status < service_calls.CLIENT_ERRORS else service_calls.message_of(found)
