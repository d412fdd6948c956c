-- Goods that go off: of everything an owner has, so much may be sold until that day. The oldest leave first.
CREATE TABLE lot (
    owner_id   text   NOT NULL,
    product_id text   NOT NULL,
    expires_on date   NOT NULL,
    quantity   bigint NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (owner_id, product_id, expires_on),
    FOREIGN KEY (owner_id, product_id) REFERENCES stock
);
CREATE INDEX lot_by_age ON lot (expires_on) WHERE quantity > 0;
COMMENT ON TABLE lot IS 'What is there, available or allocated, by its last day; the rest of the stock has none.';
