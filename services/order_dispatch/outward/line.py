"""A provider on the line: what a protocol that calls out works with."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import orjson

from libs.contracts.events import ShipTo
from libs.kit import Retry
from services.order_dispatch.domain import Order
from services.order_dispatch.outward.addresses import Guard
from services.order_dispatch.outward.breaker import Limits
from services.order_dispatch.outward.caller import Caller
from services.order_dispatch.outward.exchange import Bounds, Exchange, Reply, Request
from services.order_dispatch.outward.sealed import open_secrets
from services.order_dispatch.outward.signing import Unsigned, scheme_of, sign
from services.order_dispatch.outward.tokens import Allowance

if TYPE_CHECKING:
    from libs.kit import Kit


class Correspondent(Protocol):
    """What a provider's row says about how it is reached."""

    @property
    def provider_id(self) -> str: ...

    @property
    def url(self) -> str | None: ...

    @property
    def account(self) -> Mapping[str, Any]: ...


class Notes(Protocol):
    """What must be written down before a call, in a transaction of its own."""

    async def allowance(self, order: Order, ship_to: ShipTo, secrets: Mapping[str, str]) -> Allowance:
        """Return the order's token, the same for every call; it exists as a row before anybody hears of it."""
        ...

    async def remember(self, provider_id: str, order_id: str, reference: str) -> None:
        """Write down under what name the provider knows an order."""
        ...

    async def recall(self, provider_id: str, order_id: str) -> str | None:
        """Return that name."""
        ...


class Line:
    """One provider, reachable; every call through it is guarded and paced."""

    def __init__(self, to: Correspondent, secrets: Mapping[str, str], caller: Caller, notes: Notes) -> None:
        self.provider_id = to.provider_id
        self.url = (to.url or "").rstrip("/")
        self.account = to.account
        self._secrets, self._caller, self._notes = secrets, caller, notes

    def secret(self, name: str) -> str | None:
        """Return one of the provider's secrets, if it has it."""
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
        """Return the reply (2xx, or 4xx but 429).

        Raises Retry where the provider did nothing: not connected, told to come back, breaker or rate
        limit. Raises Unknown for everything else: it may or may not have done what was asked.
        """
        body = orjson.dumps(json) if json is not None else content or b""
        sent = dict(headers or {})
        if body:
            sent.setdefault("Content-Type", "application/json")
        if idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key
        return await self._caller.call(self.provider_id, Request(method, self.url + path, sent, body))

    async def signed(self, method: str, path: str, body: dict[str, Any], message_id: str) -> Reply:
        """Send JSON that the provider can trust; `message_id` is also its Idempotency-Key.

        Raises Retry as `request` does, and while there is nothing to sign with: nothing goes out unsigned.
        """
        content = orjson.dumps(body)
        try:
            headers = sign(scheme_of(self.account), self.secret("signing") or "", message_id, content, time.time())
        except (Unsigned, ValueError) as unable:  # the latter: a scheme that nobody knows
            raise Retry(f"{self.provider_id} is not called: {unable}") from unable
        return await self.request(method, path, content=content, headers=headers, idempotency_key=message_id)

    async def allowance(self, order: Order, ship_to: ShipTo) -> Allowance:
        """Return the order's single-use token; see Notes."""
        return await self._notes.allowance(order, ship_to, self._secrets)

    async def remember(self, order_id: str, reference: str) -> None:
        await self._notes.remember(self.provider_id, order_id, reference)

    async def recall(self, order_id: str) -> str | None:
        return await self._notes.recall(self.provider_id, order_id)


class _Written:
    """Notes in the service's own database."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit

    async def allowance(self, order: Order, ship_to: ShipTo, secrets: Mapping[str, str]) -> Allowance:
        async with self._kit.writing() as connection:
            allowed: Allowance = await self._kit.store_in(connection).issue_token(order, ship_to, secrets)
            return allowed

    async def remember(self, provider_id: str, order_id: str, reference: str) -> None:
        async with self._kit.writing() as connection:
            await self._kit.store_in(connection).save_reference(provider_id, order_id, reference)

    async def recall(self, provider_id: str, order_id: str) -> str | None:
        async with self._kit.read() as store:
            known: str | None = await store.find_reference(provider_id, order_id)
            return known


_CALLERS: WeakKeyDictionary[Any, Caller] = WeakKeyDictionary()


async def open_line(provider: Correspondent, kit: "Kit") -> Line:
    """Return a line to a provider; breaker and rate limit are those of this process."""
    return Line(provider, await secrets_of(provider.provider_id, kit), _caller_of(kit), _Written(kit))


def bare_line(to: Correspondent, kit: "Kit") -> Line:
    """Return a line that carries none of the provider's secrets."""
    return Line(to, {}, _caller_of(kit), _Written(kit))


def _caller_of(kit: "Kit") -> Caller:
    caller = _CALLERS.get(kit)
    if caller is None:
        caller = _CALLERS[kit] = caller_from(kit.settings)
    return caller


async def secrets_of(provider_id: str, kit: "Kit") -> Mapping[str, str]:
    """Return a provider's secrets by name."""
    async with kit.read() as store:
        sealed: bytes | None = await store.find_secrets(provider_id)
    return open_secrets(provider_id, sealed, kit.settings)


def caller_from(knobs: Any) -> Caller:
    """Return a caller as order_dispatch's settings describe it."""
    bounds = Bounds(
        knobs.connect_timeout_seconds, knobs.call_timeout_seconds, knobs.reply_bytes, knobs.provider_ca_file
    )
    limits = Limits(knobs.breaker_failures, knobs.breaker_open_seconds, knobs.calls_per_second, knobs.calls_burst)
    return Caller(Exchange(Guard(knobs.allowed_private_networks), bounds), limits)
