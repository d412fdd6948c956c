"""Token signing, key checks and the rate limit for failed attempts."""

import json
import logging
from functools import cached_property
from hmac import compare_digest
from time import monotonic, time
from typing import TYPE_CHECKING

from fastapi import Request

from libs.kit import Kit
from libs.kit.http.auth import Principal, Verifier
from libs.kit.http.problems import ProblemError
from services.portal.domain import claims
from services.portal.domain.attempts import Attempts
from services.portal.settings import Settings

if TYPE_CHECKING:
    from services.portal.store.keys import KeyRing

LOG = logging.getLogger(__name__)


class Security:
    """Signs tokens and checks the keys of operators and services."""

    def __init__(self, settings: Settings) -> None:
        if settings.signing_key_file is None:
            LOG.warning("signing key file not set; tokens expire with this process and other replicas reject them")
        self._settings = settings
        self._attempts = Attempts(settings.wrong_keys_per_minute)

    @cached_property
    def key_ring(self) -> "KeyRing":
        """Signing keys, loaded lazily because their libraries take 9 MB."""
        from services.portal.store.keys import KeyRing  # noqa: PLC0415  # lazy, see docstring

        return KeyRing(self._settings.signing_key_file)

    def token(self, bearer: claims.Bearer) -> dict[str, str | int]:
        """Return a token response (RFC 6749, section 5.1)."""
        seconds = self._settings.token_seconds
        signed = self.key_ring.sign(claims.claims(bearer, int(time()), seconds))
        return {"access_token": signed, "token_type": "Bearer", "expires_in": seconds}

    def is_operator(self, key: str) -> bool:
        expected = self._settings.operator_key.get_secret_value()
        return bool(expected) and _equal(key, expected)

    def is_service(self, name: str, key: str) -> bool:
        keys = self._service_keys().get(name, [])
        return any(_equal(key, expected) for expected in ([keys] if isinstance(keys, str) else keys) if expected)

    def _service_keys(self) -> dict[str, str | list[str]]:
        """Read the key file on each call; it may be rotated, and tokens are requested once an hour."""
        path = self._settings.service_keys_file
        try:
            keys: dict[str, str | list[str]] = json.loads(path.read_text()) if path else {}
        except ValueError:  # the file is being written
            raise ProblemError(
                503,
                "unavailable",
                "Temporarily unavailable",
                headers={"Retry-After": "2"},
                problem="the keys of services are being changed",
                remedy="send the same request again in 2 s",
            ) from None
        return keys

    def check_rate_limit(self, request: Request, name: str) -> None:
        """Raise 429 if this address had too many failures for this name in the last minute."""
        wait = self._attempts.seconds_to_wait(_attempt_key(request, name), monotonic())
        if wait:
            seconds = str(int(wait) + 1)
            raise ProblemError(
                429,
                "too_many_attempts",
                "Too many wrong keys",
                detail=f"try again in {seconds} s",
                headers={"Retry-After": seconds},
                problem=f"too many attempts as {name.partition(':')[2] or name} failed within a minute",
                remedy=f"try again in {seconds} s, with the right key",
            )

    def record_failure(self, request: Request, name: str) -> None:
        self._attempts.record_failure(_attempt_key(request, name), monotonic())


class LocalVerifier(Verifier):
    """Verifies with the local keys instead of fetching them over HTTP from this process."""

    def __init__(self, security: Security) -> None:
        self._security = security

    async def verify(self, token: str) -> Principal:
        from libs.kit.http.auth import read_claims  # noqa: PLC0415  # loads the same libraries as the keys

        self._security.key_ring.reload()
        return read_claims(token, self._security.key_ring.verifying)


async def set_up_security(kit: Kit) -> None:
    """Create the security state and verify tokens with the local keys; runs before the first request."""
    assert isinstance(kit.settings, Settings)  # noqa: S101  # service.py names this class
    security = kit.state.put(Security, Security(kit.settings))
    kit.state.put(Verifier, LocalVerifier(security))


def security_of(kit: Kit) -> Security:
    return kit.state.get(Security)


def _equal(one: str, other: str) -> bool:
    return compare_digest(one.encode(), other.encode())


def _attempt_key(request: Request, name: str) -> str:
    """Key of the rate limit; includes the name so that one service does not block others on its host."""
    return f"{request.client.host if request.client else ''}\n{name}"
