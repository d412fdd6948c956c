"""Redemption of order tokens by providers: once per order, up to the token's amount, before it expires."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.kit.http.dependencies import KitDep, idempotent_request
from libs.kit.http.idempotency import ReplayedError, command
from libs.kit.http.problems import ProblemError
from replenish_contracts.topics import PROVIDER_ID
from services.order_dispatch.callbacks.webhooks import authenticate, read_body
from services.order_dispatch.providers.metrics import TOKENS
from services.order_dispatch.providers.parsing import Count, Name, ProviderMessage, UnreadableAnswerError, parse
from services.order_dispatch.settings import settings_of

router = APIRouter()
#: Order states that void the token.
OVER = ("refused", "cancelled", "failed")


class Redemption(ProviderMessage):
    """The request body; the amount is in minor units."""

    provider_id: Annotated[str, Field(pattern=f"^{PROVIDER_ID.pattern}$")]
    token: Name
    amount: Count | None = None
    currency: Annotated[str, Field(pattern="^[A-Za-z]{3}$")] | None = None


@router.post("/tokens/redeem")
async def redeem(request: Request, kit: KitDep) -> JSONResponse:
    """Redeem the single-use token of an order. The request is signed like a callback; the response has the order."""
    body = await read_body(request, settings_of(kit).callback_bytes)
    request._body = body  # noqa: SLF001  # consumed; idempotent_request reads this
    try:
        redemption = parse(Redemption, body)
    except UnreadableAnswerError as error:
        raise ProblemError(
            400,
            "malformed",
            "The redemption request is not valid",
            detail=str(error),
            field="body",
            problem=str(error),
            remedy="send JSON with provider_id and token, and amount (in minor units) with currency if you charge",
        ) from error
    await authenticate(redemption.provider_id, request.headers, body, kit)
    idempotency = await idempotent_request(f"provider:{redemption.provider_id}", request)
    try:
        async with command(kit, idempotency) as tx:
            token = await tx.store.lock_token(redemption.token)
            check_token(token, redemption)
            await tx.store.redeem_token(token.order_id, redemption.amount)
            response = tx.respond(200, _redeemed(token, redemption))
    except ReplayedError:
        TOKENS.labels("replayed").inc()
        raise
    TOKENS.labels("redeemed").inc()
    return response


def check_token(token: Any, redemption: Redemption) -> None:
    refusal: tuple[int, str, str, str] | None = None
    field = "token"
    if token is None or token.provider_id != redemption.provider_id:
        refusal = 404, "no_such_token", "The provider has no such token", "send the token of the order unchanged"
    elif token.redeemed_at is not None:
        remedy = (
            f"it was redeemed on {token.redeemed_at:%Y-%m-%d %H:%M} UTC; repeat that request with its Idempotency-Key"
        )
        refusal = 409, "token_redeemed", "The token has already been redeemed", remedy
    elif token.order_state in OVER:
        title = f"The token is void: its order was {token.order_state}"
        refusal = 409, "token_void", title, "do not deliver this order"
    elif token.now > token.expires_at:
        remedy = f"it was valid until {token.expires_at:%Y-%m-%d %H:%M} UTC; ask the operator about this order"
        refusal = 410, "token_expired", "The token has expired", remedy
    elif not _is_covered(token, redemption):
        field, most = "amount", f"at most {token.max_amount} {token.currency} in minor units"
        remedy = (
            "omit amount and currency: nothing is paid with this token" if token.max_amount is None else f"send {most}"
        )
        refusal = 422, "amount_not_covered", "The token does not cover this amount", remedy
    if refusal is not None:
        status, code, title, remedy = refusal
        TOKENS.labels(code).inc()
        raise ProblemError(status, code, title, field=field, remedy=remedy)


def _is_covered(token: Any, redemption: Redemption) -> bool:
    """A token without a limit covers no amount; it only proves that the order exists."""
    if token.max_amount is None or redemption.amount is None:
        return redemption.amount is None
    return bool(redemption.amount <= token.max_amount and (redemption.currency or "").upper() == token.currency)


def _redeemed(token: Any, redemption: Redemption) -> dict[str, Any]:
    first = token.lines[0]
    return {
        "order_id": token.order_id,
        # The first line's fields again, for providers that take orders of one line.
        "product_id": first["product_id"],
        "packs": first["packs"],
        "quantity": first["quantity"],
        "unit": first["unit"],
        "scale": first["scale"],
        "lines": token.lines,
        "ship_to_sha256": token.ship_to_sha256,
        "amount": redemption.amount,
        "currency": token.currency,
    }
