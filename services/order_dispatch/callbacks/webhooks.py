"""Callback endpoint: verifies the signature, stores and processes the callback, and returns 200 once committed."""

import time
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers

from libs.http_client.signatures import SIGNATURE_HEADERS, InvalidSignatureError, Signed, verify
from libs.kit import Kit
from libs.kit.http.dependencies import KitDep
from libs.kit.http.problems import ProblemError
from replenish_contracts.topics import PROVIDER_ID
from services.order_dispatch.callbacks.processing import CallbackOutcome, process_callback
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.providers.client import secrets_of
from services.order_dispatch.providers.metrics import CALLBACKS
from services.order_dispatch.providers.registry import signature_scheme
from services.order_dispatch.settings import settings_of

ProviderId = Annotated[str, Path(pattern=f"^{PROVIDER_ID.pattern}$")]
#: Headers stored with a callback.
STORED_HEADERS = (
    *SIGNATURE_HEADERS,
    "timestamp",
    "request-id",
    "idempotency-key",
    "content-type",
    "user-agent",
)
LONGEST_HEADER = 500
#: Same limit as an update id, which defaults to the callback id.
LONGEST_ID = 200


async def read_body(request: Request, limit: int) -> bytes:
    """Read the raw body. Raises ProblemError 413 as soon as it exceeds the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            title = f"The body is too large: send at most {limit} bytes"
            raise ProblemError(
                413,
                "body_too_large",
                title,
                headers={"Connection": "close"},
                field="body",
                problem=f"the body is larger than {limit} bytes",
                remedy=f"send at most {limit} bytes",
            )
    return bytes(body)


async def authenticate(provider_id: str, headers: Headers, body: bytes, kit: Kit) -> tuple[Provider, Signed]:
    """Verify the signature and return the provider.

    Raises ProblemError 401; it is the same for unknown providers, so it does not reveal which providers exist.
    """
    async with kit.read() as store:
        provider: Provider | None = await store.find_provider(provider_id)
    secrets = await secrets_of(provider_id, kit) if provider else {}
    accepted = [secrets[name] for name in ("callback", "callback_before") if secrets.get(name)]
    is_repeated = any(len(headers.getlist(name)) > 1 for name in SIGNATURE_HEADERS)
    if provider is not None and accepted and not is_repeated:
        with suppress(InvalidSignatureError, ValueError, LookupError):  # the last two: unknown scheme or protocol
            signed = verify(signature_scheme(provider), accepted, headers, body, time.time())
            if len(signed.callback_id) > LONGEST_ID:
                raise ProblemError(
                    400,
                    "id_too_long",
                    f"Send a webhook-id of at most {LONGEST_ID} characters",
                    field="header.webhook-id",
                    problem=f"the webhook-id has {len(signed.callback_id)} characters",
                    remedy=f"send a webhook-id of at most {LONGEST_ID} characters",
                )
            return provider, signed
    CALLBACKS.labels("untrusted").inc()
    raise ProblemError(
        401,
        "invalid_signature",
        "The signature is not valid",
        detail=(
            "Sign the raw body with the callback secret; the timestamp must be within 5 minutes. Send each signature "
            "header once, and webhook-id, webhook-timestamp and webhook-signature or all three as svix-id and so on."
        ),
        field="header",
        problem="no signature in the headers matches the body, or the provider has no callback secret",
        remedy=(
            "sign the raw body with the callback secret by the scheme of the provider's account, at the present time; "
            "an operator sets the secret with PUT /v1/providers/{id}/secrets"
        ),
    )


def stored_headers(headers: Headers) -> dict[str, str]:
    return {name: headers[name][:LONGEST_HEADER].replace("\x00", "") for name in STORED_HEADERS if name in headers}


router = APIRouter()


@router.post("/providers/{provider_id}/callbacks")
async def receive_callback(provider_id: ProviderId, request: Request, kit: KitDep) -> JSONResponse:
    """Receive a signed callback about an order. Idempotent: a repetition gets the same response.

    After a 5xx response or none, send the callback again. 400 is permanent: the callback is not valid.
    """
    body = await read_body(request, settings_of(kit).callback_bytes)
    provider, signed = await authenticate(provider_id, request.headers, body, kit)
    async with kit.writing() as connection:
        store = kit.store_in(connection)
        await store.add_callback(provider_id, signed.callback_id, stored_headers(request.headers), body)
    outcome, reason, replayed = await _process_once(provider, signed.callback_id, body, kit)
    if outcome == CallbackOutcome.UNREADABLE:
        raise ProblemError(
            400,
            "unreadable",
            "The callback does not match your protocol",
            detail=reason,
            field="body",
            problem=reason,
            remedy=f"send the body that docs/providers/{provider.protocol}.md describes, under a new webhook-id",
        )
    response: dict[str, Any] = {"received": True, "outcome": outcome, "reason": reason}
    if "request-id" in request.headers:
        response["request_id"] = request.headers["request-id"]
    return JSONResponse(response, headers={"Idempotent-Replayed": "true"} if replayed else None)


async def _process_once(provider: Provider, callback_id: str, body: bytes, kit: Kit) -> tuple[str, str, bool]:
    async with kit.transaction() as tx:
        callback = await tx.store.lock_callback(provider.provider_id, callback_id)
        if not callback.has_body(body):
            CALLBACKS.labels("conflict").inc()
            raise ProblemError(
                422,
                "idempotency_conflict",
                "This webhook-id was first used with a different body",
                field="header.webhook-id",
                problem=f"the webhook-id {callback_id} was first used with another body",
                remedy="repeat a callback without changes, and send each new one under a webhook-id of its own",
            )
        if callback.outcome is not None:
            CALLBACKS.labels("duplicate").inc()
            return callback.outcome, callback.reason, True
        result = await process_callback(callback, provider, tx.store)
        tx.publish(*result.events)
    return result.outcome, result.reason, False
