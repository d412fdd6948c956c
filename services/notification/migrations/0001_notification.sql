-- Schema of notification: messages decided on, the choices of customers, and facts for the texts.

-- One row per decision, whether or not a mail is sent.
CREATE TABLE notice (
    notice_id text PRIMARY KEY,
    customer_id text NOT NULL,
    kind text NOT NULL,
    -- Order id, <order id>/<line or parcel> for a part of an order, or <pool id>/<epoch> if there is no order.
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
    -- The notice whose mail contains this one; set before the mail is sent, so that each attempt has the same content.
    sent_with text,
    UNIQUE (customer_id, kind, reference)
);
CREATE INDEX notice_by_customer ON notice (customer_id, decided_at, notice_id);
CREATE INDEX notice_that_may_pass ON notice (pool_id, kind, decided_at);
CREATE INDEX notice_by_order ON notice (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX notice_by_mail ON notice (sent_with) WHERE sent_with IS NOT NULL;

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
    name text NOT NULL,
    -- Providers of some protocols mail customers themselves. Empty until a ProviderChanged has named it.
    protocol text NOT NULL DEFAULT ''
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
    fee bigint,
    currency text,
    drafted_at timestamptz
);
CREATE INDEX known_order_by_customer ON known_order (customer_id);

-- States of a line by precedence: a late event never takes a line back to an earlier one.
CREATE TYPE line_state AS ENUM (
    'ordered', 'shipped', 'refused', 'cancelled', 'failed', 'delivered', 'short', 'returned'
);

-- The lines of orders, from the first event that names them.
CREATE TABLE order_line (
    order_id text NOT NULL,
    line_id text NOT NULL,
    customer_id text NOT NULL,
    product_id text NOT NULL,
    pool_id text NOT NULL,
    -- Empty if only events from before orders had lines name it.
    unit text,
    scale smallint,
    substitute text,
    state line_state NOT NULL,
    -- Quantity by parcel, so that a repeated event does not count twice; the key is empty without a parcel's id.
    shipped jsonb NOT NULL DEFAULT '{}',
    -- Terms, from the latest event that contains them.
    agreed_at timestamptz,
    position smallint,
    quantity bigint,
    packs integer,
    pack_size bigint,
    unit_price bigint,
    epoch integer,
    PRIMARY KEY (order_id, line_id)
);
CREATE INDEX order_line_by_customer ON order_line (customer_id);

-- Customers whose data was erased; later events about them are ignored.
CREATE TABLE erased_customer (
    customer_id text PRIMARY KEY
);
