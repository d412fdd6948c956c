"""Short-lived signed cookie with the error message of the last command."""

from fastapi import Request
from fastapi.responses import Response

from libs.kit import Kit
from services.portal.api.cookies import cookie_name, is_secure
from services.portal.domain.credentials import read_sealed, seal
from services.portal.store import Session

#: Survives a slow redirect and a reload.
MAX_AGE_SECONDS = 60
#: Characters; in UTF-8 and base64 still below the 4 kB that browsers accept.
MAX_LENGTH = 300


def save_refusal(response: Response, text: str, session: Session, kit: Kit) -> None:
    """Store the message in a cookie signed with the session's CSRF token, so that links cannot inject text."""
    response.set_cookie(
        _cookie_name(kit),
        seal(text[:MAX_LENGTH], session.csrf),
        max_age=MAX_AGE_SECONDS,
        path="/",
        secure=is_secure(kit),
        httponly=True,
        samesite="lax",
    )


def find_refusal(request: Request, session: Session, kit: Kit) -> str | None:
    return read_sealed(request.cookies.get(_cookie_name(kit), ""), session.csrf)


def _cookie_name(kit: Kit) -> str:
    return f"{cookie_name(kit)}-refusal"
