"""Callback endpoint: a callback is stored, then processed, and answered with 200 once both are committed."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from libs.kit import Kit
from libs.kit.http.dependencies import KitDep
from libs.kit.http.problems import ProblemError
from services.order_dispatch.callbacks.judging import Verdict, judge
from services.order_dispatch.callbacks.trust import ProviderId, kept_headers, read_body, trusted
from services.order_dispatch.domain import Provider
from services.order_dispatch.outward.metrics import CALLBACKS

router = APIRouter()


@router.post("/providers/{provider_id}/callbacks")
async def receive(provider_id: ProviderId, request: Request, kit: KitDep) -> JSONResponse:
    """Receive a signed callback about an order. Idempotent: a repetition gets the same answer.

    After a 5xx answer or none, send the callback again. 400 is permanent: the callback is not valid.
    """
    body = await read_body(request, kit.settings.callback_bytes)  # type: ignore[attr-defined]  # order-dispatch setting
    provider, signed = await trusted(provider_id, request.headers, body, kit)
    async with kit.writing() as connection:
        store = kit.store_in(connection)
        await store.add_callback(provider_id, signed.callback_id, kept_headers(request.headers), body)
    verdict, reason, replayed = await _judge_once(provider, signed.callback_id, body, kit)
    if verdict == Verdict.UNREADABLE:
        raise ProblemError(400, "unreadable", "The callback does not match your protocol", detail=reason)
    answer: dict[str, Any] = {"received": True, "fate": verdict, "reason": reason}
    if "request-id" in request.headers:
        answer["request_id"] = request.headers["request-id"]
    return JSONResponse(answer, headers={"Idempotent-Replayed": "true"} if replayed else None)


async def _judge_once(provider: Provider, callback_id: str, body: bytes, kit: Kit) -> tuple[str, str, bool]:
    """Return verdict and reason, and whether they are from an earlier request."""
    async with kit.transaction() as tx:
        callback = await tx.store.lock_callback(provider.provider_id, callback_id)
        if not callback.has(body):
            CALLBACKS.labels("conflict").inc()
            raise ProblemError(422, "idempotency_conflict", "This webhook-id was first used with a different body")
        if callback.verdict is not None:
            CALLBACKS.labels("duplicate").inc()
            return callback.verdict, callback.reason, True
        judgement = await judge(callback, provider, tx.store)
        tx.publish(*judgement.events)
    return judgement.verdict, judgement.reason, False
