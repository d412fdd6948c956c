-- Each view named check_... lists violations and is normally empty.

CREATE VIEW check_every_active_pool_waits_for_something AS
SELECT p.pool_id AS subject,
       format('%s in epoch %s: hold %s, trigger %s, order %s', p.situation, p.epoch, p.hold, p.trigger, r.state) AS problem
FROM pool AS p
JOIN subscription AS s ON s.pool_id = p.pool_id AND s.status = 'active'
LEFT JOIN reorder AS r ON r.pool_id = p.pool_id AND r.state <> 'ended'
WHERE NOT CASE p.situation
    WHEN 'ordered' THEN coalesce(r.state = 'open', false)
    WHEN 'held' THEN coalesce(
        p.hold ->> 'reason' <> '' AND p.hold ->> 'wake_up' <> ''
        AND (p.hold ->> 'wake_up' <> 'time' OR p.reconsider_at IS NOT NULL)
        AND (p.hold ->> 'wake_up' <> 'approval' OR r.state = 'proposed'), false)
    ELSE p.trigger IS NOT NULL AND p.epoch > 0 AND r.state IS NULL
END;

CREATE VIEW check_one_open_order_per_pool AS
SELECT pool_id AS subject, format('%s open orders', count(*)) AS problem
FROM reorder WHERE state <> 'ended' GROUP BY pool_id HAVING count(*) > 1;

CREATE VIEW check_open_orders_are_waited_for AS
SELECT r.order_id AS subject, format('%s, and the pool is %s', r.state, p.situation) AS problem
FROM reorder AS r JOIN pool AS p USING (pool_id)
WHERE (r.state = 'open' AND p.situation <> 'ordered') OR (r.state = 'proposed' AND p.situation <> 'held');

CREATE VIEW check_orders_are_of_their_pools_past AS
SELECT r.order_id AS subject, format('of epoch %s, the pool is occurred_at %s', r.epoch, p.epoch) AS problem
FROM reorder AS r JOIN pool AS p USING (pool_id) WHERE r.epoch > p.epoch;

CREATE VIEW check_every_order_has_a_receipt AS
SELECT r.order_id AS subject, format('%s order without a receipt', r.state) AS problem
FROM reorder AS r
WHERE NOT EXISTS (SELECT FROM receipt AS t WHERE t.order_id = r.order_id AND t.outcome IN ('order', 'propose'));
