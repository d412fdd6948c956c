"""Creates one notice per event or hold, and a mail task if it is to be sent."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderFact, ReorderHeld
from services.notification.domain import KIND_BY_EVENT, KIND_BY_HOLD, Kind, Notice, NoticeState, decide, notice_id_of
from services.notification.store import Store

#: Fields of the event that mails need.
DETAILS = {"reason", "by", "quantity", "expected_at", "evidence", "packs", "answer_by", "fault"}


async def on_reorder_held(event: ReorderHeld, store: Store) -> list[Event]:
    kind = KIND_BY_HOLD.get(event.reason)
    if kind is not None:
        await _create_notice(kind, event, event.order_id or f"{event.pool_id}/{event.epoch}", store)
    return []


async def on_order_fact(event: OrderFact, store: Store) -> list[Event]:
    await _create_notice(KIND_BY_EVENT[type(event).__name__], event, event.order_id, store)
    return []


async def _create_notice(kind: Kind, event: OrderFact | ReorderHeld, reference: str, store: Store) -> None:
    if await store.is_erased(event.customer_id):
        return
    decision = decide(
        kind,
        preference=await store.find_preference(event.customer_id, kind),
        last_notified_at=await store.find_last_notified_at(event.pool_id, kind),
        timing=store.timing,
        now=store.now,
        protocol=await store.find_protocol(event.provider_id) if isinstance(event, OrderFact) else None,
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
        details=event.model_dump(mode="json", include=DETAILS),
    )
    if await store.add_notice(notice) and notice.state is NoticeState.DUE:
        store.add_task("mail", notice.notice_id, {"notice_id": notice.notice_id}, decision.due_at)
