"""A plain line to a provider's servers, for as long as it takes to read one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from libs.kit import Kit, Retry
from services.order_dispatch.domain.links import LinkClient

#: A provider's answers about orders are small; more is a fault or an attack.
LARGEST_REPLY = 262_144
REDIRECTS = range(300, 400)


class Unanswered(Exception):  # noqa: N818  # what happened
    """Nobody knows what a call did."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class PlainLine:
    """A line to one address of a provider, without any token."""

    kit: Kit
    provider_id: str
    url: str
    account: Mapping[str, Any] = field(default_factory=dict)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Answered:
        """Send one request; raises Retry where nothing was done and Unanswered where nobody knows."""
        import httpx  # noqa: PLC0415  # 5 MB that a service without orders does not need

        sent = dict(headers or {}) | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
        call = self.kit.http.stream(method, self.url + path, json=json, content=content, headers=sent)
        try:
            async with call as answer:
                body = await _read(answer)
        except (httpx.ConnectError, httpx.ConnectTimeout) as away:
            raise Retry(f"{self.provider_id} cannot be reached: {type(away).__name__}") from away
        except httpx.HTTPError as lost:
            raise Unanswered(f"{self.provider_id} did not answer: {type(lost).__name__}") from lost
        return _judged(self.provider_id, Answered(answer.status_code, answer.headers, body))


def line_to(kit: Kit, client: LinkClient, url: str | None = None) -> PlainLine:
    """Return a line to a provider's API, or to another address of it."""
    return PlainLine(kit, client.provider_id, (url or client.api_url).rstrip("/"), client.options)


async def _read(answer: Any) -> bytes:
    read = bytearray()
    async for piece in answer.aiter_bytes():
        read += piece
        if len(read) > LARGEST_REPLY:
            raise Unanswered(f"the answer is larger than {LARGEST_REPLY} bytes")
    return bytes(read)


def _judged(provider_id: str, answer: Answered) -> Answered:
    """Return an answer that says something; raises Retry or Unanswered for one that does not."""
    if answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers):  # noqa: PLR2004
        raise Retry(f"{provider_id} asks for patience ({answer.status})")
    if answer.status >= 500 or answer.status in REDIRECTS:  # noqa: PLR2004
        raise Unanswered(f"{provider_id} answered {answer.status}")
    return answer
