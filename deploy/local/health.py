"""Asks a service over HTTP how it is."""

import asyncio
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5


def get(url: str, path: str) -> tuple[int, bytes]:
    """GET `path` from a service; status 0 when nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error).encode()
    finally:
        connection.close()


async def is_ready(url: str) -> bool:
    """Whether GET /health/ready says 200."""
    status, _ = await asyncio.to_thread(get, url, "/health/ready")
    return status == http.HTTPStatus.OK


def report(url: str) -> dict[str, Any]:
    """Return what GET /health/status says, or why it says nothing under `error`."""
    status, body = get(url, "/health/status")
    try:
        said = json.loads(body) if status == http.HTTPStatus.OK else None
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {"error": f"HTTP {status}: {body[:200].decode(errors='replace')}"}
