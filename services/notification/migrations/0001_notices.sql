-- One row per decision, whether or not a mail is sent.
CREATE TABLE notice (
    notice_id text PRIMARY KEY,
    customer_id text NOT NULL,
    kind text NOT NULL,
    -- Order id, or <pool id>/<epoch> if there is no order.
    reference text NOT NULL,
    order_id text,
    product_id text NOT NULL,
    pool_id text NOT NULL,
    epoch integer,
    state text NOT NULL CHECK (state IN ('due', 'sent', 'not_sent', 'withdrawn', 'refused')),
    reason text NOT NULL,
    details jsonb NOT NULL,
    decided_at timestamptz NOT NULL,
    completed_at timestamptz,
    UNIQUE (customer_id, kind, reference)
);
CREATE INDEX notice_by_customer ON notice (customer_id, decided_at, notice_id);
CREATE INDEX notice_that_may_pass ON notice (pool_id, kind, decided_at);

-- The customer's choices; the defaults are in domain/kinds.py.
CREATE TABLE preference (
    customer_id text NOT NULL,
    kind text NOT NULL,
    enabled boolean NOT NULL,
    PRIMARY KEY (customer_id, kind)
);

-- Facts from events, used to render mails.
CREATE TABLE provider (
    provider_id text PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE offer (
    provider_id text NOT NULL,
    product_id text NOT NULL,
    title text NOT NULL,
    PRIMARY KEY (provider_id, product_id)
);
CREATE INDEX offer_by_product ON offer (product_id);
CREATE TABLE slot (
    device_id text NOT NULL,
    slot text NOT NULL,
    customer_id text NOT NULL,
    product_id text NOT NULL,
    unit text NOT NULL,
    scale smallint NOT NULL,
    PRIMARY KEY (device_id, slot)
);
CREATE INDEX slot_by_product ON slot (customer_id, product_id);
-- The latest crossing of a pool.
CREATE TABLE crossing (
    pool_id text PRIMARY KEY,
    customer_id text NOT NULL,
    epoch integer NOT NULL,
    level bigint NOT NULL,
    rate_per_day double precision NOT NULL,
    run_out_at timestamptz
);
CREATE INDEX crossing_by_customer ON crossing (customer_id);
-- Facts from ReorderApproved and OrderDrafted, which may arrive in either order.
CREATE TABLE known_order (
    order_id text PRIMARY KEY,
    customer_id text NOT NULL,
    provider_id text NOT NULL,
    pool_id text NOT NULL,
    -- From ReorderApproved.
    epoch integer,
    needed_by timestamptz,
    -- From OrderDrafted.
    quantity bigint,
    price bigint,
    currency text
);
CREATE INDEX known_order_by_customer ON known_order (customer_id);
-- Erased customers: later events about them are not stored.
CREATE TABLE erased_customer (
    customer_id text PRIMARY KEY
);
