"""Builders of the events that notification consumes, and of task results."""

from libs.kit import Task, TaskResult
from replenish_contracts.events import (
    DeviceRegistered,
    OrderPlaced,
    ReorderApproved,
    ReorderHeld,
    SlotSpec,
    ThresholdCrossed,
    TriggerSet,
)
from services.notification.domain import notice_id_of
from services.notification.handlers import on_mail_sent
from tests.support import notification_events as a

ORDER = {
    "order_id": "o1",
    "customer_id": "ann",
    "product_id": "pods",
    "pool_id": "ann/pods",
    "provider_id": "acme",
    "occurred_at": a.NOON,
}
POOL = {"customer_id": "ann", "product_id": "pods", "pool_id": "ann/pods", "receipt_id": "r", "decided_at": a.NOON}
SLOT = {"device_id": "brewer", "slot": "1"}


def placed(**changes):
    return OrderPlaced(**(ORDER | {"packs": 2, "quantity": 40} | changes))


def approved(**changes):
    fields = POOL | SLOT | {"order_id": "o1", "provider_id": "acme", "epoch": 3, "packs": 2, "pack_size": 20}
    return ReorderApproved(**(fields | {"quantity": 40, "needed_by": a.NOON} | changes))


def held(reason, epoch=3, **changes):
    return ReorderHeld(**(POOL | {"reason": reason, "epoch": epoch, "wake_up": "time"} | changes))


def triggered(epoch):
    return TriggerSet(
        **{key: POOL[key] for key in ("customer_id", "product_id", "pool_id")},
        **SLOT,
        epoch=epoch,
        at_level=0,
        at_days=7,
        shelf_and_on_order=0,
    )


def registered(device_id="brewer", **changes):
    spec = SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100)
    fields = {"customer_id": "ann", "device_id": device_id, "registration": 1, "credential_sha256": "0" * 64}
    return DeviceRegistered(**(fields | {"slots": (spec,)} | changes))


def crossed(**changes):
    fields = {key: POOL[key] for key in ("customer_id", "product_id", "pool_id")} | SLOT
    figures = {
        "epoch": 3,
        "level": 12,
        "uncertainty": 1,
        "rate_per_day": 2,
        "run_out_at": a.NOON,
        "occurred_at": a.NOON,
    }
    return ThresholdCrossed(**(fields | figures | changes))


async def settle(store, kind, reference="o1", **ended):
    notice_id = notice_id_of("ann", kind, reference)
    task = Task(notice_id, {"notice_id": notice_id}, 1)
    return await on_mail_sent(task, TaskResult(task, **ended), store)
