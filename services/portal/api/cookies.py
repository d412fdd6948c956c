"""Who is signed in at a browser, and what a browser may do with our pages."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from libs.kit import Kit
from libs.kit.problems import Problem
from libs.kit.web import KitDep
from services.portal.domain.credentials import digest
from services.portal.settings import Settings
from services.portal.store import Session, ShopSession

#: No script or style but our files, no frames, nothing from anybody else.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}


def settings_of(kit: Kit) -> Settings:
    assert isinstance(kit.settings, Settings)  # noqa: S101  # service.py names this class
    return kit.settings


def is_secure(kit: Kit) -> bool:
    return settings_of(kit).public_url.startswith("https://")


def cookie_name(kit: Kit) -> str:
    """Return the cookie's name; with https the browser itself then refuses it from anybody else."""
    return "__Host-replenish" if is_secure(kit) else "replenish"


def page(html: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, headers=PAGE_HEADERS)


def sign_in(response: Response, token: str, kit: Kit) -> None:
    keep_token(response, cookie_name(kit), token, kit)


def keep_token(response: Response, name: str, token: str, kit: Kit) -> None:
    """Let this browser keep the token of its session, out of every script's reach."""
    response.set_cookie(
        name,
        token,
        max_age=settings_of(kit).session_days * 86_400,
        path="/",
        secure=is_secure(kit),
        httponly=True,
        samesite="lax",
    )


def sign_out(response: Response, kit: Kit) -> None:
    drop_token(response, cookie_name(kit), kit)


def drop_token(response: Response, name: str, kit: Kit) -> None:
    """Let this browser forget what `keep_token` gave it; only the same attributes delete it."""
    response.delete_cookie(name, path="/", secure=is_secure(kit), httponly=True, samesite="lax")


async def find_session(request: Request, kit: KitDep) -> Session | None:
    """Return who is signed in at this browser, if anybody is."""
    token = request.cookies.get(cookie_name(kit))
    if not token:
        return None
    async with kit.read() as store:
        session: Session | None = await store.find_session(digest(token))
    return session


MaybeSession = Annotated[Session | None, Depends(find_session)]


async def get_session(session: MaybeSession) -> Session:
    if session is None:
        raise Problem(401, "not_signed_in", "Nobody is signed in at this browser")
    return session


SessionDep = Annotated[Session, Depends(get_session)]


def check_csrf(session: Session | ShopSession, sent: str) -> None:
    """Raise 403 for a form that was not served to this session."""
    if not compare_digest(session.csrf.encode(), sent.encode()):
        raise Problem(403, "csrf", "The form is too old", detail="load the page again and repeat it")
