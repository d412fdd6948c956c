"""DRS on the wire: every call with its type and accept headers, every answer read with patience."""

import json
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

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
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def as_object(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def as_list(said: Any) -> Sequence[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def part(name: str) -> str:
    return quote(name, safe="")


def moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
