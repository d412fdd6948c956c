-- Schema of portal: people and devices, sign-in, and the read model of the pages.

-- Customers, without personal data. The row stays after erasure, so that an id is never reused.
CREATE TABLE customer (
    customer_id text        PRIMARY KEY,
    locale      text        NOT NULL,
    time_zone   text        NOT NULL,
    joined_at   timestamptz NOT NULL,
    erased_at   timestamptz
);

-- All personal data; one DELETE erases a person.
CREATE TABLE person (
    customer_id text  PRIMARY KEY REFERENCES customer,
    name        text  NOT NULL,
    email       text  NOT NULL CHECK (email ~ '^[!-?A-~]+@[^@[:space:][:cntrl:]]+$'), -- its domain may be Unicode
    ship_to     jsonb NOT NULL CHECK (ship_to ->> 'country' ~ '^[A-Z]{2}$')
);

-- A device that left keeps only its id and the number of its last registration.
CREATE TABLE device (
    device_id         text        PRIMARY KEY,
    registration      integer     NOT NULL CHECK (registration >= 1),
    state             text        NOT NULL CHECK (state IN ('registered', 'replaced', 'deregistered')),
    customer_id       text        REFERENCES customer,
    model             text        NOT NULL DEFAULT '',
    serial            text,
    nonce             bytea,       -- the credential is derived from it and a key outside the database
    credential_sha256 bytea,
    registered_at     timestamptz NOT NULL,
    ended_at          timestamptz,
    CHECK ((state = 'registered') = (customer_id IS NOT NULL AND nonce IS NOT NULL AND credential_sha256 IS NOT NULL))
);
CREATE INDEX device_by_customer ON device (customer_id);

CREATE TABLE device_slot (
    device_id  text    NOT NULL REFERENCES device,
    slot       text    NOT NULL,
    position   integer NOT NULL,
    name       text    NOT NULL,
    product_id text    NOT NULL,
    unit       text    NOT NULL,
    scale      integer NOT NULL,
    capacity   bigint  NOT NULL,
    level      bigint  NOT NULL,
    loading    text    NOT NULL,
    fill       text    NOT NULL,
    unit_system text   CHECK (unit_system IN ('us', 'imperial')),
    PRIMARY KEY (device_id, slot)
);

-- Sessions of customers, by the SHA-256 of their cookie.
CREATE TABLE session (
    token_sha256 bytea       PRIMARY KEY,
    customer_id  text        NOT NULL REFERENCES customer,
    csrf         text        NOT NULL,
    expires_at   timestamptz NOT NULL -- wall-clock time, also in simulations
);
CREATE INDEX session_by_customer ON session (customer_id);

-- Single-use sign-in links, by the SHA-256 of their token.
CREATE TABLE sign_in_link (
    token_sha256 bytea       PRIMARY KEY,
    customer_id  text        NOT NULL REFERENCES customer,
    expires_at   timestamptz NOT NULL -- wall-clock time, also in simulations
);
CREATE INDEX sign_in_link_by_customer ON sign_in_link (customer_id);

-- Sign-in of providers: a key for programs and sessions for browsers. Only digests are stored.
CREATE TABLE provider_key (
    provider_id text        PRIMARY KEY,
    key_sha256  bytea       NOT NULL UNIQUE,
    made_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE shop_session (
    token_sha256 bytea       PRIMARY KEY,
    provider_id  text        NOT NULL REFERENCES provider_key ON DELETE CASCADE,
    csrf         text        NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX shop_session_by_provider ON shop_session (provider_id);
CREATE INDEX shop_session_by_age ON shop_session (expires_at);

-- Read model of the pages, built from events of other services, which own the facts.

-- Level of a slot in the latest event; current levels come from the API of consumption.
CREATE TABLE slot_view (
    device_id    text        NOT NULL,
    slot         text        NOT NULL,
    customer_id  text        NOT NULL,
    level        bigint      NOT NULL,
    rate_per_day double precision,
    run_out_at   timestamptz,
    anomaly      text,       -- why a person should check the slot
    occurred_at  timestamptz NOT NULL,
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

-- Why a product is not ordered at the moment, or that its order awaits approval.
CREATE TABLE wait_view (
    customer_id   text        NOT NULL,
    product_id    text        NOT NULL,
    reason        text        NOT NULL,
    wake_up       text        NOT NULL,
    reconsider_at timestamptz,
    order_id      text,
    occurred_at   timestamptz NOT NULL,
    provider_id   text,
    since         timestamptz,                   -- of a pause at the provider, or of the end of the link with it
    test          boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (customer_id, product_id)
);

-- Slots of devices that are linked with a provider: paused there or not, and the products chosen there.
CREATE TABLE linked_slot_view (
    device_id   text        NOT NULL,
    slot        text        NOT NULL,
    provider_id text        NOT NULL,
    customer_id text        NOT NULL,
    subscribed  boolean     NOT NULL,
    items       jsonb       NOT NULL,             -- each with the provider's reference and, if known, the quantity
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (device_id, slot, provider_id)
);
CREATE INDEX linked_slot_view_by_customer ON linked_slot_view (customer_id);

CREATE TABLE shelf_view (
    customer_id text        NOT NULL,
    product_id  text        NOT NULL,
    shelf       bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);

CREATE TABLE order_view (
    order_id    text        PRIMARY KEY,
    customer_id text        NOT NULL,
    began_at    timestamptz NOT NULL, -- time of its earliest event
    ended       boolean     NOT NULL  -- no line is open any more
);
CREATE INDEX order_view_by_customer ON order_view (customer_id, ended, began_at DESC);

-- Events of an order, from which state and lines are derived; rows are only inserted, so their order does not matter.
-- The reason of an end over suspected fraud is replaced by 'on_hold': the customer does not see the suspicion.
CREATE TABLE order_event_view (
    order_id     text  NOT NULL REFERENCES order_view ON DELETE CASCADE,
    event_sha256 bytea NOT NULL, -- of type and data
    type         text  NOT NULL,
    data         jsonb NOT NULL,
    PRIMARY KEY (order_id, event_sha256)
);

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
    occurred_at timestamptz NOT NULL,
    order_id    text
);
CREATE INDEX notice_view_by_customer ON notice_view (customer_id, occurred_at DESC);

-- One row for each change of a customer's page. Rows are only inserted, so that two replicas which write for the same
-- customers in different orders never wait for each other.
CREATE TABLE touch (
    customer_id text        NOT NULL,
    number      bigint      GENERATED ALWAYS AS IDENTITY,
    touched_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, number)
);
CREATE INDEX touch_by_age ON touch (touched_at);
