-- An order's whole life: stock and payment before the provider is asked, calls to it, and what happens after the door.
INSERT INTO transition (from_state, to_state) VALUES
    ('drafted', 'reserving'), ('drafted', 'authorizing'),
    ('reserving', 'authorizing'), ('reserving', 'placing'), ('reserving', 'refused'), ('reserving', 'cancelled'),
    ('reserving', 'failed'),
    ('authorizing', 'placing'), ('authorizing', 'cancelled'), ('authorizing', 'failed'),
    ('placing', 'failed'),
    ('delivered', 'returned');

ALTER TABLE provider
    -- The file in payments/ that takes its customers' money; without one it bills them itself, or on account.
    ADD COLUMN payment text,
    ADD COLUMN url text,
    -- What its protocol wants to know besides.
    ADD COLUMN account jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(account) = 'object'),
    -- Sealed; never shown.
    ADD COLUMN secrets bytea,
    ADD COLUMN cancel_window_hours double precision CHECK (cancel_window_hours >= 0),
    ADD COLUMN modify_window_hours double precision CHECK (modify_window_hours >= 0),
    ADD COLUMN resolution_hours double precision NOT NULL DEFAULT 72 CHECK (resolution_hours > 0),
    ADD COLUMN allows_substitutes boolean NOT NULL DEFAULT false,
    ADD COLUMN test boolean NOT NULL DEFAULT false;

ALTER TABLE orders
    ADD COLUMN test boolean NOT NULL DEFAULT false,
    ADD COLUMN reserved_at timestamptz,
    ADD COLUMN authorized_at timestamptz,
    ADD COLUMN sent_at timestamptz,
    ADD COLUMN doubtful_until timestamptz,
    ADD COLUMN resolve_by timestamptz,
    -- What the provider calls the order.
    ADD COLUMN reference text,
    ADD COLUMN billed bigint CHECK (billed >= 0),
    ADD COLUMN billed_currency text,
    ADD COLUMN substitute text,
    ADD COLUMN returned_quantity bigint CHECK (returned_quantity > 0),
    ADD COLUMN given_back bigint NOT NULL DEFAULT 0 CHECK (given_back >= 0),
    ADD COLUMN payment_trouble text,
    ADD COLUMN fraud_at timestamptz,
    ADD COLUMN fraud_cleared_at timestamptz,
    ADD CHECK ((billed IS NULL) = (billed_currency IS NULL)),
    ADD CHECK ((returned_quantity IS NOT NULL) = (state = 'returned')),
    ADD CHECK (fraud_cleared_at IS NULL OR fraud_at IS NOT NULL),
    DROP CONSTRAINT orders_check1,
    ADD CONSTRAINT evidence_of_what_came CHECK ((state IN ('delivered', 'returned')) = (evidence IS NOT NULL)),
    DROP CONSTRAINT orders_check2,
    ADD CONSTRAINT only_what_is_awaited_is_looked_at
        CHECK (look_at IS NULL OR state IN ('placing', 'unknown', 'placed', 'shipped'));
UPDATE orders SET sent_at = history.occurred_at
FROM order_history AS history WHERE history.order_id = orders.order_id AND history.to_state = 'placing';

DROP INDEX one_open_order_per_pool;
CREATE UNIQUE INDEX one_open_order_per_pool ON orders (pool_id)
    WHERE state IN ('drafted', 'reserving', 'authorizing', 'placing', 'unknown', 'placed', 'shipped');
DROP INDEX orders_in_state;
CREATE INDEX orders_in_state ON orders (state, drafted_at, order_id)
    WHERE state NOT IN ('delivered', 'cancelled', 'returned');
CREATE INDEX orders_by_reference ON orders (provider_id, reference) WHERE reference IS NOT NULL;
-- A pool with such an order orders nothing.
CREATE INDEX orders_under_suspicion ON orders (pool_id) WHERE fraud_at IS NOT NULL AND fraud_cleared_at IS NULL;

-- Goods that were ordered and did not come.
CREATE TABLE claim (
    order_id text PRIMARY KEY REFERENCES orders,
    ordered bigint NOT NULL,
    received bigint NOT NULL CHECK (received >= 0),
    raised_at timestamptz NOT NULL,
    CHECK (received < ordered)
);
CREATE INDEX claim_by_age ON claim (raised_at, order_id);
