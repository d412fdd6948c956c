-- What was asked of the customer's money when goods left, for how much of them, and what the customer counted.
ALTER TABLE orders
    ADD COLUMN taken bigint NOT NULL DEFAULT 0 CHECK (taken >= 0),
    ADD COLUMN taken_for bigint NOT NULL DEFAULT 0 CHECK (taken_for >= 0),
    ADD COLUMN counted_quantity bigint CHECK (counted_quantity >= 0);

-- Every state is listed by one statement: a plan made for any of them cannot use an index that has not all.
DROP INDEX orders_in_state;
CREATE INDEX orders_in_state ON orders (state, drafted_at, order_id);

-- What a report of the arrival lowered since is not known any more; where the whole price was taken, all had left.
UPDATE orders SET
    taken = payment.taken,
    taken_for = CASE WHEN payment.taken >= least(orders.price, orders.billed) THEN orders.quantity
        ELSE least(orders.quantity, coalesce(orders.shipped_quantity, orders.quantity)) END
FROM (SELECT order_id, coalesce(nullif(captured, 0), capture_asked, 0) AS taken FROM payment) AS payment
WHERE payment.order_id = orders.order_id AND payment.taken > 0;
UPDATE orders SET counted_quantity = claim.received
FROM claim
WHERE claim.order_id = orders.order_id AND claim.received < coalesce(orders.shipped_quantity, orders.quantity);

-- Whose tokens may still be good although they left: nothing of theirs is kept any more.
CREATE TABLE erased_customer (
    customer_id text PRIMARY KEY,
    erased_at timestamptz NOT NULL
);
INSERT INTO erased_customer (customer_id, erased_at)
SELECT customer_id, min(erased_at) FROM orders WHERE erased_at IS NOT NULL GROUP BY customer_id;
