"""Checks across services: the tables of several services agree with each other.

They may differ while an event is between two services, so they are compared only in a snapshot
in which no event is pending (see `run.py`).
"""

import asyncpg

from deploy.checks import order_lines
from deploy.checks.findings import Findings

#: By rule: the schemas it needs, and a query for (subject, problem) of each violation.
AGREEMENTS: dict[str, tuple[tuple[str, ...], str]] = {
    "slots have the epoch of their pool": (
        ("reorder_decision", "consumption"),
        """
        SELECT p.pool_id || ' ' || s.device_id || '/' || s.slot AS subject,
               format('the pool is %s in epoch %s, the slot has epoch %s and is %s',
                      p.situation, p.epoch, coalesce(w.epoch::text, 'none'),
                      CASE WHEN h.armed THEN 'armed' ELSE 'not armed' END) AS problem
        FROM reorder_decision.pool AS p
        JOIN reorder_decision.slot AS s USING (pool_id)
        LEFT JOIN consumption.slot_spec AS w ON (w.device_id, w.slot) = (s.device_id, s.slot)
        LEFT JOIN consumption.slot AS h ON (h.device_id, h.slot) = (s.device_id, s.slot)
        WHERE p.situation IN ('armed', 'asking', 'followed')
          AND (w.epoch IS DISTINCT FROM p.epoch OR (p.situation = 'armed' AND NOT coalesce(h.armed, false)))
        """,
    ),
    "a pool's shelf equals the balance of the ledger": (
        ("reorder_decision", "inventory"),
        """
        SELECT p.pool_id AS subject,
               format('the pool has %s, the ledger %s', p.shelf, coalesce(s.available, 0)) AS problem
        FROM reorder_decision.pool AS p
        LEFT JOIN inventory.stock AS s ON (s.owner_id, s.product_id) = (p.customer_id, p.product_id)
        WHERE p.shelf <> coalesce(s.available, 0)
          AND NOT EXISTS (SELECT FROM reorder_decision.erased_customer AS e WHERE e.customer_id = p.customer_id)
        """,
    ),
}

#: All services that store data about devices and customers.
ALL = ("consumption", "gateway", "inventory", "notification", "order_dispatch", "portal", "reorder_decision")
AGREEMENTS |= {
    "no service keeps data of a removed device": (
        ALL,
        """
        SELECT d.device_id AS subject, format('it is %s, but remains in %s', d.state, k.place) AS problem
        FROM portal.device AS d JOIN (
            SELECT device_id, 'gateway.device' AS place FROM gateway.device
            UNION ALL SELECT device_id, 'consumption.device' FROM consumption.device
            UNION ALL SELECT device_id, 'consumption.slot' FROM consumption.slot
            UNION ALL SELECT device_id, 'inventory.slot' FROM inventory.slot
            UNION ALL SELECT device_id, 'notification.slot' FROM notification.slot
            UNION ALL SELECT device_id, 'reorder_decision.slot' FROM reorder_decision.slot
            UNION ALL SELECT device_id, 'portal.slot_view' FROM portal.slot_view
            UNION ALL SELECT device_id, 'order_dispatch.link' FROM order_dispatch.link WHERE state = 'active'
            UNION ALL SELECT line.device_id, 'order_dispatch.order_line, not yet requested'
                FROM order_dispatch.order_line AS line JOIN order_dispatch.orders USING (order_id)
                WHERE line.state = 'ordered' AND orders.state IN ('drafted', 'reserving', 'authorizing')
        ) AS k USING (device_id)
        WHERE d.state = 'deregistered' OR (d.state = 'replaced' AND k.place NOT LIKE 'order_dispatch.order_line%')
        """,
    ),
    "no service keeps data of an erased customer": (
        ALL,
        """
        SELECT c.customer_id AS subject, format('erased, but remains in %s', k.place) AS problem
        FROM portal.customer AS c JOIN (
            SELECT customer_id, 'portal.person' AS place FROM portal.person
            UNION ALL SELECT customer_id, 'portal.session' FROM portal.session
            UNION ALL SELECT customer_id, 'portal.order_view' FROM portal.order_view
            UNION ALL SELECT customer_id, 'portal.linked_slot_view' FROM portal.linked_slot_view
            UNION ALL SELECT customer_id, 'gateway.device' FROM gateway.device
            UNION ALL SELECT customer_id, 'consumption.device' FROM consumption.device
            UNION ALL SELECT customer_id, 'inventory.slot' FROM inventory.slot
            UNION ALL SELECT customer_id, 'inventory.cart' FROM inventory.cart
            UNION ALL SELECT customer_id, 'notification.notice' FROM notification.notice
            UNION ALL SELECT customer_id, 'notification.known_order' FROM notification.known_order
            UNION ALL SELECT customer_id, 'notification.order_line' FROM notification.order_line
            UNION ALL SELECT customer_id, 'reorder_decision.pool' FROM reorder_decision.pool
            UNION ALL SELECT customer_id, 'reorder_decision.receipt' FROM reorder_decision.receipt
            UNION ALL SELECT customer_id, 'reorder_decision.holiday' FROM reorder_decision.holiday
            UNION ALL SELECT customer_id, 'reorder_decision.link' FROM reorder_decision.link
            UNION ALL SELECT customer_id, 'order_dispatch.customer_setting' FROM order_dispatch.customer_setting
            UNION ALL SELECT customer_id, 'order_dispatch.payment_method' FROM order_dispatch.payment_method
            UNION ALL SELECT customer_id, 'order_dispatch.link' FROM order_dispatch.link WHERE state = 'active'
        ) AS k USING (customer_id)
        WHERE c.erased_at IS NOT NULL
        """,
    ),
}

#: Valid in every snapshot: each step of an order follows the previous one and the transition table.
HISTORY = """
SELECT h.order_id || ' step ' || h.step AS subject,
       format('%s to %s after %s', coalesce(h.from_state, 'nothing'), h.to_state, coalesce(b.to_state, 'nothing'))
       AS problem
FROM order_dispatch.order_history AS h
LEFT JOIN order_dispatch.order_history AS b ON b.order_id = h.order_id AND b.step = h.step - 1
LEFT JOIN order_dispatch.transition AS t ON (t.from_state, t.to_state) = (h.from_state, h.to_state)
WHERE CASE WHEN h.step = 1 THEN h.from_state IS NOT NULL OR h.to_state <> 'drafted'
           ELSE t.to_state IS NULL OR b.to_state IS DISTINCT FROM h.from_state END
UNION ALL
SELECT o.order_id, format('is %s, its history ends with %s', o.state, coalesce(h.to_state, 'nothing'))
FROM order_dispatch.orders AS o
LEFT JOIN LATERAL (SELECT to_state FROM order_dispatch.order_history AS h WHERE h.order_id = o.order_id
                   ORDER BY step DESC LIMIT 1) AS h ON true
WHERE h.to_state IS DISTINCT FROM o.state
"""


async def check_histories(database: asyncpg.Connection, findings: Findings, schemas: list[str]) -> None:
    """Check every order's history against the transition table."""
    if "order_dispatch" in schemas:
        for row in await database.fetch(HISTORY):
            findings.differ("order histories follow the transition table", row["subject"], row["problem"])


async def find_disagreements(database: asyncpg.Connection, schemas: list[str]) -> Findings:
    """Return where services disagree in this snapshot."""
    found = Findings()
    for rule, (needed, query) in (AGREEMENTS | order_lines.AGREEMENTS).items():
        if set(needed) <= set(schemas):
            found.count("agreements", 1)
            for row in await database.fetch(query):
                found.differ(rule, row["subject"], row["problem"])
    return found
