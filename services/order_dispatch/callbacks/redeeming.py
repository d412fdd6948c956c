"""A provider redeems an order's token: once, for no more than it allows, and before it ends."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.contracts.topics import PROVIDER_ID
from libs.kit.problems import Problem
from libs.kit.web import KitDep, asked_by, send
from services.order_dispatch.callbacks.trust import read_body, trusted
from services.order_dispatch.outward.metrics import TOKENS
from services.order_dispatch.outward.reading import Count, Garbled, Name, Wording, read

router = APIRouter()

#: An order that ended like this needs no money and no goods.
OVER = ("refused", "cancelled", "failed")


class Redemption(Wording):
    """What a provider wants for a token; the amount is in minor units."""

    provider_id: Annotated[str, Field(pattern=f"^{PROVIDER_ID.pattern}$")]
    token: Name
    amount: Count | None = None
    currency: Annotated[str, Field(pattern="^[A-Za-z]{3}$")] | None = None


@router.post("/tokens/redeem")
async def redeem(request: Request, kit: KitDep) -> JSONResponse:
    """Redeem the single-use token of an order, signed as callbacks are; the answer says what it stands for."""
    body = await read_body(request, kit.settings.callback_bytes)  # type: ignore[attr-defined]  # this service's own
    request._body = body  # noqa: SLF001  # read above with our own limit; who asks again gets the same
    try:
        wanted = read(Redemption, body)
    except Garbled as error:
        raise Problem(400, "malformed", "This is no redemption", detail=str(error)) from error
    await trusted(wanted.provider_id, request.headers, body, kit)
    asked = await asked_by(f"provider:{wanted.provider_id}", request)
    async with kit.transaction(idempotency=asked) as tx:
        if tx.replayed:
            TOKENS.labels("replayed").inc()
            return send(tx.replayed, replayed=True)
        token = await tx.store.lock_token(wanted.token)
        refuse_unless_good(token, wanted)
        await tx.store.redeem_token(token.order_id, wanted.amount)
        answer = tx.answer(200, _show(token, wanted))
    TOKENS.labels("redeemed").inc()
    return send(answer)


def refuse_unless_good(token: Any, wanted: Redemption) -> None:
    """Raise the Problem that keeps this token from being redeemed like this."""
    refusal: tuple[int, str, str] | None = None
    if token is None or token.provider_id != wanted.provider_id:
        refusal = 404, "no_such_token", "There is no such token for this provider"
    elif token.redeemed_at is not None:
        refusal = 409, "token_redeemed", "This token was redeemed before"
    elif token.order_state in OVER:
        refusal = 409, "token_void", f"Its order was {token.order_state}"
    elif token.now > token.expires_at:
        refusal = 410, "token_expired", "This token has expired"
    elif not _is_covered(token, wanted):
        refusal = 422, "amount_not_covered", "The token does not cover this amount"
    if refusal is not None:
        TOKENS.labels(refusal[1]).inc()
        raise Problem(*refusal)


def _is_covered(token: Any, wanted: Redemption) -> bool:
    """Tell whether the amount is within the token's; one without an amount only proves the order."""
    if token.max_amount is None or wanted.amount is None:
        return wanted.amount is None
    return bool(wanted.amount <= token.max_amount and (wanted.currency or "").upper() == token.currency)


def _show(token: Any, wanted: Redemption) -> dict[str, Any]:
    return {
        "order_id": token.order_id,
        "product_id": token.product_id,
        "packs": token.packs,
        "quantity": token.quantity,
        "unit": token.unit,
        "scale": token.scale,
        "ship_to_sha256": token.ship_to_sha256,
        "amount": wanted.amount,
        "currency": token.currency,
    }
