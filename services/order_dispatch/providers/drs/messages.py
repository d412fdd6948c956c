"""Requests to DRS with their versioned type and accept headers, and tolerant parsing of its responses."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson

from libs.kit import RejectedError
from services.order_dispatch.providers.parsing import UnreadableResponseError
from services.order_dispatch.providers.protocol import LinkedProviderClient, Reply


async def call(  # noqa: PLR0913, PLR0917  # an operation has a name and two versions
    client: LinkedProviderClient,
    method: str,
    path: str,
    operation: str,
    body: Any = None,
    version: str = "1.0",
    accept: str = "1.0",
) -> Reply:
    kind = f"com.amazon.dash.replenishment.{operation}"
    headers = {"x-amzn-type-version": f"{kind}Input@{version}", "x-amzn-accept-type": f"{kind}Result@{accept}"}
    return await client.request(method, path, json=body, headers=headers)


async def call_or_raise(client: LinkedProviderClient, method: str, path: str, operation: str, body: Any) -> None:
    """Raises RejectedError for a 4xx response."""
    reply = await call(client, method, path, operation, body)
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise RejectedError(reason_in(reply))


def reason_in(reply: Reply) -> str:
    message = as_object(read(reply)).get("message")
    return f"DRS answered {reply.status}: {message}"[:500] if message else f"DRS answered {reply.status}"


def read_object(reply: Reply) -> dict[str, Any]:
    body = read(reply)
    if not isinstance(body, dict):
        raise UnreadableResponseError("the response is not a JSON object")
    return body


def read(reply: Reply) -> Any:
    """Return the parsed body; None if it is not JSON or contains U+0000, which Postgres cannot store."""
    try:
        return None if b"\\u0000" in reply.body else orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


def as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> Sequence[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def path_part(name: str) -> str:
    return quote(name, safe="")


def parse_time(value: Any) -> datetime | None:
    """Parse an ISO 8601 time as UTC (also without a zone); None if it is not one."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parsed and (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: UTC of years 1 and 9999 can be out of range
        return None


def format_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
