-- Each view named check_... lists what is wrong and is empty when the books balance.

CREATE VIEW check_transactions_sum_to_zero AS
SELECT t.number::text AS subject,
       format('%s entries sum to %s', count(e.*), coalesce(sum(e.quantity), 0)) AS problem
FROM ledger_transaction AS t LEFT JOIN ledger_entry AS e USING (number)
GROUP BY t.number
HAVING count(e.*) < 2 OR coalesce(sum(e.quantity), 0) <> 0;

CREATE VIEW check_balances_are_sums_of_entries AS
SELECT concat_ws('/', owner_id, product_id, place) AS subject,
       format('balance %s, entries sum to %s', coalesce(a.balance, 0), coalesce(s.total, 0)) AS problem
FROM account AS a
FULL JOIN (
    SELECT owner_id, product_id, place, sum(quantity) AS total FROM ledger_entry GROUP BY owner_id, product_id, place
) AS s USING (owner_id, product_id, place)
WHERE coalesce(a.balance, 0) <> coalesce(s.total, 0);

CREATE VIEW check_stock_is_its_accounts AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('total %s = available %s + allocated %s, accounts hold %s and %s',
              s.total, s.available, s.allocated, coalesce(a.available, 0), coalesce(a.allocated, 0)) AS problem
FROM stock AS s
LEFT JOIN (
    SELECT owner_id, product_id,
           sum(balance) FILTER (WHERE place IN ('shelf', 'available')) AS available,
           sum(balance) FILTER (WHERE place = 'allocated') AS allocated
    FROM account GROUP BY owner_id, product_id
) AS a USING (owner_id, product_id)
WHERE s.available <> coalesce(a.available, 0) OR s.allocated <> coalesce(a.allocated, 0)
   OR s.total <> s.available + s.allocated;

CREATE VIEW check_transit_is_its_consignments AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('%s in transit, consignments say %s', coalesce(a.balance, 0), coalesce(c.shipped, 0)) AS problem
FROM (SELECT owner_id, product_id, balance FROM account WHERE place = 'in_transit') AS a
FULL JOIN (
    SELECT owner_id, product_id, sum(shipped) AS shipped FROM consignment WHERE journey = 'in_transit'
    GROUP BY owner_id, product_id
) AS c USING (owner_id, product_id)
WHERE coalesce(a.balance, 0) <> coalesce(c.shipped, 0);

CREATE VIEW check_orders_are_credited_once AS
SELECT order_id AS subject, format('credited %s times', count(*)) AS problem
FROM ledger_transaction WHERE reason = 'delivered' AND order_id IS NOT NULL
GROUP BY order_id HAVING count(*) > 1;
