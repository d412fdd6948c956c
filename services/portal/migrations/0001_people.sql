-- Customers without anything personal; the row outlives the person, so that an id is never given twice.
CREATE TABLE customer (
    customer_id text        PRIMARY KEY,
    locale      text        NOT NULL,
    time_zone   text        NOT NULL,
    joined_at   timestamptz NOT NULL,
    erased_at   timestamptz
);

-- Everything personal, in one place, gone with one DELETE.
CREATE TABLE person (
    customer_id text  PRIMARY KEY REFERENCES customer,
    name        text  NOT NULL,
    email       text  NOT NULL,
    ship_to     jsonb NOT NULL
);

-- A device that left keeps its id and the number of its last registration, nothing else.
CREATE TABLE device (
    device_id         text        PRIMARY KEY,
    registration      integer     NOT NULL CHECK (registration >= 1),
    state             text        NOT NULL CHECK (state IN ('registered', 'replaced', 'deregistered')),
    customer_id       text        REFERENCES customer,
    model             text        NOT NULL DEFAULT '',
    serial            text,
    nonce             bytea,       -- the credential is derived from it and a key that is in no table
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
    PRIMARY KEY (device_id, slot)
);

-- Signed-in browsers, by the SHA-256 of their cookie.
CREATE TABLE session (
    token_sha256 bytea       PRIMARY KEY,
    customer_id  text        NOT NULL REFERENCES customer,
    csrf         text        NOT NULL,
    expires_at   timestamptz NOT NULL -- real time
);
CREATE INDEX session_by_customer ON session (customer_id);

-- Links that sign in once, by the SHA-256 of their token.
CREATE TABLE sign_in_link (
    token_sha256 bytea       PRIMARY KEY,
    customer_id  text        NOT NULL REFERENCES customer,
    expires_at   timestamptz NOT NULL -- real time
);
CREATE INDEX sign_in_link_by_customer ON sign_in_link (customer_id);
