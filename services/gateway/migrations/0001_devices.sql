-- Which credential may report for which device, and how the device's slots count.
CREATE TABLE device (
    device_id         text    PRIMARY KEY,
    customer_id       text    NOT NULL,
    registration      integer NOT NULL,
    credential_sha256 bytea   NOT NULL,
    slots             jsonb   NOT NULL, -- by name: unit, scale, capacity
    revision          bigint  NOT NULL
);
CREATE INDEX device_by_credential ON device (credential_sha256);
CREATE INDEX device_by_customer ON device (customer_id);
CREATE INDEX device_by_revision ON device (revision);

-- Devices that left, for as long as another replica may still remember them.
CREATE TABLE departure (
    device_id text        NOT NULL,
    revision  bigint      NOT NULL PRIMARY KEY,
    left_at   timestamptz NOT NULL DEFAULT now()
);

-- Every change of a device gets the next number. The row lock lasts until the commit, so that a
-- replica that has read up to a number has missed none below it.
CREATE TABLE revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    number   bigint  NOT NULL DEFAULT 0
);
INSERT INTO revision DEFAULT VALUES;
