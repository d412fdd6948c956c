"""Counts orders of several lines, which every protocol but DRS can carry."""

import asyncpg

#: Protocols whose orders may have several lines; the others get an order for each line.
PROTOCOLS = ("kafka", "webhook", "acp", "hosted", "assisted")

COUNT = """
-- orders_of_several_lines
SELECT p.protocol, count(*) AS orders
FROM order_dispatch.orders AS o JOIN order_dispatch.provider AS p USING (provider_id)
WHERE (SELECT count(*) FROM order_dispatch.order_line AS l WHERE l.order_id = o.order_id) > 1
GROUP BY p.protocol
"""


async def orders_of_several_lines(database_url: str) -> dict[str, int]:
    """Return how many orders had several lines, by protocol."""
    database = await asyncpg.connect(database_url)
    try:
        rows = await database.fetch(COUNT)
    finally:
        await database.close()
    return dict.fromkeys(PROTOCOLS, 0) | {row["protocol"]: row["orders"] for row in rows}
