"""Callbacks over HTTP: kept first, judged next, and 200 only once both are committed."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from libs.kit import Kit
from libs.kit.problems import Problem
from libs.kit.web import KitDep
from services.order_dispatch.callbacks.judging import Verdict, judge
from services.order_dispatch.callbacks.trust import ProviderId, kept_headers, read_body, trusted
from services.order_dispatch.domain import Provider
from services.order_dispatch.outward.metrics import CALLBACKS

router = APIRouter()


@router.post("/providers/{provider_id}/callbacks")
async def receive(provider_id: ProviderId, request: Request, kit: KitDep) -> JSONResponse:
    """Take a signed callback about an order; the same one again gets the same answer.

    A 5xx answer, or none, means: send it again. 400: it can never be read.
    """
    body = await read_body(request, kit.settings.callback_bytes)  # type: ignore[attr-defined]  # this service's own
    provider, signed = await trusted(provider_id, request.headers, body, kit)
    async with kit.writing() as connection:
        store = kit.store_in(connection)
        await store.add_callback(provider_id, signed.callback_id, kept_headers(request.headers), body)
    verdict, reason, replayed = await _judge_once(provider, signed.callback_id, body, kit)
    if verdict == Verdict.UNREADABLE:
        raise Problem(400, "unreadable", "This is no callback of your protocol", detail=reason)
    answer: dict[str, Any] = {"received": True, "fate": verdict, "reason": reason}
    if "request-id" in request.headers:
        answer["request_id"] = request.headers["request-id"]
    return JSONResponse(answer, headers={"Idempotent-Replayed": "true"} if replayed else None)


async def _judge_once(provider: Provider, callback_id: str, body: bytes, kit: Kit) -> tuple[str, str, bool]:
    """Return the verdict with its reason, and whether it was there before."""
    async with kit.transaction() as tx:
        kept = await tx.store.lock_callback(provider.provider_id, callback_id)
        if not kept.has(body):
            CALLBACKS.labels("conflict").inc()
            raise Problem(422, "idempotency_conflict", "This webhook-id had another body the first time")
        if kept.verdict is not None:
            CALLBACKS.labels("duplicate").inc()
            return kept.verdict, kept.reason, True
        judgement = await judge(kept, provider, tx.store)
        tx.say(*judgement.events)
    return judgement.verdict, judgement.reason, False
