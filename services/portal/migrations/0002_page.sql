-- What the page shows: a reading of other services' events, never the truth itself.

-- Level of a slot in the latest event; current levels come from the API of consumption.
CREATE TABLE slot_view (
    device_id    text        NOT NULL,
    slot         text        NOT NULL,
    customer_id  text        NOT NULL,
    level        bigint      NOT NULL,
    rate_per_day double precision,
    run_out_at   timestamptz,
    anomaly      text,       -- why a person should look at it
    occurred_at           timestamptz NOT NULL,
    PRIMARY KEY (device_id, slot)
);
CREATE INDEX slot_view_by_customer ON slot_view (customer_id);

CREATE TABLE subscription_view (
    subscription_id text    PRIMARY KEY,
    customer_id     text    NOT NULL,
    product_id      text    NOT NULL,
    provider_id     text    NOT NULL,
    packs           integer NOT NULL,
    pack_size       bigint  NOT NULL,
    mode            text    NOT NULL,
    status          text    NOT NULL
);
CREATE INDEX subscription_view_by_customer ON subscription_view (customer_id);

-- Why nothing is ordered for a product just now, or that somebody must say yes.
CREATE TABLE wait_view (
    customer_id   text        NOT NULL,
    product_id    text        NOT NULL,
    reason        text        NOT NULL,
    wake_up       text        NOT NULL,
    reconsider_at timestamptz,
    order_id      text,
    occurred_at            timestamptz NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);

CREATE TABLE shelf_view (
    customer_id text        NOT NULL,
    product_id  text        NOT NULL,
    shelf       bigint      NOT NULL,
    occurred_at          timestamptz NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);

CREATE TABLE order_view (
    order_id    text        PRIMARY KEY,
    customer_id text        NOT NULL,
    product_id  text        NOT NULL,
    provider_id text        NOT NULL,
    state       text        NOT NULL,
    packs       integer,
    quantity    bigint,
    price       bigint,
    currency    text,
    expected_at timestamptz,
    tracking    text,
    reason      text,
    began_at    timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL
);
CREATE INDEX order_view_by_customer ON order_view (customer_id, began_at DESC);

CREATE TABLE provider_view (
    provider_id text PRIMARY KEY,
    name        text NOT NULL
);

CREATE TABLE offer_view (
    provider_id text    NOT NULL,
    product_id  text    NOT NULL,
    title       text    NOT NULL,
    pack_size   bigint  NOT NULL,
    price       bigint  NOT NULL,
    currency    text    NOT NULL,
    PRIMARY KEY (provider_id, product_id)
);

CREATE TABLE notice_view (
    notice_id   text        PRIMARY KEY,
    customer_id text        NOT NULL,
    kind        text        NOT NULL,
    channel     text        NOT NULL,
    product_id  text,
    occurred_at          timestamptz NOT NULL
);
CREATE INDEX notice_view_by_customer ON notice_view (customer_id, occurred_at DESC);

-- One row whenever something a customer sees has changed. Only added to, so that two replicas that
-- write for the same customers in different orders never wait for each other.
CREATE TABLE touch (
    customer_id text        NOT NULL,
    number      bigint      GENERATED ALWAYS AS IDENTITY,
    touched_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, number)
);
CREATE INDEX touch_by_age ON touch (touched_at);
