"""DRS on the wire: every call with its type and accept headers, every answer read with patience."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson

from libs.kit import Refuse
from services.order_dispatch.providers.calls import LinkedLine, Reply


class Unreadable(Exception):  # noqa: N818  # what happened
    """The answer is not what DRS says; nobody knows what was done."""


async def ask(  # noqa: PLR0913, PLR0917  # an operation has a name and two versions
    line: LinkedLine,
    method: str,
    path: str,
    operation: str,
    body: Any = None,
    version: str = "1.0",
    accept: str = "1.0",
) -> Reply:
    kind = f"com.amazon.dash.replenishment.{operation}"
    headers = {"x-amzn-type-version": f"{kind}Input@{version}", "x-amzn-accept-type": f"{kind}Result@{accept}"}
    return await line.request(method, path, json=body, headers=headers)


async def done(line: LinkedLine, method: str, path: str, operation: str, body: Any) -> None:
    reply = await ask(line, method, path, operation, body)
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise Refuse(why(reply))


def why(reply: Reply) -> str:
    said = as_object(read(reply)).get("message")
    return f"DRS answered {reply.status}: {said}"[:500] if said else f"DRS answered {reply.status}"


def read_object(reply: Reply) -> dict[str, Any]:
    said = read(reply)
    if not isinstance(said, dict):
        raise Unreadable("the answer is no JSON object")
    return said


def read(reply: Reply) -> Any:
    """Return the JSON of an answer, or nothing where it is none, or holds what no database keeps."""
    try:
        return None if b"\\u0000" in reply.body else orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


def as_object(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def as_list(said: Any) -> Sequence[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def part(name: str) -> str:
    return quote(name, safe="")


def read_moment(said: Any) -> datetime | None:
    """Return a time as it is written there, in UTC where it names no zone; nothing where it is none."""
    try:
        read = datetime.fromisoformat(said) if isinstance(said, str) else None
        return read and (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: the first and last hours of all have no UTC
        return None


def moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
