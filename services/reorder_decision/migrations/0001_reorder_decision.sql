-- Schema of reorder_decision: pools and their slots, subscriptions, offers, providers' records, decisions.

-- One row per customer and product; locking it serializes all decisions about the pool.
CREATE TABLE pool (
    pool_id         text        PRIMARY KEY,
    customer_id     text        NOT NULL,
    product_id      text        NOT NULL,
    epoch           bigint      NOT NULL DEFAULT 0,
    situation       text        NOT NULL DEFAULT 'held'
                    CHECK (situation IN ('armed', 'asking', 'followed', 'collecting', 'ordered', 'held')),
    hold            json,                   -- why nothing is ordered: {reason, wake_up, until}
    wait            json,                   -- a back-off that outlasts other holds, in the same form
    trigger         json,                   -- what consumption watches in the open epoch
    reconsider_at   timestamptz,            -- when the periodic job reassesses the pool at the latest
    collect_until   timestamptz,            -- when a collecting pool is ordered at the latest
    avoided         text[]      NOT NULL DEFAULT '{}', -- providers whose order for the current need ended undelivered
    shelf           bigint      NOT NULL DEFAULT 0,
    shelf_event     text,
    cancels         integer     NOT NULL DEFAULT 0,
    failures        integer     NOT NULL DEFAULT 0,
    low_reports     integer     NOT NULL DEFAULT 0,
    stale_crossings bigint      NOT NULL DEFAULT 0,
    changed_at      timestamptz NOT NULL,
    UNIQUE (customer_id, product_id),
    CHECK ((situation = 'collecting') = (collect_until IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX pool_due ON pool (reconsider_at) WHERE reconsider_at IS NOT NULL;
-- Not on `situation`, whose changes would then no longer be HOT updates.
CREATE INDEX pool_collecting ON pool (customer_id) WHERE collect_until IS NOT NULL;

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
    uncertainty  double precision NOT NULL DEFAULT 0,
    rate_per_day double precision NOT NULL DEFAULT 0,
    level_event  text,
    level_at     timestamptz,
    answered     bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, slot)
) WITH (fillfactor = 70);
CREATE INDEX slot_by_pool ON slot (pool_id);

-- The latest link of each device with a provider that knows the customer; an ended one stays.
CREATE TABLE link (
    device_id   text        NOT NULL,
    provider_id text        NOT NULL,
    link_id     text,                    -- NULL until LinkCreated is consumed
    customer_id text        NOT NULL,
    active      boolean     NOT NULL,
    changed_at  timestamptz NOT NULL,    -- when it was created or ended
    PRIMARY KEY (device_id, provider_id)
);
CREATE INDEX link_by_customer ON link (customer_id);

-- Slots as their provider reports them: whether they are paused there, and the products chosen there.
CREATE TABLE linked_slot (
    device_id   text        NOT NULL,
    provider_id text        NOT NULL,
    slot        text        NOT NULL,
    subscribed  boolean     NOT NULL,
    items       text[]      NOT NULL DEFAULT '{}',
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (device_id, provider_id, slot),
    FOREIGN KEY (device_id, provider_id) REFERENCES link ON DELETE CASCADE
);

CREATE TABLE subscription (
    subscription_id text             PRIMARY KEY,
    number          bigint           GENERATED ALWAYS AS IDENTITY, -- in the order in which they were made
    pool_id         text             NOT NULL REFERENCES pool,
    customer_id     text             NOT NULL,
    product_id      text             NOT NULL,
    provider_id     text             NOT NULL,
    alternatives    text[]           NOT NULL DEFAULT '{}', -- providers to use if this one cannot deliver
    packs           integer          NOT NULL CHECK (packs > 0),
    pack_size       bigint           NOT NULL CHECK (pack_size > 0),
    mode            text             NOT NULL CHECK (mode IN ('auto', 'approve', 'notify')),
    status          text             NOT NULL CHECK (status IN ('active', 'paused', 'ended')),
    days            double precision NOT NULL CHECK (days >= 0),
    at_level        bigint           NOT NULL CHECK (at_level >= 0),
    reports         integer          NOT NULL CHECK (reports > 0),
    collect_hours   double precision NOT NULL DEFAULT 0 CHECK (collect_hours BETWEEN 0 AND 168),
    version         integer          NOT NULL,
    created_at      timestamptz      NOT NULL,
    changed_at      timestamptz      NOT NULL
);
CREATE UNIQUE INDEX one_subscription_per_pool ON subscription (pool_id) WHERE status <> 'ended';
CREATE INDEX subscription_by_customer ON subscription (customer_id);
CREATE INDEX subscription_by_offer ON subscription (provider_id, product_id) WHERE status = 'active';
-- Finds pools whose alternative provider changed an offer.
CREATE INDEX subscription_by_alternative ON subscription USING gin (alternatives) WHERE status = 'active';

CREATE TABLE provider (
    provider_id    text             PRIMARY KEY,
    active         boolean          NOT NULL,
    lead_time_days double precision,             -- as stated by the provider
    test           boolean          NOT NULL DEFAULT false, -- its orders are test orders
    needs_link     boolean          NOT NULL DEFAULT false  -- it takes orders only for linked devices
);

CREATE TABLE offer (
    provider_id text    NOT NULL,
    product_id  text    NOT NULL,
    pack_size   bigint  NOT NULL,
    unit        text,                        -- of pack_size; unknown until the next OfferChanged
    scale       integer NOT NULL DEFAULT 0,
    price       bigint  NOT NULL,
    currency    text    NOT NULL,
    available   boolean NOT NULL,
    event       text,
    PRIMARY KEY (provider_id, product_id)
);

-- Order lines of pools; the lines of one order have the same order_id.
CREATE TABLE reorder (
    order_id    text        NOT NULL,            -- changes if order_dispatch splits the order
    decided_id  text,                            -- the order id in the receipt, if order_id has changed
    pool_id     text        NOT NULL REFERENCES pool,
    epoch       bigint      NOT NULL,
    provider_id text,
    quantity    bigint      NOT NULL,
    price       bigint,
    state       text        NOT NULL CHECK (state IN ('proposed', 'open', 'ended')),
    decided_at  timestamptz NOT NULL,
    promised_at timestamptz,                     -- the first date the provider gave
    promised_date date,                          -- if it named no time; promised_at is the end of that day
    ended_at    timestamptz,
    -- Result; a periodic job adds it to the provider's record and sets `counted`.
    result      text        CHECK (result IN ('delivered', 'broken')),
    finished_at timestamptz,                     -- reported time of delivery
    received    bigint,
    billed      bigint,
    counted     boolean     NOT NULL DEFAULT false,
    CONSTRAINT one_order_per_epoch PRIMARY KEY (pool_id, epoch),
    CONSTRAINT one_line_per_pool UNIQUE (order_id, pool_id)
);
CREATE UNIQUE INDEX one_open_order_per_pool ON reorder (pool_id) WHERE state <> 'ended';
CREATE INDEX reorder_to_count ON reorder (pool_id, epoch) WHERE result IS NOT NULL AND NOT counted;

-- Every decision with its inputs. `json`, unlike `jsonb`, keeps the text, so that a replay can be compared byte by byte.
CREATE TABLE receipt (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receipt_id  text        NOT NULL UNIQUE,
    customer_id text        NOT NULL,
    pool_id     text        NOT NULL,
    epoch       bigint      NOT NULL,
    order_id    text,                       -- as decided: the order it placed, proposed or dropped; NULL for a hold
    outcome     text        NOT NULL CHECK (outcome IN ('order', 'propose', 'hold', 'decline')),
    reason      text        NOT NULL,
    decided_at  timestamptz NOT NULL,
    inputs      json        NOT NULL,
    decision    json        NOT NULL
);
CREATE INDEX receipt_by_customer ON receipt (customer_id, number);
CREATE INDEX receipt_by_order ON receipt (order_id, number) WHERE order_id IS NOT NULL;

-- Counts and sums over a provider's orders of a product; contains no customer data.
CREATE TABLE scorecard (
    provider_id  text               NOT NULL,
    product_id   text               NOT NULL,
    delivered    bigint             NOT NULL DEFAULT 0,
    broken       bigint             NOT NULL DEFAULT 0, -- refused, failed, or cancelled by the provider
    promised     bigint             NOT NULL DEFAULT 0, -- delivered at a reported time, with a promised date
    on_time      bigint             NOT NULL DEFAULT 0, -- of promised
    short        bigint             NOT NULL DEFAULT 0, -- delivered, and less than ordered
    filled       double precision   NOT NULL DEFAULT 0, -- sum of received / ordered, at most 1 each
    priced       bigint             NOT NULL DEFAULT 0, -- delivered, and both prices are known
    dearness     double precision   NOT NULL DEFAULT 0, -- sum of billed / agreed
    lead_days    double precision[] NOT NULL DEFAULT '{}', -- from order to delivery, newest last
    learned_days double precision,
    trigger_days double precision,                      -- value in the triggers of pools; a change marks them due
    PRIMARY KEY (provider_id, product_id),
    CHECK (on_time <= promised AND promised <= delivered AND short <= delivered AND priced <= delivered)
);

CREATE VIEW scorecard_view AS
SELECT r.provider_id, r.product_id, r.delivered, r.broken, r.promised, r.on_time, r.short, r.filled, r.priced,
       r.dearness, r.lead_days, r.learned_days, p.lead_time_days AS stated_days
FROM scorecard AS r LEFT JOIN provider AS p USING (provider_id);

-- An offer with the lead time and record of its provider.
CREATE VIEW offer_view AS
SELECT o.provider_id, o.product_id, o.pack_size, o.price, o.currency, o.available,
       coalesce(p.active, true) AS provider_active, o.event, o.unit, o.scale,
       CASE WHEN coalesce(r.learned_days, p.lead_time_days) IS NOT NULL THEN json_build_object(
           'days', coalesce(r.learned_days, p.lead_time_days), 'learned', r.learned_days IS NOT NULL,
           'stated', p.lead_time_days, 'observations', coalesce(cardinality(r.lead_days), 0)) END AS lead,
       CASE WHEN r.provider_id IS NOT NULL THEN json_build_object(
           'delivered', r.delivered, 'broken', r.broken, 'promised', r.promised, 'on_time', r.on_time,
           'short', r.short, 'filled', r.filled, 'priced', r.priced, 'dearness', r.dearness) END AS record,
       coalesce(p.test, false) AS test, coalesce(p.needs_link, false) AS needs_link
FROM offer AS o
LEFT JOIN provider AS p USING (provider_id)
LEFT JOIN scorecard AS r ON (r.provider_id, r.product_id) = (o.provider_id, o.product_id);

-- Holidays. An order that would only arrive or be needed within one is delayed.
CREATE TABLE holiday (
    customer_id text        PRIMARY KEY,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    CHECK (starts_at < ends_at)
);

-- Customers whose data was erased; later events about them are ignored.
CREATE TABLE erased_customer (
    customer_id text        PRIMARY KEY,
    erased_at   timestamptz NOT NULL
);

-- Checks. `replenish check` reports each row of a view named check_... as an error.

CREATE VIEW check_every_active_pool_waits_for_something AS
SELECT p.pool_id AS subject,
       format('%s in epoch %s: hold %s, trigger %s, order %s', p.situation, p.epoch, p.hold, p.trigger, r.state) AS problem
FROM pool AS p
JOIN subscription AS s ON s.pool_id = p.pool_id AND s.status = 'active'
LEFT JOIN reorder AS r ON r.pool_id = p.pool_id AND r.state <> 'ended'
WHERE NOT CASE p.situation
    WHEN 'ordered' THEN coalesce(r.state = 'open', false)
    WHEN 'collecting' THEN coalesce(
        p.hold ->> 'reason' = 'collecting' AND p.reconsider_at IS NOT NULL
        AND p.trigger IS NOT NULL AND p.epoch > 0 AND r.state IS NULL, false)
    WHEN 'held' THEN coalesce(
        p.hold ->> 'reason' <> '' AND p.hold ->> 'wake_up' <> ''
        AND (p.hold ->> 'wake_up' <> 'time' OR p.reconsider_at IS NOT NULL)
        AND (p.hold ->> 'wake_up' <> 'approval' OR r.state = 'proposed'), false)
    ELSE p.trigger IS NOT NULL AND p.epoch > 0 AND r.state IS NULL
END;

CREATE VIEW check_one_open_order_per_pool AS
SELECT pool_id AS subject, format('%s open orders', count(*)) AS problem
FROM reorder WHERE state <> 'ended' GROUP BY pool_id HAVING count(*) > 1;

CREATE VIEW check_open_orders_are_waited_for AS
SELECT r.order_id AS subject, format('%s, and the pool is %s', r.state, p.situation) AS problem
FROM reorder AS r JOIN pool AS p USING (pool_id)
WHERE (r.state = 'open' AND p.situation <> 'ordered') OR (r.state = 'proposed' AND p.situation <> 'held');

CREATE VIEW check_orders_are_of_their_pools_past AS
SELECT r.order_id AS subject, format('of epoch %s, the pool is at %s', r.epoch, p.epoch) AS problem
FROM reorder AS r JOIN pool AS p USING (pool_id) WHERE r.epoch > p.epoch;

CREATE VIEW check_every_order_has_a_receipt AS
SELECT r.order_id AS subject, format('%s order without a receipt', r.state) AS problem
FROM reorder AS r
WHERE NOT EXISTS (
    SELECT FROM receipt AS t
    WHERE t.order_id = coalesce(r.decided_id, r.order_id) AND (t.pool_id, t.epoch) = (r.pool_id, r.epoch)
        AND t.outcome IN ('order', 'propose'));

-- All lines of an order are of one customer and one provider.
CREATE VIEW check_lines_of_an_order_belong_together AS
SELECT r.order_id AS subject,
       format('lines of %s customers and %s providers', count(DISTINCT p.customer_id), count(DISTINCT r.provider_id))
           AS problem
FROM reorder AS r JOIN pool AS p USING (pool_id)
GROUP BY r.order_id HAVING count(DISTINCT p.customer_id) > 1 OR count(DISTINCT r.provider_id) > 1;

-- An order must have ended before the next order of its pool was decided.
CREATE VIEW check_next_order_waits_for_the_end_of_the_last AS
SELECT r.order_id AS subject, format('decided in epoch %s while %s was open', r.epoch, e.order_id) AS problem
FROM reorder AS r
JOIN reorder AS e ON e.pool_id = r.pool_id AND e.epoch < r.epoch AND (e.ended_at IS NULL OR e.ended_at > r.decided_at);
