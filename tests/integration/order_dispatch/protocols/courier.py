"""Test protocol that calls its provider by plain HTTP, with its own client."""

from dataclasses import dataclass

import httpx

from libs.kit import RetryLaterError
from replenish_contracts.events import UpdateStatus
from services.order_dispatch.providers.protocol import Answer, HttpTransport, LineSupport, ProviderProtocol


@dataclass(frozen=True)
class Reply:
    status: int
    headers: httpx.Headers
    body: bytes


class Client:
    def __init__(self, provider):
        self.provider_id, self.url, self.account = provider.provider_id, provider.url, provider.account

    def secret(self, name):
        return None

    async def request(self, method, path, *, json=None, content=None, headers=None, idempotency_key=None):
        sent = {**(headers or {}), **({"Idempotency-Key": idempotency_key} if idempotency_key else {})}
        try:
            async with httpx.AsyncClient(timeout=self.account.get("timeout", 5)) as client:
                response = await client.request(method, self.url + path, json=json, content=content, headers=sent)
        except httpx.ConnectError as error:
            raise RetryLaterError("not connected") from error
        if response.status_code == 429:
            raise RetryLaterError("later")
        if response.status_code >= 500:
            raise RuntimeError(f"answered {response.status_code}")
        return Reply(response.status_code, response.headers, response.content)


async def open_client(order, provider, kit):
    return Client(provider)


async def submit(order, ship_to, client):
    body = {"order_id": order.order_id, "quantity": order.lines[0].quantity, "city": ship_to.city}
    return _answer(await client.request("POST", "/orders", json=body, idempotency_key=f"{order.order_id}-deliver"))


async def cancel(order, client):
    return _answer(await client.request("POST", f"/orders/{order.order_id}/cancel"))


async def status(order, client):
    reply = await client.request("GET", f"/orders/{order.order_id}")
    return Answer(UpdateStatus.NOT_FOUND) if reply.status == 404 else _answer(reply)


def _answer(reply):
    body = httpx.Response(200, content=reply.body).json()
    return Answer(UpdateStatus(body["status"]) if body["status"] else None, body.get("reason"), reference=body["id"])


PROTOCOL = ProviderProtocol(
    name="courier",
    transport=HttpTransport(submit, cancel, status, open_client=open_client),
    lines=LineSupport(max_lines=1),
)
