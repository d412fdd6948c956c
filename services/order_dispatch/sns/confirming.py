"""Confirms SNS subscriptions: SNS sends notifications only after its SubscribeURL was called."""

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskResult
from replenish_contracts.catalogue import Event
from services.order_dispatch.store import Store

OK, SERVER_ERROR = 200, 500


async def confirm(task: Task, kit: Kit) -> dict[str, int]:
    """Call the SubscribeURL, which was checked on receipt. Idempotent."""
    import httpx  # noqa: PLC0415  # 5 MB, not needed without notifications

    try:
        async with kit.http.stream("GET", task.payload["url"]) as response:
            status = response.status_code
    except httpx.HTTPError as error:
        raise RetryLaterError(f"SNS cannot be reached: {type(error).__name__}") from error
    if status >= SERVER_ERROR:
        raise RetryLaterError(f"SNS answered {status}")
    if status != OK:
        raise RejectedError(f"SNS answered {status}")
    return {"status": status}


async def on_confirmed(task: Task, outcome: TaskResult, store: Store) -> list[Event]:
    fate, reason = ("applied", "confirmed") if outcome.refused is None else ("not_applied", outcome.refused)
    await store.save_fate(task.payload["provider_id"], task.payload["message_id"], fate, reason)
    return []
