-- The current registration of each device: the credential that authenticates it, and its slots.
CREATE TABLE device (
    device_id         text    PRIMARY KEY,
    customer_id       text    NOT NULL,
    registration      integer NOT NULL,
    credential_sha256 bytea   NOT NULL,
    slots             jsonb   NOT NULL, -- by name: unit, scale, capacity, system
    revision          bigint  NOT NULL,
    warnings          jsonb   NOT NULL DEFAULT '{}' -- by code, the newest: slot, problem, at
);
CREATE INDEX device_by_credential ON device (credential_sha256);
CREATE INDEX device_by_customer ON device (customer_id);
CREATE INDEX device_by_revision ON device (revision);

-- Deleted devices, kept until all replicas have removed them from their caches.
CREATE TABLE departure (
    device_id text        NOT NULL,
    revision  bigint      NOT NULL PRIMARY KEY,
    left_at   timestamptz NOT NULL DEFAULT now()
);

-- Number of the last change of a device. The row stays locked until the commit, so revisions become visible in order:
-- a replica that has read up to a revision has not missed an earlier one.
CREATE TABLE revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    number   bigint  NOT NULL DEFAULT 0
);
INSERT INTO revision DEFAULT VALUES;
