"""Why the last command was refused, kept by the browser until its page says so."""

from fastapi import Request
from fastapi.responses import Response

from libs.kit import Kit
from services.portal.api.cookies import cookie_name, is_secure
from services.portal.domain.credentials import read_sealed, seal
from services.portal.store import Session

#: As long as somebody may take to read it, or to load the page again.
KEPT_SECONDS = 60
#: As much as every browser keeps in a cookie, whatever the alphabet.
LONGEST = 300


def keep_refusal(response: Response, text: str, session: Session, kit: Kit) -> None:
    """Let this browser bring the reason along when it comes back; a link cannot put other words in its place."""
    response.set_cookie(
        _cookie(kit),
        seal(text[:LONGEST], session.csrf),
        max_age=KEPT_SECONDS,
        path="/",
        secure=is_secure(kit),
        httponly=True,
        samesite="lax",
    )


def find_refusal(request: Request, session: Session, kit: Kit) -> str | None:
    """Return the reason that this session was given a moment ago."""
    return read_sealed(request.cookies.get(_cookie(kit), ""), session.csrf)


def _cookie(kit: Kit) -> str:
    return f"{cookie_name(kit)}-refusal"
