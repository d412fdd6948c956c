-- From cart to shipment for who sells directly: a cart keeps nothing, a checkout while it is being paid and after.

CREATE TABLE cart (
    cart_id     text        PRIMARY KEY,
    customer_id text        NOT NULL,
    checkout_id text,                     -- what became of it
    changed_at  timestamptz NOT NULL
);
CREATE INDEX cart_by_age ON cart (changed_at);

CREATE TABLE cart_item (
    cart_id    text   NOT NULL REFERENCES cart ON DELETE CASCADE,
    owner_id   text   NOT NULL,
    product_id text   NOT NULL,
    quantity   bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (cart_id, owner_id, product_id)
);

CREATE TABLE checkout (
    checkout_id text        PRIMARY KEY,
    customer_id text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('unpaid', 'paying', 'paid', 'shipped', 'cancelled', 'expired')),
    expires_at  timestamptz,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    CONSTRAINT only_the_unpaid_expire CHECK ((state IN ('unpaid', 'paying')) = (expires_at IS NOT NULL))
);
CREATE INDEX checkout_by_expiry ON checkout (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE checkout_line (
    checkout_id text   NOT NULL REFERENCES checkout,
    owner_id    text   NOT NULL,
    product_id  text   NOT NULL,
    quantity    bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (checkout_id, owner_id, product_id)
);
