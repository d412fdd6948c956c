"""Notification's metrics with their meanings."""

from prometheus_client import Counter

from libs.kit import Measure
from libs.kit import Store as KitStore

MAILS = Counter("notification_mails", "Mails by how they ended: `sent`, or `failed` for good", ["ended"])


async def count_open_mails(store: KitStore) -> dict[str, float]:
    rows = await store.connection.fetch(
        """-- count_open_mails
        SELECT state, count(*) AS mails FROM intent
        WHERE kind = 'mail' AND state IN ('due', 'claimed', 'unknown') GROUP BY state
        """
    )
    return {row["state"]: row["mails"] for row in rows}


MEASURES = (
    Measure(
        "notification_open_mails",
        "Mails to be sent: `due`, `claimed` while one is, `unknown` where nobody knows whether it was",
        count_open_mails,
        label="state",
    ),
)
