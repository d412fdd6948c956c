-- The table of moves; domain/states.py has the same one and a test compares them.
CREATE TABLE transition (
    from_state text NOT NULL,
    to_state text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO transition (from_state, to_state) VALUES
    ('drafted', 'placing'), ('drafted', 'cancelled'), ('drafted', 'failed'),
    ('placing', 'placed'), ('placing', 'unknown'), ('placing', 'refused'), ('placing', 'cancelled'),
    ('unknown', 'placed'), ('unknown', 'refused'), ('unknown', 'cancelled'), ('unknown', 'failed'),
    ('placed', 'shipped'), ('placed', 'cancelled'),
    ('shipped', 'delivered');

CREATE TABLE provider (
    provider_id text PRIMARY KEY CHECK (provider_id ~ '^[a-z0-9][a-z0-9-]{0,99}$'),
    name text NOT NULL,
    protocol text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    lead_time_days double precision CHECK (lead_time_days > 0)
);

CREATE TABLE offer (
    provider_id text NOT NULL REFERENCES provider,
    product_id text NOT NULL,
    title text NOT NULL,
    pack_size bigint NOT NULL CHECK (pack_size > 0),
    unit text NOT NULL,
    scale smallint NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    available boolean NOT NULL DEFAULT true,
    PRIMARY KEY (provider_id, product_id)
);

-- Where goods may go. A device that left stays as a row, so that an approval which comes later finds it.
CREATE TABLE device (
    device_id text PRIMARY KEY,
    customer_id text NOT NULL,
    registration integer NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'left'))
);
CREATE INDEX device_by_customer ON device (customer_id);

CREATE TABLE slot (
    device_id text NOT NULL REFERENCES device,
    slot text NOT NULL,
    unit text NOT NULL,
    scale smallint NOT NULL,
    -- Where the slot went on when its device was replaced.
    moved_device_id text,
    moved_slot text,
    PRIMARY KEY (device_id, slot),
    FOREIGN KEY (moved_device_id, moved_slot) REFERENCES slot,
    CHECK ((moved_device_id IS NULL) = (moved_slot IS NULL))
);

CREATE TABLE orders (
    order_id text PRIMARY KEY,
    customer_id text NOT NULL,
    product_id text NOT NULL,
    pool_id text NOT NULL,
    provider_id text NOT NULL,
    device_id text NOT NULL,
    slot text NOT NULL,
    packs integer NOT NULL CHECK (packs > 0),
    pack_size bigint NOT NULL CHECK (pack_size > 0),
    quantity bigint NOT NULL CHECK (quantity >= 0),
    unit text NOT NULL,
    scale smallint NOT NULL,
    receipt_id text NOT NULL,
    drafted_at timestamptz NOT NULL,
    price bigint CHECK (price >= 0),
    currency text,
    needed_by timestamptz,
    state text NOT NULL,
    step integer NOT NULL CHECK (step > 0),
    look_at timestamptz,
    asks integer NOT NULL DEFAULT 0,
    promised_at timestamptz,
    expected_at timestamptz,
    shipped_quantity bigint CHECK (shipped_quantity >= 0),
    tracking text,
    delivered_at timestamptz,
    evidence text CHECK (evidence IN ('reported', 'estimated')),
    cancel_by text,
    cancel_reason text,
    cancel_at timestamptz,
    -- Since then nothing a person wrote or could be found by is kept here.
    erased_at timestamptz,
    CHECK ((price IS NULL) = (currency IS NULL)),
    CHECK ((state = 'delivered') = (evidence IS NOT NULL)),
    CHECK (look_at IS NULL OR state NOT IN ('drafted', 'delivered', 'refused', 'cancelled', 'failed'))
);
-- reorder_decision promises one open order per pool; here a second net under the money.
CREATE UNIQUE INDEX one_open_order_per_pool ON orders (pool_id)
    WHERE state IN ('drafted', 'placing', 'unknown', 'placed', 'shipped');
CREATE INDEX orders_to_look_at ON orders (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX orders_in_state ON orders (state, drafted_at, order_id) WHERE state NOT IN ('delivered', 'cancelled');
CREATE INDEX orders_by_customer ON orders (customer_id, drafted_at, order_id);

-- Each move refers to the one before it and to the table of moves: an illegal one aborts its transaction.
CREATE TABLE order_history (
    order_id text NOT NULL REFERENCES orders,
    step integer NOT NULL,
    previous_step integer GENERATED ALWAYS AS (nullif(step - 1, 0)) STORED,
    from_state text,
    to_state text NOT NULL,
    occurred_at timestamptz NOT NULL,
    because text NOT NULL,
    -- The event that led to it, where there was one.
    cause text,
    PRIMARY KEY (order_id, step),
    UNIQUE (order_id, step, to_state),
    FOREIGN KEY (from_state, to_state) REFERENCES transition,
    FOREIGN KEY (order_id, previous_step, from_state) REFERENCES order_history (order_id, step, to_state),
    CHECK (step > 0 AND (step = 1) = (from_state IS NULL)),
    CHECK (step > 1 OR to_state = 'drafted')
);
-- An order is where its last move took it.
ALTER TABLE orders ADD FOREIGN KEY (order_id, step, state)
    REFERENCES order_history (order_id, step, to_state) DEFERRABLE INITIALLY DEFERRED;

-- What providers said, as they said it; (provider, update) is applied once.
CREATE TABLE provider_update (
    provider_id text NOT NULL,
    update_id text NOT NULL,
    order_id text NOT NULL,
    status text NOT NULL,
    occurred_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    fate text NOT NULL CHECK (fate IN ('applied', 'not_applied', 'refused', 'unmatched')),
    reason text NOT NULL DEFAULT '',
    -- How often it was said again after the first time.
    repeats integer NOT NULL DEFAULT 0,
    PRIMARY KEY (provider_id, update_id)
);
CREATE INDEX provider_update_by_order ON provider_update (order_id);
CREATE INDEX provider_update_left ON provider_update (provider_id, received_at) WHERE fate <> 'applied';
