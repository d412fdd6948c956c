"""Client for one provider: signs and sends requests, issues the order token, stores the provider's order ids."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import orjson

from libs.kit import RetryLaterError
from replenish_contracts.events import ShipTo
from services.order_dispatch.domain import Order
from services.order_dispatch.outward.addresses import Guard
from services.order_dispatch.outward.breaker import Limits
from services.order_dispatch.outward.caller import Caller
from services.order_dispatch.outward.exchange import Bounds, Exchange, Reply, Request
from services.order_dispatch.outward.sealed import open_secrets
from services.order_dispatch.outward.signing import MissingSignatureError, scheme_of, sign
from services.order_dispatch.outward.tokens import Allowance

if TYPE_CHECKING:
    from libs.kit import Kit


class Correspondent(Protocol):
    """URL and settings of a provider."""

    @property
    def provider_id(self) -> str: ...

    @property
    def url(self) -> str | None: ...

    @property
    def account(self) -> Mapping[str, Any]: ...


class Notes(Protocol):
    """State that must be committed before a call, each in a transaction of its own."""

    async def allowance(self, order: Order, ship_to: ShipTo, secrets: Mapping[str, str]) -> Allowance:
        """Return the order's token, the same on every call; its row is committed before the token is sent."""
        ...

    async def remember(self, provider_id: str, order_id: str, reference: str) -> None:
        """Store the provider's id of an order."""
        ...

    async def recall(self, provider_id: str, order_id: str) -> str | None:
        """Return the provider's id of an order, if stored."""
        ...


class Line:
    """HTTP client for one provider; calls pass the SSRF guard, breaker and rate limit."""

    def __init__(self, to: Correspondent, secrets: Mapping[str, str], caller: Caller, notes: Notes) -> None:
        self.provider_id = to.provider_id
        self.url = (to.url or "").rstrip("/")
        self.account = to.account
        self._secrets, self._caller, self._notes = secrets, caller, notes

    def secret(self, name: str) -> str | None:
        return self._secrets.get(name)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Reply:
        """Send a request and return the response (2xx, or 4xx except 408 and 429).

        Raises RetryLaterError if the provider did nothing: not connected, Retry-After, breaker open or rate limit
        reached.
        Raises Unknown otherwise: the provider may have acted on the request.
        """
        body = orjson.dumps(json) if json is not None else content or b""
        all_headers = dict(headers or {})
        if body:
            all_headers.setdefault("Content-Type", "application/json")
        if idempotency_key is not None:
            all_headers["Idempotency-Key"] = idempotency_key
        return await self._caller.call(self.provider_id, Request(method, self.url + path, all_headers, body))

    async def signed(self, method: str, path: str, body: dict[str, Any], message_id: str) -> Reply:
        """Send signed JSON; `message_id` is also the Idempotency-Key.

        Raises RetryLaterError as `request` does, and while there is no usable signing secret: nothing is sent unsigned.
        """
        content = orjson.dumps(body)
        try:
            headers = sign(scheme_of(self.account), self.secret("signing") or "", message_id, content, time.time())
        except (MissingSignatureError, ValueError) as error:  # ValueError: unknown scheme
            raise RetryLaterError(f"{self.provider_id} is not called: {error}") from error
        return await self.request(method, path, content=content, headers=headers, idempotency_key=message_id)

    async def allowance(self, order: Order, ship_to: ShipTo) -> Allowance:
        return await self._notes.allowance(order, ship_to, self._secrets)

    async def remember(self, order_id: str, reference: str) -> None:
        await self._notes.remember(self.provider_id, order_id, reference)

    async def recall(self, order_id: str) -> str | None:
        return await self._notes.recall(self.provider_id, order_id)


class _DatabaseNotes:
    """Notes in the service's own database."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit

    async def allowance(self, order: Order, ship_to: ShipTo, secrets: Mapping[str, str]) -> Allowance:
        async with self._kit.writing() as connection:
            allowance: Allowance = await self._kit.store_in(connection).issue_token(order, ship_to, secrets)
            return allowance

    async def remember(self, provider_id: str, order_id: str, reference: str) -> None:
        async with self._kit.writing() as connection:
            await self._kit.store_in(connection).save_reference(provider_id, order_id, reference)

    async def recall(self, provider_id: str, order_id: str) -> str | None:
        async with self._kit.read() as store:
            reference: str | None = await store.find_reference(provider_id, order_id)
            return reference


_CALLERS: WeakKeyDictionary[Any, Caller] = WeakKeyDictionary()


async def open_line(provider: Correspondent, kit: "Kit") -> Line:
    """Return a client with the provider's secrets; breaker and rate limit are shared within this process."""
    return Line(provider, await secrets_of(provider.provider_id, kit), _caller_of(kit), _DatabaseNotes(kit))


def bare_line(to: Correspondent, kit: "Kit") -> Line:
    """Return a client without the provider's secrets."""
    return Line(to, {}, _caller_of(kit), _DatabaseNotes(kit))


def _caller_of(kit: "Kit") -> Caller:
    caller = _CALLERS.get(kit)
    if caller is None:
        caller = _CALLERS[kit] = caller_from(kit.settings)
    return caller


async def secrets_of(provider_id: str, kit: "Kit") -> Mapping[str, str]:
    async with kit.read() as store:
        sealed: bytes | None = await store.find_secrets(provider_id)
    return open_secrets(provider_id, sealed, kit.settings)


def caller_from(settings: Any) -> Caller:
    bounds = Bounds(
        settings.connect_timeout_seconds,
        settings.call_timeout_seconds,
        settings.reply_bytes,
        settings.provider_ca_file,
    )
    limits = Limits(
        settings.breaker_failures, settings.breaker_open_seconds, settings.calls_per_second, settings.calls_burst
    )
    return Caller(Exchange(Guard(settings.allowed_private_networks), bounds), limits)
