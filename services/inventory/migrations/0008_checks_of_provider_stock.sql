-- What must hold of provider stock; each view is empty when it does.

CREATE VIEW check_nothing_is_negative AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('total %s, available %s, allocated %s', total, available, allocated) AS problem
FROM stock WHERE total <> available + allocated OR available < 0 OR allocated < 0;

CREATE VIEW check_allocated_is_its_open_allocations AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('allocated %s, open allocations sum to %s', coalesce(s.allocated, 0), coalesce(a.quantity, 0)) AS problem
FROM stock AS s
FULL JOIN (
    SELECT owner_id, product_id, sum(quantity) AS quantity FROM allocation WHERE state = 'open'
    GROUP BY owner_id, product_id
) AS a USING (owner_id, product_id)
WHERE coalesce(s.allocated, 0) <> coalesce(a.quantity, 0);

-- Each holder's own bookings make up what is kept for it: one allocation, until it is released or shipped.
CREATE VIEW check_allocations_are_their_bookings AS
SELECT concat_ws('/', holder_id, owner_id, product_id) AS subject,
       format('kept %s, its bookings sum to %s', coalesce(a.quantity, 0), coalesce(b.quantity, 0)) AS problem
FROM (SELECT holder_id, owner_id, product_id, quantity FROM allocation WHERE state = 'open' AND holder_id <> 'by hand') AS a
FULL JOIN (
    SELECT t.order_id AS holder_id, e.owner_id, e.product_id, sum(e.quantity) AS quantity
    FROM ledger_entry AS e JOIN ledger_transaction AS t USING (number)
    WHERE e.place = 'allocated' AND t.order_id IS NOT NULL
    GROUP BY t.order_id, e.owner_id, e.product_id
) AS b USING (holder_id, owner_id, product_id)
WHERE coalesce(a.quantity, 0) <> coalesce(b.quantity, 0);

-- The ledger replayed: at no moment was more kept, or for sale, than there was.
CREATE VIEW check_nothing_was_ever_oversold AS
SELECT concat_ws('/', owner_id, product_id, place) AS subject,
       format('%s after transaction %s', balance, number) AS problem
FROM (
    SELECT owner_id, product_id, place, number,
           sum(quantity) OVER (PARTITION BY owner_id, product_id, place ORDER BY number) AS balance
    FROM ledger_entry WHERE place IN ('available', 'allocated', 'shelf', 'in_transit', 'returned')
) AS replayed
WHERE balance < 0;

CREATE VIEW check_paid_goods_are_kept AS
SELECT concat_ws('/', l.checkout_id, l.owner_id, l.product_id) AS subject,
       format('%s, wants %s, %s kept', c.state, l.quantity, coalesce(a.quantity, 0)) AS problem
FROM checkout_line AS l
JOIN checkout AS c USING (checkout_id)
LEFT JOIN allocation AS a ON (a.holder_id, a.owner_id, a.product_id) = (l.checkout_id, l.owner_id, l.product_id)
                         AND a.state = 'open'
WHERE CASE WHEN c.state IN ('paying', 'paid') THEN coalesce(a.quantity, 0) <> l.quantity
           WHEN c.state = 'unpaid' THEN coalesce(a.quantity, l.quantity) <> l.quantity
           ELSE a.quantity IS NOT NULL END;

CREATE VIEW check_lots_are_in_stock AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('lots sum to %s, the stock is %s', sum(l.quantity), s.total) AS problem
FROM lot AS l JOIN stock AS s USING (owner_id, product_id)
GROUP BY owner_id, product_id, s.total HAVING sum(l.quantity) > s.total;
