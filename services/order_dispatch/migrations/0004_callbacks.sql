-- What providers sent us unasked, byte for byte, before anything was made of it. Signed by them, or it is not here.
CREATE TABLE callback (
    provider_id text NOT NULL,
    callback_id text NOT NULL,
    received_at timestamptz NOT NULL,
    headers jsonb NOT NULL,
    -- NULL once nobody may keep it any more; its digest stays, so that a repetition is still known.
    body bytea,
    digest bytea NOT NULL,
    order_id text,
    -- NULL until it was judged: a row like that is judged by the next repetition, or by a tick.
    verdict text CHECK (verdict IN ('applied', 'not_applied', 'refused', 'unmatched', 'repeated', 'unreadable')),
    reason text NOT NULL DEFAULT '',
    repeats integer NOT NULL DEFAULT 0,
    PRIMARY KEY (provider_id, callback_id)
);
CREATE INDEX callback_unjudged ON callback (received_at) WHERE verdict IS NULL;
CREATE INDEX callback_by_age ON callback (received_at) WHERE body IS NOT NULL;
CREATE INDEX callback_by_order ON callback (order_id) WHERE order_id IS NOT NULL;

-- Under what name a provider knows an order; written before the order is asked for.
CREATE TABLE order_reference (
    provider_id text NOT NULL,
    reference text NOT NULL,
    order_id text NOT NULL REFERENCES orders,
    PRIMARY KEY (provider_id, reference),
    UNIQUE (provider_id, order_id)
);

-- One single-use token per order. Kept is its hash; the nonce alone makes no token (see outward/tokens.py).
CREATE TABLE order_token (
    order_id text PRIMARY KEY REFERENCES orders,
    provider_id text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    nonce bytea NOT NULL,
    product_id text NOT NULL,
    packs integer NOT NULL,
    quantity bigint NOT NULL,
    unit text NOT NULL,
    scale smallint NOT NULL,
    ship_to_sha256 text,
    max_amount bigint CHECK (max_amount >= 0),
    currency text,
    issued_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    redeemed_at timestamptz,
    redeemed_amount bigint,
    CHECK ((max_amount IS NULL) = (currency IS NULL)),
    -- Whatever code asks: nothing is redeemed above its amount, or late.
    CHECK (redeemed_amount IS NULL OR redeemed_amount <= max_amount),
    CHECK (redeemed_at IS NULL OR redeemed_at <= expires_at)
);
