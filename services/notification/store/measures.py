"""Metrics of notification."""

from prometheus_client import Counter

from libs.kit import Measure
from libs.kit import Store as KitStore

MAILS = Counter("notification_mails", "Finished mails: `sent` or permanently `failed`", ["ended"])


async def count_open_mails(store: KitStore) -> dict[str, float]:
    rows = await store.connection.fetch(
        """-- count_open_mails
        SELECT state, count(*) AS mails FROM task
        WHERE kind = 'mail' AND state IN ('due', 'claimed', 'unknown') GROUP BY state
        """
    )
    return {row["state"]: row["mails"] for row in rows}


MEASURES = (
    Measure(
        "notification_open_mails",
        "Mails not finished: `due`, `claimed` while being sent, `unknown` if the attempt's end is not known",
        count_open_mails,
        label="state",
    ),
)
