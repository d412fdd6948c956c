CREATE TABLE device (
    device_id text PRIMARY KEY,
    customer_id text NOT NULL,
    registration bigint NOT NULL
);
CREATE INDEX device_by_customer ON device (customer_id);

-- What is left of a device that is no longer ours: enough to say why its reports are put aside.
CREATE TABLE ended_device (
    device_id text PRIMARY KEY,
    registration bigint NOT NULL,
    reason text NOT NULL CHECK (reason IN ('deregistered', 'replaced', 'erased')),
    ended_at timestamptz NOT NULL
);

-- Where triggers and goods go that were meant for a slot of a replaced device.
CREATE TABLE successor (
    device_id text NOT NULL,
    slot text NOT NULL,
    new_device_id text NOT NULL,
    new_slot text NOT NULL,
    PRIMARY KEY (device_id, slot)
);
CREATE INDEX successor_by_new_device ON successor (new_device_id);

-- What was registered and what was asked: read with a slot, written apart from it.
CREATE TABLE slot_spec (
    device_id text NOT NULL,
    slot text NOT NULL,
    customer_id text NOT NULL,
    product_id text NOT NULL,
    name text NOT NULL,
    unit text NOT NULL,
    scale smallint NOT NULL,
    capacity bigint NOT NULL,
    loading text NOT NULL,
    fill text NOT NULL,
    pool_id text NOT NULL DEFAULT '',
    epoch bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, slot)
);

-- The hot row. No index but the key, and room on the page: updates stay on it (HOT). Numbers of fixed width
-- come first: Postgres finds them without walking the texts. Times are unix seconds: to_timestamp() shows them.
CREATE TABLE slot (
    level bigint NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0,
    used_total bigint NOT NULL DEFAULT 0,
    rate_use double precision NOT NULL,
    rate_days double precision NOT NULL CHECK (rate_days > 0),
    used_at double precision NOT NULL,
    received_at double precision NOT NULL,
    variance double precision NOT NULL,
    used_before_today bigint NOT NULL DEFAULT 0,
    at_level bigint NOT NULL DEFAULT 0,
    at_days double precision NOT NULL DEFAULT 0,
    shelf_and_on_order bigint NOT NULL DEFAULT 0,
    opening bigint NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    unreported bigint NOT NULL DEFAULT 0,
    unexplained bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    boot_no integer NOT NULL DEFAULT 0,
    gaps integer NOT NULL DEFAULT 0,
    reports smallint NOT NULL DEFAULT 1,
    below smallint NOT NULL DEFAULT 0,
    armed boolean NOT NULL DEFAULT false,
    follow boolean NOT NULL DEFAULT false,
    -- The hot statement may take this slot's next report: no quarantine, no counting of reports in a row.
    plain boolean NOT NULL DEFAULT true,
    quarantined boolean NOT NULL DEFAULT false,
    device_id text NOT NULL,
    slot text NOT NULL,
    boot text,
    -- Finished days not filed yet: day, used, level at its end; day, used, level; ...
    finished_days bigint[],
    PRIMARY KEY (device_id, slot),
    CONSTRAINT books_balance CHECK (level = opening + received - used_total - unreported + unexplained)
) WITH (fillfactor = 60);

CREATE TABLE gap (
    device_id text NOT NULL,
    slot text NOT NULL,
    boot_no integer NOT NULL,
    boot text NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint CHECK (last_seq >= first_seq),
    level bigint NOT NULL,
    reading_boot_no integer,
    reading_seq bigint,
    reading_kind text,
    reading_expected bigint,
    reading_level bigint,
    variance double precision NOT NULL,
    opened_at double precision NOT NULL,
    given_up boolean NOT NULL DEFAULT false,
    PRIMARY KEY (device_id, slot, boot_no, first_seq)
);
CREATE INDEX gap_by_age ON gap (opened_at) WHERE NOT given_up;

-- Reports of devices that count nothing. Rows are deleted day by day, not dropped with a partition: the key must
-- be unique over all days, and the service's role may not change tables.
CREATE TABLE known_report (
    device_id text NOT NULL,
    slot text NOT NULL,
    identity text NOT NULL,
    received_on date NOT NULL,
    PRIMARY KEY (device_id, slot, identity)
);
CREATE INDEX known_report_by_day ON known_report (received_on);

CREATE TABLE loaded_order (
    order_id text PRIMARY KEY,
    device_id text NOT NULL,
    slot text NOT NULL
);
CREATE INDEX loaded_order_by_device ON loaded_order (device_id);

-- Filed days, about a month per row: day, used, level at its end; day, used, level; ...
CREATE TABLE used_days (
    device_id text NOT NULL,
    slot text NOT NULL,
    first_day integer NOT NULL,
    days bigint[] NOT NULL,
    PRIMARY KEY (device_id, slot, first_day)
);
