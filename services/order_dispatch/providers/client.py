"""HTTP client for one provider: signs requests, issues order tokens and stores the provider's order ids."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import orjson

from libs.http_client.breaker import CallLimits
from libs.http_client.client import HttpClient
from libs.http_client.exchange import Bounds, Exchange, Reply, Request
from libs.http_client.guard import Guard
from libs.http_client.signatures import MissingSignatureError, scheme_of, sign
from libs.kit import RetryLaterError
from replenish_contracts.events import ShipTo
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.metrics import CALL_METRICS
from services.order_dispatch.providers.secrets import open_secrets
from services.order_dispatch.providers.tokens import OrderToken
from services.order_dispatch.settings import Settings, settings_of

if TYPE_CHECKING:
    from libs.kit import Kit


class Endpoint(Protocol):
    """URL and settings of a provider."""

    @property
    def provider_id(self) -> str: ...

    @property
    def url(self) -> str | None: ...

    @property
    def account(self) -> Mapping[str, Any]: ...


class CallRecords(Protocol):
    """Tokens and order ids; each call commits in a transaction of its own, before the request that depends on it."""

    async def issue_token(self, order: Order, ship_to: ShipTo, secrets: Mapping[str, str]) -> OrderToken:
        """Return the order's token, which is the same on every call."""
        ...

    async def save_reference(self, provider_id: str, order_id: str, reference: str) -> None: ...

    async def find_reference(self, provider_id: str, order_id: str) -> str | None: ...


class HttpProviderClient:
    """ProviderClient for the provider's URL; calls pass the SSRF guard, circuit breaker and rate limit."""

    def __init__(self, to: Endpoint, secrets: Mapping[str, str], http: HttpClient, records: CallRecords) -> None:
        self.provider_id = to.provider_id
        self.url = (to.url or "").rstrip("/")
        self.account = to.account
        self._secrets, self._http, self._records = secrets, http, records

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

        Raises RetryLaterError if the provider did nothing (not connected, Retry-After, breaker open, rate limit
        reached), UnknownOutcomeError if it may have acted on the request.
        """
        body = orjson.dumps(json) if json is not None else content or b""
        all_headers = dict(headers or {})
        if body:
            all_headers.setdefault("Content-Type", "application/json")
        if idempotency_key is not None:
            all_headers["Idempotency-Key"] = idempotency_key
        return await self._http.call(self.provider_id, Request(method, self.url + path, all_headers, body))

    async def request_signed(self, method: str, path: str, body: dict[str, Any], message_id: str) -> Reply:
        """Send signed JSON; `message_id` is also the Idempotency-Key.

        Raises RetryLaterError as `request` does, and while there is no usable signing secret: nothing is sent unsigned.
        """
        content = orjson.dumps(body)
        try:
            headers = sign(scheme_of(self.account), self.secret("signing") or "", message_id, content, time.time())
        except (MissingSignatureError, ValueError) as error:  # ValueError: an unknown scheme
            raise RetryLaterError(f"{self.provider_id} is not called: {error}") from error
        return await self.request(method, path, content=content, headers=headers, idempotency_key=message_id)

    async def issue_token(self, order: Order, ship_to: ShipTo) -> OrderToken:
        return await self._records.issue_token(order, ship_to, self._secrets)

    async def save_reference(self, order_id: str, reference: str) -> None:
        await self._records.save_reference(self.provider_id, order_id, reference)

    async def find_reference(self, order_id: str) -> str | None:
        return await self._records.find_reference(self.provider_id, order_id)


class _DatabaseCallRecords:
    def __init__(self, kit: "Kit") -> None:
        self._kit = kit

    async def issue_token(self, order: Order, ship_to: ShipTo, secrets: Mapping[str, str]) -> OrderToken:
        async with self._kit.writing() as connection:
            token: OrderToken = await self._kit.store_in(connection).issue_token(order, ship_to, secrets)
            return token

    async def save_reference(self, provider_id: str, order_id: str, reference: str) -> None:
        async with self._kit.writing() as connection:
            await self._kit.store_in(connection).save_reference(provider_id, order_id, reference)

    async def find_reference(self, provider_id: str, order_id: str) -> str | None:
        async with self._kit.read() as store:
            reference: str | None = await store.find_reference(provider_id, order_id)
            return reference


_CALLERS: WeakKeyDictionary[Any, HttpClient] = WeakKeyDictionary()


async def open_provider_client(provider: Endpoint, kit: "Kit") -> HttpProviderClient:
    """Return a client with the provider's secrets; clients of one process share circuit breaker and rate limit."""
    return HttpProviderClient(
        provider, await secrets_of(provider.provider_id, kit), _caller_of(kit), _DatabaseCallRecords(kit)
    )


def open_bare_client(to: Endpoint, kit: "Kit") -> HttpProviderClient:
    return HttpProviderClient(to, {}, _caller_of(kit), _DatabaseCallRecords(kit))


def _caller_of(kit: "Kit") -> HttpClient:
    caller = _CALLERS.get(kit)
    if caller is None:
        caller = _CALLERS[kit] = http_client_from(settings_of(kit))
    return caller


async def secrets_of(provider_id: str, kit: "Kit") -> Mapping[str, str]:
    async with kit.read() as store:
        sealed: bytes | None = await store.find_secrets(provider_id)
    return open_secrets(provider_id, sealed, settings_of(kit))


def http_client_from(settings: Settings) -> HttpClient:
    bounds = Bounds(
        settings.connect_timeout_seconds,
        settings.call_timeout_seconds,
        settings.reply_bytes,
        settings.provider_ca_file,
    )
    limits = CallLimits(
        settings.breaker_failures, settings.breaker_open_seconds, settings.calls_per_second, settings.calls_burst
    )
    return HttpClient(Exchange(Guard(settings.allowed_private_networks), bounds), limits, CALL_METRICS)
