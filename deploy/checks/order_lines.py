"""Checks across services per line of an order: pool, goods, allocated stock and the customer's page."""

#: By rule: the schemas it needs, and a query for (subject, problem) of each violation.
AGREEMENTS: dict[str, tuple[tuple[str, ...], str]] = {
    "a line is open for its pool as long as it is open at its provider": (
        ("reorder_decision", "order_dispatch"),
        """
        SELECT concat_ws('/', order_id, l.line_id) AS subject,
               format('reorder_decision has %s, order_dispatch %s',
                      coalesce(r.state, 'nothing'), coalesce(l.state, 'nothing')) AS problem
        FROM (SELECT * FROM reorder_decision.reorder WHERE state <> 'proposed') AS r
        FULL JOIN order_dispatch.order_line AS l USING (order_id, pool_id)
        LEFT JOIN order_dispatch.orders AS o USING (order_id)
        WHERE (coalesce(r.state, 'ended') = 'open') <> (coalesce(l.state, 'cancelled') IN ('ordered', 'shipped'))
          AND NOT EXISTS (SELECT FROM reorder_decision.erased_customer AS e WHERE e.customer_id = o.customer_id)
        """,
    ),
    "a line answers the epoch in which its pool ordered": (
        ("reorder_decision", "order_dispatch"),
        """
        SELECT concat_ws('/', l.order_id, l.line_id) AS subject,
               format('%s ordered it in epoch %s, the line has %s', l.pool_id, r.epoch, l.epoch) AS problem
        FROM order_dispatch.order_line AS l JOIN reorder_decision.reorder AS r USING (order_id, pool_id)
        WHERE l.epoch <> r.epoch
        """,
    ),
    "goods of a line are in transit or credited as it was shipped or delivered": (
        ("order_dispatch", "inventory"),
        """
        SELECT concat_ws('/', l.order_id, l.line_id) AS subject,
               format('order_dispatch has %s, %s left; inventory has %s, %s left', l.state,
                      coalesce(l.shipped_quantity, 0), coalesce(c.journey, 'nothing'), coalesce(c.shipped, 0))
                   AS problem
        FROM order_dispatch.order_line AS l
        JOIN order_dispatch.orders AS o USING (order_id)
        LEFT JOIN inventory.consignment AS c USING (order_id, line_id)
        WHERE NOT o.test AND NOT CASE
            WHEN l.state = 'shipped'
                THEN coalesce(c.journey, 'nothing') = 'in_transit' AND c.shipped = l.shipped_quantity
            WHEN l.state IN ('delivered', 'short', 'substituted', 'returned')
                THEN coalesce(c.journey, 'nothing') = 'delivered'
            ELSE coalesce(c.journey, 'ordered') IN ('ordered', 'cancelled', 'returned') END
        """,
    ),
    "a line is credited with the quantity that was delivered": (
        ("order_dispatch", "inventory"),
        """
        SELECT concat_ws('/', order_id, line_id) AS subject,
               format('%s delivered, %s credited', coalesce(l.quantity, 0), coalesce(t.quantity, 0)) AS problem
        FROM (
            SELECT l.order_id, l.line_id, l.shipped_quantity AS quantity
            FROM order_dispatch.order_line AS l JOIN order_dispatch.orders AS o USING (order_id)
            WHERE l.state IN ('delivered', 'short', 'substituted', 'returned') AND NOT o.test
        ) AS l
        FULL JOIN (
            SELECT t.order_id, t.line_id, sum(e.quantity) AS quantity
            FROM inventory.ledger_transaction AS t JOIN inventory.ledger_entry AS e USING (number, owner_id, product_id)
            WHERE t.reason = 'delivered' AND t.line_id IS NOT NULL AND e.place = 'shelf'
            GROUP BY t.order_id, t.line_id
        ) AS t USING (order_id, line_id)
        WHERE coalesce(l.quantity, 0) <> coalesce(t.quantity, 0)
        """,
    ),
    "a shipment holds the same of each line in both services": (
        ("order_dispatch", "inventory"),
        """
        SELECT concat_ws('/', order_id, line_id, shipment_id) AS subject,
               format('order_dispatch has %s, inventory %s', coalesce(s.quantity, 0), coalesce(p.quantity, 0))
                   AS problem
        FROM order_dispatch.shipment_line AS s
        FULL JOIN inventory.shipment_line AS p USING (order_id, line_id, shipment_id)
        WHERE coalesce(s.quantity, 0) <> coalesce(p.quantity, 0)
        """,
    ),
    "stock is allocated to a line only while it is to leave": (
        ("order_dispatch", "inventory"),
        """
        SELECT concat_ws('/', l.order_id, l.line_id) AS subject,
               format('the line is %s, its allocation is %s', l.state, coalesce(a.state, 'missing')) AS problem
        FROM order_dispatch.order_line AS l
        JOIN order_dispatch.orders AS o USING (order_id)
        LEFT JOIN inventory.allocation AS a ON (a.holder_id, a.line_id) = (l.order_id, l.line_id)
        WHERE (a.state = 'open' AND l.state NOT IN ('ordered', 'shipped'))
           OR (o.reserved_at IS NOT NULL AND l.state = 'ordered' AND a.state IS DISTINCT FROM 'open')
        """,
    ),
    "a slot is filled by delivered lines only": (
        ("order_dispatch", "consumption"),
        """
        SELECT concat_ws('/', f.order_id, f.line_id) AS subject,
               format('it filled %s/%s, order_dispatch has %s', f.device_id, f.slot, coalesce(l.state, 'nothing'))
                   AS problem
        FROM consumption.loaded_line AS f LEFT JOIN order_dispatch.order_line AS l USING (order_id, line_id)
        WHERE coalesce(l.state, 'nothing') NOT IN ('delivered', 'short', 'substituted', 'returned')
        """,
    ),
    "the customer sees an order as ended when no line is open": (
        ("order_dispatch", "portal"),
        """
        SELECT v.order_id AS subject,
               format('the page has it as %s, %s of its lines are open',
                      CASE WHEN v.ended THEN 'ended' ELSE 'open' END, l.open_lines) AS problem
        FROM portal.order_view AS v
        JOIN (
            SELECT order_id, count(*) FILTER (WHERE state IN ('ordered', 'shipped')) AS open_lines
            FROM order_dispatch.order_line GROUP BY order_id
        ) AS l USING (order_id)
        WHERE v.ended <> (l.open_lines = 0)
        """,
    ),
}
