-- How far each order's goods are; `delivered` is entered once, whatever comes twice.
CREATE TABLE consignment (
    order_id   text        PRIMARY KEY,
    owner_id   text        NOT NULL,
    product_id text        NOT NULL,
    journey    text        NOT NULL CHECK (journey IN ('ordered', 'in_transit', 'returned', 'delivered')),
    shipped    bigint      NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    changed_at timestamptz NOT NULL
);
CREATE INDEX consignment_by_stock ON consignment (owner_id, product_id);

-- The newest registration heard of. A device that left stays known, so that its late reports do not wait for it.
CREATE TABLE device (
    device_id    text    PRIMARY KEY,
    registration integer NOT NULL
);

CREATE TABLE slot (
    device_id   text    NOT NULL REFERENCES device,
    slot        text    NOT NULL,
    customer_id text    NOT NULL,
    product_id  text    NOT NULL,
    unit        text    NOT NULL,
    scale       integer NOT NULL,
    capacity    bigint  NOT NULL,
    fill        text    NOT NULL CHECK (fill IN ('add', 'replace')),
    PRIMARY KEY (device_id, slot)
);
CREATE INDEX slot_by_stock ON slot (customer_id, product_id);

CREATE TABLE product_unit (
    owner_id   text    NOT NULL,
    product_id text    NOT NULL,
    unit       text    NOT NULL,
    scale      integer NOT NULL,
    PRIMARY KEY (owner_id, product_id)
);
COMMENT ON TABLE product_unit IS 'What one step of an owner''s product is; outlives the slots, as goods on the shelf do.';

CREATE TABLE erased_customer (
    customer_id text        PRIMARY KEY,
    erased_at   timestamptz NOT NULL
);
