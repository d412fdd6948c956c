"""Creates one notice per event or hold, and a mail task if it is to be sent."""

from typing import Any

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderFact, OrderReference, ReorderHeld
from services.notification.domain import (
    DELAYED,
    KIND_BY_EVENT,
    KIND_BY_HOLD,
    Kind,
    Notice,
    NoticeState,
    decide,
    notice_id_of,
    reference_of,
)
from services.notification.store import Store

#: Fields of the event that mails need.
DETAILS = {
    *("reason", "by", "fault", "quantity", "packs", "expected_at", "expected_date", "evidence"),
    *("answer_by", "complete", "ordered", "received", "amount", "currency", "test"),
}


async def on_reorder_held(event: ReorderHeld, store: Store) -> list[Event]:
    kind = KIND_BY_HOLD.get(event.reason)
    if kind is not None and not await store.is_erased(event.customer_id):
        await _create_notice(kind, event, event.order_id or f"{event.pool_id}/{event.epoch}", store)
    return []


async def on_order_fact(event: OrderReference, store: Store) -> list[Event]:
    if isinstance(event, OrderFact):
        lines = await store.save_lines(event)
    else:
        lines = await store.count_lines(event.customer_id, event.order_id)
    if lines is not None:
        kind = KIND_BY_EVENT[type(event).__name__]
        await _create_notice(kind, event, reference_of(event), store, has_several_lines=lines > 1)
    return []


async def _create_notice(
    kind: Kind, event: OrderReference | ReorderHeld, reference: str, store: Store, *, has_several_lines: bool = False
) -> None:
    decision = decide(
        kind,
        preference=await store.find_preference(event.customer_id, kind),
        last_notified_at=await store.find_last_notified_at(event.pool_id, kind) if kind in DELAYED else None,
        timing=store.timing_for(has_several_lines=has_several_lines),
        now=store.now,
        protocol=await store.find_protocol(event.provider_id) if isinstance(event, OrderReference) else None,
    )
    notice = Notice(
        notice_id=notice_id_of(event.customer_id, kind, reference),
        customer_id=event.customer_id,
        kind=kind,
        reference=reference,
        order_id=event.order_id,
        product_id=event.product_id,
        pool_id=event.pool_id,
        epoch=getattr(event, "epoch", None),
        state=decision.state,
        reason=decision.reason,
        details=_details(event),
    )
    if await store.add_notice(notice) and notice.state is NoticeState.DUE:
        store.add_task("mail", notice.notice_id, {"notice_id": notice.notice_id}, decision.due_at)


def _details(event: OrderReference | ReorderHeld) -> dict[str, Any]:
    details: dict[str, Any] = event.model_dump(mode="json", include=DETAILS)
    if not details.get("test"):
        details.pop("test", None)
    if isinstance(event, OrderFact) and event.lines:
        details["lines"] = {line.line_id: line.quantity for line in event.lines}
    return details
