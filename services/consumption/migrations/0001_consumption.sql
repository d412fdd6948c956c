-- Schema of consumption: devices, their slots with level and burn rate, missing reports, history.

CREATE TABLE device (
    device_id text PRIMARY KEY,
    customer_id text NOT NULL,
    registration bigint NOT NULL,
    -- The boot in which the device counts one `seq` over all its slots.
    shared_boot text
);
CREATE INDEX device_by_customer ON device (customer_id);

-- Devices that left. A later report of one becomes a dead letter with this `reason`.
CREATE TABLE ended_device (
    device_id text PRIMARY KEY,
    registration bigint NOT NULL,
    reason text NOT NULL CHECK (reason IN ('deregistered', 'replaced', 'erased')),
    ended_at timestamptz NOT NULL
);

-- Slots that took the place of a replaced device's slots; later triggers and deliveries go there.
CREATE TABLE successor (
    device_id text NOT NULL,
    slot text NOT NULL,
    new_device_id text NOT NULL,
    new_slot text NOT NULL,
    PRIMARY KEY (device_id, slot)
);
CREATE INDEX successor_by_new_device ON successor (new_device_id);

-- Registration and trigger of a slot: read with its row in `slot`, written far less often.
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

-- Level and books of a slot, updated by every report. No index covers a column that a report changes, and pages keep
-- free space, so that updates are heap-only (HOT). Fixed-width columns come first: Postgres reads them without walking
-- the texts. Times are Unix seconds; to_timestamp() converts them.
CREATE TABLE slot (
    level bigint NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0,
    used_total bigint NOT NULL DEFAULT 0,
    rate_use double precision NOT NULL,
    rate_days double precision NOT NULL CHECK (rate_days > 0),
    used_at double precision NOT NULL,
    received_at double precision NOT NULL,
    variance double precision NOT NULL,
    -- Last reading of a sensor, and the usual seconds between two; 0 before the first. Uses do not change them.
    read_at double precision NOT NULL DEFAULT 0,
    reading_interval double precision NOT NULL DEFAULT 0,
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
    -- The slot has a row in `pending_reading`, in `unconfirmed_jump`, or in both.
    jumped boolean NOT NULL DEFAULT false,
    -- The one-statement path may apply the next report: no quarantine, no count of consecutive reports, no reading waits.
    plain boolean NOT NULL DEFAULT true,
    quarantined boolean NOT NULL DEFAULT false,
    -- The slot has a row in `follower`.
    linked boolean NOT NULL DEFAULT false,
    device_id text NOT NULL,
    slot text NOT NULL,
    boot text,
    -- Finished days not yet in `used_days`: day, quantity used, level at its end; and so on.
    finished_days bigint[],
    PRIMARY KEY (device_id, slot),
    CONSTRAINT books_balance CHECK (level = opening + received - used_total - unreported + unexplained)
) WITH (fillfactor = 60);
-- For the quarantine gauge, which would otherwise scan all slots. Reports change neither column.
CREATE INDEX slot_quarantined ON slot (device_id) WHERE quarantined;

-- Readings of sensors that jumped and wait for a second one, or until `due_at`. They are in no level, rate or book.
CREATE TABLE pending_reading (
    device_id text NOT NULL,
    slot text NOT NULL,
    boot_no integer NOT NULL,
    seq bigint NOT NULL,
    level bigint NOT NULL CHECK (level >= 0),
    used_at double precision NOT NULL,
    received_at double precision NOT NULL,
    due_at double precision NOT NULL,
    flow bigint NOT NULL,
    variance double precision NOT NULL,
    PRIMARY KEY (device_id, slot),
    FOREIGN KEY (device_id, slot) REFERENCES slot ON DELETE CASCADE
);
CREATE INDEX pending_reading_by_due_time ON pending_reading (due_at);

-- Jumps that counted without a second reading, until the next one confirms them or takes them back.
CREATE TABLE unconfirmed_jump (
    device_id text NOT NULL,
    slot text NOT NULL,
    boot_no integer NOT NULL,
    seq bigint NOT NULL,
    expected bigint NOT NULL,
    level bigint NOT NULL,
    rate_use double precision NOT NULL CHECK (rate_use >= 0),
    rate_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    PRIMARY KEY (device_id, slot),
    FOREIGN KEY (device_id, slot) REFERENCES slot ON DELETE CASCADE
);

-- Times at which an anomaly of a device was last published, so that it is not published with every report.
CREATE TABLE anomaly (
    device_id text NOT NULL REFERENCES device ON DELETE CASCADE,
    code text NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (device_id, code)
);

-- Providers that receive every use of a slot.
CREATE TABLE follower (
    device_id text NOT NULL,
    slot text NOT NULL,
    provider_id text NOT NULL,
    PRIMARY KEY (device_id, slot, provider_id),
    FOREIGN KEY (device_id, slot) REFERENCES slot ON DELETE CASCADE
);

-- Ranges of sequence numbers that have not arrived; a late report narrows, splits or closes one.

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

-- Identities of reports without a sequence number. Rows are deleted by day instead of being dropped with a partition:
-- the key must be unique over all days, and the service's role may not alter tables.
CREATE TABLE known_report (
    device_id text NOT NULL,
    slot text NOT NULL,
    identity text NOT NULL,
    received_on date NOT NULL,
    PRIMARY KEY (device_id, slot, identity)
);
CREATE INDEX known_report_by_day ON known_report (received_on);

-- Lines of orders that were already loaded into their slot, so that a delivery counts once.
CREATE TABLE loaded_line (
    order_id text NOT NULL,
    line_id text NOT NULL,
    device_id text NOT NULL,
    slot text NOT NULL,
    PRIMARY KEY (order_id, line_id)
);
CREATE INDEX loaded_line_by_device ON loaded_line (device_id);

-- Usage history, about a month per row: day, quantity used, level at its end; and so on.
CREATE TABLE used_days (
    device_id text NOT NULL,
    slot text NOT NULL,
    first_day integer NOT NULL,
    days bigint[] NOT NULL,
    PRIMARY KEY (device_id, slot, first_day)
);

-- Checks. `replenish check` reports each row of a view named check_... as an error.
CREATE VIEW check_slot_books AS
SELECT device_id || '/' || slot AS subject,
    format('level %s, but opening %s + received %s - used %s - unreported %s + unexplained %s',
        level, opening, received, used_total, unreported, unexplained) AS problem
FROM slot WHERE level <> opening + received - used_total - unreported + unexplained;

CREATE VIEW check_slots_are_registered AS
SELECT coalesce(slot.device_id, spec.device_id) || '/' || coalesce(slot.slot, spec.slot) AS subject,
    CASE WHEN slot.slot IS NULL THEN 'registered without a row that counts'
        WHEN spec.slot IS NULL THEN 'counts without a registration' ELSE 'its device is not registered' END AS problem
FROM slot FULL JOIN slot_spec AS spec USING (device_id, slot) LEFT JOIN device USING (device_id)
WHERE slot.slot IS NULL OR spec.slot IS NULL OR device.device_id IS NULL;

CREATE VIEW check_gaps_are_known AS
SELECT device_id || '/' || slot AS subject, format('knows of %s gaps, there are %s', s.gaps, coalesce(g.gaps, 0)) AS problem
FROM slot AS s FULL JOIN (SELECT device_id, slot, count(*) AS gaps FROM gap GROUP BY 1, 2) AS g USING (device_id, slot)
WHERE coalesce(s.gaps, 0) <> coalesce(g.gaps, 0);

CREATE VIEW check_gaps_do_not_overlap AS
SELECT device_id || '/' || slot AS subject,
    format('boot %s: a gap from %s within the one from %s', boot_no, first_seq, before) AS problem
FROM (SELECT device_id, slot, boot_no, first_seq,
        lag(first_seq) OVER numbered AS before, lag(coalesce(last_seq, 9223372036854775807)) OVER numbered AS reached
    FROM gap WINDOW numbered AS (PARTITION BY device_id, slot, boot_no ORDER BY first_seq)) AS gaps
WHERE reached >= first_seq;

CREATE VIEW check_gaps_precede_received_reports AS
SELECT device_id || '/' || slot AS subject,
    format('a gap up to %s in boot %s, received up to %s in boot %s', gap.last_seq, gap.boot_no, slot.last_seq, slot.boot_no)
        AS problem
FROM gap JOIN slot USING (device_id, slot)
WHERE (gap.boot_no, gap.last_seq) >= (slot.boot_no, slot.last_seq) OR gap.boot_no > slot.boot_no;

CREATE VIEW check_quarantined_slots_are_set_aside AS
SELECT device_id || '/' || slot AS subject, 'quarantined, and yet the hot path takes its reports' AS problem
FROM slot WHERE quarantined AND plain;

CREATE VIEW check_waiting_readings_are_known AS
SELECT device_id || '/' || slot AS subject,
    CASE WHEN NOT s.jumped THEN 'a reading waits or may be taken back, and the slot does not know'
        WHEN p.slot IS NULL AND j.slot IS NULL THEN 'knows of a reading that is not there'
        ELSE 'a reading waits, and yet the hot path takes its reports' END AS problem
FROM slot AS s LEFT JOIN pending_reading AS p USING (device_id, slot) LEFT JOIN unconfirmed_jump AS j USING (device_id, slot)
WHERE s.jumped <> (p.slot IS NOT NULL OR j.slot IS NOT NULL) OR (p.slot IS NOT NULL AND s.plain);
