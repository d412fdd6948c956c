"""HTTP health checks of a service."""

import asyncio
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5


def get(url: str, path: str) -> tuple[int, bytes]:
    """GET `path`; return status and body, status 0 if the connection fails."""
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
    status, _ = await asyncio.to_thread(get, url, "/health/ready")
    return status == http.HTTPStatus.OK


def report(url: str) -> dict[str, Any]:
    """Return the body of GET /health/status, or the reason of the failure under `error`."""
    status, body = get(url, "/health/status")
    try:
        said = json.loads(body) if status == http.HTTPStatus.OK else None
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {"error": f"HTTP {status}: {body[:200].decode(errors='replace')}"}
