"""A payment service without money: the client of `deploy/samples/sandbox_pay.py`, which keeps its own book."""

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libs.kit import Kit, RetryLaterError
from services.order_dispatch.payments.domain.protocol import Declined, PaymentAnswer, PaymentRequest, Receipt, Status

if TYPE_CHECKING:
    import httpx


class Sandbox:
    """Asks the sandbox; every request carries the step's idempotency key."""

    def __init__(self, http: "httpx.AsyncClient", url: str, seconds: float) -> None:
        self._http, self._url, self._seconds = http, url.rstrip("/"), seconds

    async def authorize(self, ask: PaymentRequest) -> PaymentAnswer:
        body = {"payment_id": ask.payment_id, "amount": ask.amount, "currency": ask.currency, "token": ask.token}
        return await self._post("/v1/payments", ask, body)

    async def capture(self, ask: PaymentRequest) -> PaymentAnswer:
        return await self._post(f"/v1/payments/{_path(ask.service_reference)}/capture", ask, {"amount": ask.amount})

    async def void(self, ask: PaymentRequest) -> PaymentAnswer:
        return await self._post(f"/v1/payments/{_path(ask.service_reference)}/void", ask, {})

    async def refund(self, ask: PaymentRequest) -> PaymentAnswer:
        return await self._post(f"/v1/payments/{_path(ask.service_reference)}/refund", ask, {"amount": ask.amount})

    async def find(self, ask: PaymentRequest) -> PaymentAnswer | None:
        found = await self._send("GET", f"/v1/operations/{_path(ask.key)}", {}, None)
        if found.status_code == HTTPStatus.NOT_FOUND:
            return None
        return _answer(found)

    async def _post(self, path: str, ask: PaymentRequest, body: dict[str, Any]) -> PaymentAnswer:
        return _answer(await self._send("POST", path, {"Idempotency-Key": ask.key}, body))

    async def _send(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None
    ) -> "httpx.Response":
        import httpx  # noqa: PLC0415  # 5 MB that a service without payments does not need

        try:
            answer = await self._http.request(
                method, self._url + path, headers=headers, json=body, timeout=self._seconds
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryLaterError(f"the sandbox cannot be reached: {type(error).__name__}") from error
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise RetryLaterError("the sandbox wants fewer requests")
        return answer


def open_sandbox(kit: Kit) -> Sandbox:
    """Return the sandbox that this service's settings name."""
    settings: Any = kit.settings
    return Sandbox(kit.http, settings.sandbox_pay_url, settings.payment_seconds)


def _answer(response: "httpx.Response") -> PaymentAnswer:
    """Return what an answer says; raises what leaves the outcome unknown where it says nothing of the kind."""
    if response.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.PAYMENT_REQUIRED):
        response.raise_for_status()
        raise ValueError(f"the sandbox answered {response.status_code}")
    said: dict[str, Any] = response.json()
    if response.status_code == HTTPStatus.PAYMENT_REQUIRED:
        return Declined(str(said["declined"]))
    expires_at = said.get("expires_at")
    return Receipt(
        Status(said["status"]),
        str(said["reference"]),
        int(said["amount"]),
        str(said["currency"]),
        None if expires_at is None else datetime.fromisoformat(expires_at),
    )


def _path(part: str) -> str:
    return quote(part, safe="")
