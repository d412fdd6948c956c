"""A provider's HTTP client that records requests and responds to each with the same body."""

import json
from datetime import UTC, datetime
from typing import Any

from libs.http_client.exchange import Reply
from services.order_dispatch.providers.client import HttpProviderClient
from services.order_dispatch.providers.tokens import OrderToken


class RecordingClient(HttpProviderClient):
    """Sends nothing. The references of orders are kept in memory."""

    def __init__(self, response: dict[str, Any], account: dict[str, Any] | None = None) -> None:
        self.provider_id, self.url, self.account = "acme", "https://acme.example", account or {}
        self.bodies: list[Any] = []
        self.keys: list[str | None] = []
        self.references: dict[str, str] = {}
        self._secrets = {"signing": "whsec_a2V5"}
        self._reply = Reply(200, {}, json.dumps(response).encode())

    async def request(self, method: str, path: str, **sent: Any) -> Reply:
        content = sent.get("content")
        self.bodies.append(json.loads(content) if content else sent.get("json"))
        self.keys.append(sent.get("idempotency_key"))
        return self._reply

    async def issue_token(self, order: Any, ship_to: Any) -> OrderToken:
        return OrderToken("spt_1", datetime(2030, 1, 1, tzinfo=UTC), order.price, order.currency)

    async def save_reference(self, order_id: str, reference: str) -> None:
        self.references[order_id] = reference

    async def find_reference(self, order_id: str) -> str | None:
        return self.references.get(order_id)
