"""Confirms subscriptions: SNS sends nothing before its own address was called once."""

from libs.contracts.catalogue import Event
from libs.kit import Intent, Kit, Outcome, Refuse, Retry
from services.order_dispatch.store import Store

OK, SERVER_ERROR = 200, 500


async def confirm(intent: Intent, kit: Kit) -> dict[str, int]:
    """Call the address that was checked when the message came; calling it again changes nothing."""
    import httpx  # noqa: PLC0415  # 5 MB that a service without notifications does not need

    try:
        async with kit.http.stream("GET", intent.payload["url"]) as answer:
            status = answer.status_code
    except httpx.HTTPError as error:
        raise Retry(f"SNS cannot be reached: {type(error).__name__}") from error
    if status >= SERVER_ERROR:
        raise Retry(f"SNS answered {status}")
    if status != OK:
        raise Refuse(f"SNS answered {status}")
    return {"status": status}


async def on_confirmed(intent: Intent, outcome: Outcome, store: Store) -> list[Event]:
    fate, reason = ("applied", "confirmed") if outcome.refused is None else ("not_applied", outcome.refused)
    await store.save_fate(intent.payload["provider_id"], intent.payload["message_id"], fate, reason)
    return []
