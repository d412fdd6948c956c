-- A provider's stock: what is kept for whom, what was announced, what goes off when.

ALTER TABLE account DROP CONSTRAINT account_place_check;
ALTER TABLE account ADD CONSTRAINT account_place_check CHECK (
    place IN ('supplier', 'in_transit', 'shelf', 'loaded', 'unexplained', 'available', 'allocated',
              'sold', 'expired', 'returned')
);

-- One row per holder and goods: an order's, a checkout's, or what somebody keeps by hand.
CREATE TABLE allocation (
    holder_id  text        NOT NULL,
    owner_id   text        NOT NULL,
    product_id text        NOT NULL,
    quantity   bigint      NOT NULL CHECK (quantity >= 0),
    state      text        NOT NULL CHECK (state IN ('open', 'shipped', 'released', 'returned')),
    shipped    bigint      NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    round      integer     NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (holder_id, owner_id, product_id),
    FOREIGN KEY (owner_id, product_id) REFERENCES stock,
    CONSTRAINT only_shipped_goods_left CHECK (shipped = 0 OR state IN ('shipped', 'returned'))
) WITH (fillfactor = 80);
COMMENT ON TABLE allocation IS 'Stock allocated is the sum of the open rows.';

-- Orders that ended before, or without, goods being kept for them: a late question is not answered by keeping any.
CREATE TABLE settled_order (
    order_id   text        PRIMARY KEY,
    outcome    text        NOT NULL,
    settled_at timestamptz NOT NULL
);
CREATE INDEX settled_order_by_age ON settled_order (settled_at);

CREATE TABLE restock (
    owner_id   text        NOT NULL,
    product_id text        NOT NULL,
    expected_at         timestamptz NOT NULL,
    quantity   bigint      NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (owner_id, product_id)
);
COMMENT ON TABLE restock IS 'What an owner announced to come; a shortage names it.';
