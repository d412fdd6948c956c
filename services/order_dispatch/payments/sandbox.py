"""Client of the payment sandbox (`deploy/samples/sandbox_pay.py`), which simulates a payment service without money."""

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libs.kit import Kit, RetryLaterError
from services.order_dispatch.payments.domain.protocol import (
    Confirmed,
    DeclineCause,
    Declined,
    PaymentAnswer,
    PaymentRequest,
    ServiceDescriptor,
    Status,
)
from services.order_dispatch.settings import settings_of

if TYPE_CHECKING:
    import httpx


SANDBOX = ServiceDescriptor("sandbox", captures_several=True)


class Sandbox:
    def __init__(self, http: "httpx.AsyncClient", url: str, timeout_seconds: float) -> None:
        self._http, self._url, self._timeout_seconds = http, url.rstrip("/"), timeout_seconds

    async def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        return await self._post(
            "",
            request,
            {
                "payment_id": request.payment_id,
                "amount": request.amount,
                "currency": request.currency,
                "token": request.token,
            },
        )

    async def capture(self, request: PaymentRequest) -> PaymentAnswer:
        body = {"amount": request.amount, "final": request.final}
        return await self._post(f"/{_quote(request.service_reference)}/capture", request, body)

    async def void(self, request: PaymentRequest) -> PaymentAnswer:
        return await self._post(f"/{_quote(request.service_reference)}/void", request, {})

    async def refund(self, request: PaymentRequest) -> PaymentAnswer:
        return await self._post(f"/{_quote(request.service_reference)}/refund", request, {"amount": request.amount})

    async def find(self, request: PaymentRequest) -> PaymentAnswer | None:
        response = await self._send("GET", f"/v1/operations/{_quote(request.idempotency_key)}", {}, None)
        return None if response.status_code == HTTPStatus.NOT_FOUND else _parse_answer(response)

    async def _post(self, path: str, request: PaymentRequest, body: dict[str, Any]) -> PaymentAnswer:
        headers = {"Idempotency-Key": request.idempotency_key}
        return _parse_answer(await self._send("POST", f"/v1/payments{path}", headers, body))

    async def _send(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None
    ) -> "httpx.Response":
        import httpx  # noqa: PLC0415  # 5 MB that a service without payments does not need

        try:
            response = await self._http.request(
                method, self._url + path, headers=headers, json=body, timeout=self._timeout_seconds
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryLaterError(f"the sandbox cannot be reached: {type(error).__name__}") from error
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise RetryLaterError("the sandbox limits the rate of requests")
        return response


def open_sandbox(kit: Kit) -> Sandbox:
    settings = settings_of(kit)
    return Sandbox(kit.http, settings.sandbox_pay_url, settings.payment_seconds)


def _parse_answer(response: "httpx.Response") -> PaymentAnswer:
    """Parse a response; any exception leaves the outcome unknown."""
    if response.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.PAYMENT_REQUIRED):
        response.raise_for_status()
        raise ValueError(f"the sandbox answered {response.status_code}")
    body: dict[str, Any] = response.json()
    if response.status_code == HTTPStatus.PAYMENT_REQUIRED:
        return Declined(str(body["declined"]), DeclineCause(body.get("cause", DeclineCause.BANK)))
    expires_at = body.get("expires_at")
    return Confirmed(
        Status(body["status"]),
        str(body["reference"]),
        int(body["amount"]),
        str(body["currency"]),
        None if expires_at is None else datetime.fromisoformat(expires_at),
    )


def _quote(part: str) -> str:
    return quote(part, safe="")
