-- One row per customer and product; locking it serializes all decisions about the pool.
CREATE TABLE pool (
    pool_id         text        PRIMARY KEY,
    customer_id     text        NOT NULL,
    product_id      text        NOT NULL,
    epoch           bigint      NOT NULL DEFAULT 0,
    situation       text        NOT NULL DEFAULT 'held'
                    CHECK (situation IN ('armed', 'asking', 'followed', 'ordered', 'held')),
    hold            json,                   -- why nothing is ordered: {reason, wake_up, until}
    wait            json,                   -- a back-off that outlasts other holds, in the same form
    trigger         json,                   -- what consumption watches in the open epoch
    reconsider_at   timestamptz,            -- when the periodic job reassesses the pool at the latest
    shelf           bigint      NOT NULL DEFAULT 0,
    shelf_event     text,
    cancels         integer     NOT NULL DEFAULT 0,
    failures        integer     NOT NULL DEFAULT 0,
    low_reports     integer     NOT NULL DEFAULT 0,
    stale_crossings bigint      NOT NULL DEFAULT 0,
    changed_at      timestamptz NOT NULL,
    UNIQUE (customer_id, product_id)
) WITH (fillfactor = 70);
CREATE INDEX pool_due ON pool (reconsider_at) WHERE reconsider_at IS NOT NULL;

-- The latest registration, ended or not, so that a late event of an older one is ignored.
CREATE TABLE device (
    device_id    text    PRIMARY KEY,
    registration integer NOT NULL
);

CREATE TABLE slot (
    device_id    text             NOT NULL REFERENCES device,
    slot         text             NOT NULL,
    pool_id      text             NOT NULL REFERENCES pool,
    unit         text             NOT NULL,
    scale        integer          NOT NULL,
    capacity     bigint           NOT NULL,
    level        bigint           NOT NULL,
    uncertainty        double precision NOT NULL DEFAULT 0,
    rate_per_day double precision NOT NULL DEFAULT 0,
    level_event  text,
    level_at     timestamptz,
    answered     bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, slot)
) WITH (fillfactor = 70);
CREATE INDEX slot_by_pool ON slot (pool_id);

CREATE TABLE subscription (
    subscription_id text             PRIMARY KEY,
    number          bigint           GENERATED ALWAYS AS IDENTITY, -- in the order in which they were made
    pool_id         text             NOT NULL REFERENCES pool,
    customer_id     text             NOT NULL,
    product_id      text             NOT NULL,
    provider_id     text             NOT NULL,
    packs           integer          NOT NULL CHECK (packs > 0),
    pack_size       bigint           NOT NULL CHECK (pack_size > 0),
    mode            text             NOT NULL CHECK (mode IN ('auto', 'approve', 'notify')),
    status          text             NOT NULL CHECK (status IN ('active', 'paused', 'ended')),
    days            double precision NOT NULL CHECK (days >= 0),
    at_level        bigint           NOT NULL CHECK (at_level >= 0),
    reports         integer          NOT NULL CHECK (reports > 0),
    version         integer          NOT NULL,
    created_at      timestamptz      NOT NULL,
    changed_at      timestamptz      NOT NULL
);
CREATE UNIQUE INDEX one_subscription_per_pool ON subscription (pool_id) WHERE status <> 'ended';
CREATE INDEX subscription_by_customer ON subscription (customer_id);
CREATE INDEX subscription_by_offer ON subscription (provider_id, product_id) WHERE status = 'active';

CREATE TABLE provider (
    provider_id text    PRIMARY KEY,
    active      boolean NOT NULL
);
CREATE TABLE offer (
    provider_id text    NOT NULL,
    product_id  text    NOT NULL,
    pack_size   bigint  NOT NULL,
    price       bigint  NOT NULL,
    currency    text    NOT NULL,
    available   boolean NOT NULL,
    event       text,
    PRIMARY KEY (provider_id, product_id)
);

CREATE TABLE reorder (
    order_id   text        PRIMARY KEY,
    pool_id    text        NOT NULL REFERENCES pool,
    epoch      bigint      NOT NULL,
    quantity   bigint      NOT NULL,
    state      text        NOT NULL CHECK (state IN ('proposed', 'open', 'ended')),
    decided_at timestamptz NOT NULL,
    ended_at   timestamptz,
    CONSTRAINT one_order_per_epoch UNIQUE (pool_id, epoch)
);
CREATE UNIQUE INDEX one_open_order_per_pool ON reorder (pool_id) WHERE state <> 'ended';

CREATE TABLE erased_customer (
    customer_id text        PRIMARY KEY,
    erased_at   timestamptz NOT NULL
);
