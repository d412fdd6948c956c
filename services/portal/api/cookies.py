"""Session cookies, CSRF check and security headers of the pages."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from services.portal.api.dependencies import KitDep
from services.portal.domain.credentials import digest
from services.portal.settings import Settings
from services.portal.store import Session, ShopSession

#: Scripts, styles and images only from our own files; no frames, no third-party content.
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
    """Return the name of the session cookie; browsers accept `__Host-` only from this host over https."""
    return "__Host-replenish" if is_secure(kit) else "replenish"


def page(html: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, headers=PAGE_HEADERS)


def sign_in(response: Response, token: str, kit: Kit) -> None:
    set_token_cookie(response, cookie_name(kit), token, kit)


def set_token_cookie(response: Response, name: str, token: str, kit: Kit) -> None:
    """Set a session cookie that scripts cannot read."""
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
    delete_token_cookie(response, cookie_name(kit), kit)


def delete_token_cookie(response: Response, name: str, kit: Kit) -> None:
    """Delete a cookie set by `set_token_cookie`; the attributes must match."""
    response.delete_cookie(name, path="/", secure=is_secure(kit), httponly=True, samesite="lax")


async def find_session(request: Request, kit: KitDep) -> Session | None:
    token = request.cookies.get(cookie_name(kit))
    if not token:
        return None
    async with kit.read() as store:
        session: Session | None = await store.find_session(digest(token))
    return session


MaybeSession = Annotated[Session | None, Depends(find_session)]


async def get_session(session: MaybeSession) -> Session:
    if session is None:
        raise not_signed_in()
    return session


def not_signed_in() -> ProblemError:
    return ProblemError(
        401,
        "not_signed_in",
        "Please sign in",
        field="header.cookie",
        problem="the request has no valid session",
        remedy="open a new sign-in link",
    )


SessionDep = Annotated[Session, Depends(get_session)]


def check_csrf(session: Session | ShopSession, sent: str) -> None:
    """Raise 403 unless the form was served to this session."""
    if not compare_digest(session.csrf.encode(), sent.encode()):
        raise ProblemError(
            403,
            "csrf",
            "This form has expired",
            detail="reload the page and try again",
            field="csrf",
            problem="the form is not of the present session",
            remedy="reload the page and submit the form again",
        )
