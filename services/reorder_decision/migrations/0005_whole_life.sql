-- Holidays: orders that would arrive, or be needed, only in this time are delayed.
CREATE TABLE holiday (
    customer_id text        PRIMARY KEY,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    CHECK (starts_at < ends_at)
);

-- Alternative providers, and providers whose order for the current need ended without delivery.
ALTER TABLE subscription ADD COLUMN alternatives text[] NOT NULL DEFAULT '{}';
ALTER TABLE pool ADD COLUMN avoided text[] NOT NULL DEFAULT '{}';

ALTER TABLE provider ADD COLUMN lead_time_days double precision; -- as stated

-- Result of an order; a periodic job adds it to its provider's record and marks it as counted.
ALTER TABLE reorder
    ADD COLUMN provider_id text,
    ADD COLUMN promised_at timestamptz,             -- the first date the provider gave
    ADD COLUMN result      text CHECK (result IN ('delivered', 'broken')),
    ADD COLUMN finished_at timestamptz,             -- reported time of delivery
    ADD COLUMN received    bigint,
    ADD COLUMN price       bigint,
    ADD COLUMN billed      bigint,
    ADD COLUMN counted     boolean NOT NULL DEFAULT false;
CREATE INDEX reorder_to_count ON reorder (order_id) WHERE result IS NOT NULL AND NOT counted;

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
    lead_days    double precision[] NOT NULL DEFAULT '{}', -- from order to door, the newest last
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
           'short', r.short, 'filled', r.filled, 'priced', r.priced, 'dearness', r.dearness) END AS record
FROM offer AS o
LEFT JOIN provider AS p USING (provider_id)
LEFT JOIN scorecard AS r ON (r.provider_id, r.product_id) = (o.provider_id, o.product_id);

-- An order must have ended before the next order of its pool was decided.
CREATE VIEW check_next_order_waits_for_the_end_of_the_last AS
SELECT r.order_id AS subject, format('decided in epoch %s while %s was open', r.epoch, e.order_id) AS problem
FROM reorder AS r
JOIN reorder AS e ON e.pool_id = r.pool_id AND e.epoch < r.epoch AND (e.ended_at IS NULL OR e.ended_at > r.decided_at);
