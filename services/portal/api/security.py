"""The portal's own keys, and how long somebody with wrong ones must wait."""

import json
import logging
from functools import cached_property
from hmac import compare_digest
from time import monotonic, time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from fastapi import Request

from libs.kit import Kit
from libs.kit.identity import Principal, Verifier
from libs.kit.problems import Problem
from services.portal.domain import claims
from services.portal.domain.attempts import Attempts
from services.portal.settings import Settings

if TYPE_CHECKING:
    from services.portal.store.keys import KeyRing

LOG = logging.getLogger(__name__)


class Security:
    """Signs tokens and knows who may have one."""

    def __init__(self, settings: Settings) -> None:
        if settings.signing_key_file is None:
            LOG.warning("no SIGNING_KEY_FILE: tokens end with this process, and other replicas sign with other keys")
        self._settings = settings
        self._attempts = Attempts(settings.wrong_keys_per_minute)

    @cached_property
    def ring(self) -> "KeyRing":
        """Return the keys, read or made when they are first needed: their libraries take 9 MB."""
        from services.portal.store.keys import KeyRing  # noqa: PLC0415  # see above

        return KeyRing(self._settings.signing_key_file)

    def token(self, bearer: claims.Bearer) -> dict[str, str | int]:
        """Return a signed token as RFC 6749 writes it."""
        seconds = self._settings.token_seconds
        signed = self.ring.sign(claims.claims(bearer, int(time()), seconds))
        return {"access_token": signed, "token_type": "Bearer", "expires_in": seconds}

    def is_operator(self, key: str) -> bool:
        expected = self._settings.operator_key.get_secret_value()
        return bool(expected) and _same(key, expected)

    def is_service(self, name: str, key: str) -> bool:
        keys = self._service_keys().get(name, [])
        return any(_same(key, expected) for expected in ([keys] if isinstance(keys, str) else keys) if expected)

    def _service_keys(self) -> dict[str, str | list[str]]:
        """Read the file each time: keys are changed by writing it, and tokens are fetched once an hour."""
        path = self._settings.service_keys_file
        try:
            keys: dict[str, str | list[str]] = json.loads(path.read_text()) if path else {}
        except ValueError:  # it is being written
            raise Problem(503, "unavailable", "Try again shortly", headers={"Retry-After": "2"}) from None
        return keys

    def check_patience(self, request: Request, name: str) -> None:
        """Raise 429 for an address that was wrong about this name too often in the last minute."""
        wait = self._attempts.wait(_attempt(request, name), monotonic())
        if wait:
            seconds = str(int(wait) + 1)
            raise Problem(
                429,
                "too_many_attempts",
                "Too many wrong keys",
                detail=f"try again in {seconds} s",
                headers={"Retry-After": seconds},
            )

    def note_failure(self, request: Request, name: str) -> None:
        self._attempts.fail(_attempt(request, name), monotonic())


class OwnVerifier(Verifier):
    """Verifies with the keys at hand instead of asking ourselves over HTTP."""

    def __init__(self, security: Security) -> None:
        self._security = security

    async def verify(self, token: str) -> Principal:
        from libs.kit.tokens import read_claims  # noqa: PLC0415  # comes with the keys

        self._security.ring.look()
        return read_claims(token, self._security.ring.verifying)


_SECURITY: WeakKeyDictionary[Kit, Security] = WeakKeyDictionary()


async def set_up_security(kit: Kit) -> None:
    """Know who may have a token before anybody asks, and verify our own tokens ourselves."""
    assert isinstance(kit.settings, Settings)  # noqa: S101  # service.py names this class
    security = _SECURITY[kit] = Security(kit.settings)
    kit.verifier = OwnVerifier(security)


def security_of(kit: Kit) -> Security:
    return _SECURITY[kit]


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode(), other.encode())


def _attempt(request: Request, name: str) -> str:
    """Return what is counted: one service with a wrong key must not lock the others of its machine out."""
    return f"{request.client.host if request.client else ''}\n{name}"
