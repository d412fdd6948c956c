"""Locks all pools of a batch up front, ordered by id.

Topics have different keys, so batches of two replicas may touch the same pools in opposite order. Locking them one by
one would deadlock.
"""

from collections.abc import Sequence
from typing import Any

from libs.kit import Record
from services.reorder_decision.domain import order_id_of, pool_id_of
from services.reorder_decision.store import Store


async def lock_pools(records: Sequence[Record], store: Store) -> None:
    """Lock the pools known before the batch, and those that its orders can include.

    Others are locked by their handler, and a deadlock is retried.
    """
    records = [record for record in records if record.type != "OrderDrafted" or is_split(record.data)]
    if not records:
        return
    pool_ids = {pool_id for record in records for pool_id in _pool_ids_of(record.data)}
    devices: set[Any] = {getattr(record.data, name, None) for record in records for name in ("device_id", "replaces")}
    pool_ids |= await store.list_affected_pool_ids(
        sorted(devices - {None}),
        [(r.data.provider_id, getattr(r.data, "product_id", None)) for r in records if r.topic == "offers"],
        [record.data.customer_id for record in records if record.type == "CustomerErased"],
        sorted({_owner_of(record.data) for record in records if record.topic in {"slots", "stock"}} - {None}),
    )
    await store.lock_pools(sorted(pool_ids))


def is_split(drafted: Any) -> bool:
    """Return whether order_dispatch split these lines off an order; the first part keeps the decision's order id."""
    decided = {order_id_of(line.pool_id, line.epoch) for line in drafted.lines if line.epoch is not None}
    return bool(decided) and drafted.order_id not in decided


def _pool_ids_of(data: Any) -> set[str]:
    """Return the pools that an event refers to or would create."""
    owner = _owner_of(data)
    products = {getattr(data, "product_id", None), *(slot.product_id for slot in getattr(data, "slots", ()))}
    pool_ids = {pool_id_of(owner, product_id) for product_id in products - {None}} if owner else set()
    pool_ids |= {line.pool_id for line in getattr(data, "lines", ())}
    return pool_ids | {pool_id for pool_id in (getattr(data, "pool_id", None),) if pool_id}


def _owner_of(data: Any) -> Any:
    return getattr(data, "customer_id", None) or getattr(data, "owner_id", None)
