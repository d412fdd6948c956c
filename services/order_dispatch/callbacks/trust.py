"""Authentication of providers by the signature over the raw request body."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated

from fastapi import Path, Request

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from replenish_contracts.topics import PROVIDER_ID
from services.order_dispatch.domain import Provider
from services.order_dispatch.outward import InvalidSignatureError, Signed, secrets_of, verify
from services.order_dispatch.outward.metrics import CALLBACKS
from services.order_dispatch.providers import signature_of

ProviderId = Annotated[str, Path(pattern=f"^{PROVIDER_ID.pattern}$")]

#: Headers stored with a callback: signature, ids and client.
KEPT_HEADERS = (
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "merchant-signature",
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
            raise ProblemError(413, "body_too_large", title, headers={"Connection": "close"})
    return bytes(body)


async def trusted(provider_id: str, headers: Mapping[str, str], body: bytes, kit: Kit) -> tuple[Provider, Signed]:
    """Verify the signature and return the provider.

    Raises ProblemError 401, which is the same for unknown providers, so that it does not reveal which providers exist.
    """
    async with kit.read() as store:
        provider: Provider | None = await store.find_provider(provider_id)
    secrets = await secrets_of(provider_id, kit) if provider else {}
    accepted = [secrets[name] for name in ("callback", "callback_before") if secrets.get(name)]
    if provider is not None and accepted:
        with suppress(InvalidSignatureError, ValueError, LookupError):  # the last two: unknown scheme or protocol
            signed = verify(signature_of(provider), accepted, headers, body, time.time())
            if len(signed.callback_id) > LONGEST_ID:
                raise ProblemError(400, "id_too_long", f"Send a webhook-id of at most {LONGEST_ID} characters")
            return provider, signed
    CALLBACKS.labels("untrusted").inc()
    detail = "Sign the raw body with the callback secret; the timestamp must be within 5 minutes."
    raise ProblemError(401, "invalid_signature", "The signature is not valid", detail=detail)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name][:LONGEST_HEADER].replace("\x00", "") for name in KEPT_HEADERS if name in headers}
