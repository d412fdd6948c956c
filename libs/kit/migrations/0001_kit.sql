-- What the kit keeps in every service's schema.

-- How far each topic partition has been applied. The row is the lock that makes a partition have one writer.
CREATE TABLE checkpoint (
    topic         text   NOT NULL,
    partition     integer NOT NULL,
    next_offset   bigint NOT NULL,
    last_sequence bigint,           -- NULL until the first record of a topic of ours
    last_id       text,             -- id of the record before next_offset; proves that the log is still the same
    last_offset   bigint,           -- its offset
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- The highest sequence given to each partition we write, and the highest the broker acknowledged.
CREATE TABLE counter (
    topic     text    NOT NULL,
    partition integer NOT NULL,
    sequence  bigint  NOT NULL DEFAULT 0,
    published bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition),
    CHECK (published <= sequence)
) WITH (fillfactor = 50);

CREATE TABLE outbox (
    topic     text        NOT NULL,
    partition integer     NOT NULL,
    sequence  bigint      NOT NULL,
    id        text        NOT NULL,
    key       bytea       NOT NULL,
    value     bytea       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Records that can never be processed, with their bytes, headers and the reason.
CREATE TABLE dead_letter (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text        NOT NULL,
    partition integer     NOT NULL,
    "offset"  bigint      NOT NULL,
    key       text,
    value     bytea,
    headers   json,                 -- pairs of name and base64 value; NULL without headers
    reason    text        NOT NULL,
    ours      boolean     NOT NULL, -- counts towards the budget
    dead_lettered_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (topic, partition, "offset")
);

-- Records that wait: for something to appear, for an operator, or for the one before them of the same key.
CREATE TABLE deferred (
    deferred_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text        NOT NULL,
    partition integer     NOT NULL,
    "offset"  bigint      NOT NULL,
    key       text        NOT NULL,
    value     bytea       NOT NULL,
    headers   json,                 -- as in dead_letter
    waits_for text,                 -- NULL: failing or behind another
    reason    text        NOT NULL,
    ours      boolean     NOT NULL,
    attempts  integer     NOT NULL DEFAULT 0,
    retry_at  timestamptz,          -- NULL: only when its dependency appears, an operator retries it, or its predecessor is done
    deferred_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (topic, partition, "offset")
);
CREATE INDEX deferred_by_key ON deferred (topic, key, deferred_id);
CREATE INDEX deferred_by_dependency ON deferred (waits_for) WHERE waits_for IS NOT NULL;

-- Tasks: a row exists before any work outside the transaction begins.
CREATE TABLE task (
    kind        text        NOT NULL,
    id          text        NOT NULL,
    payload     jsonb       NOT NULL,
    state       text        NOT NULL DEFAULT 'due'
                CHECK (state IN ('due', 'claimed', 'unknown', 'done', 'refused')),
    due_at      timestamptz NOT NULL,                -- on the service's clock
    retry_at    timestamptz NOT NULL DEFAULT now(),  -- real time, like leases
    attempt     integer     NOT NULL DEFAULT 0,
    attempt_id  uuid,
    lease_until timestamptz,
    reason      text,
    cause       text,
    traceparent text,
    completed_at  timestamptz,
    PRIMARY KEY (kind, id)
);
CREATE INDEX task_open ON task (due_at) WHERE state IN ('due', 'claimed', 'unknown');

CREATE TABLE periodic_job (
    name          text             PRIMARY KEY,
    every_seconds double precision NOT NULL,
    ran_at        timestamptz      NOT NULL          -- on the service's clock
);

CREATE TABLE lease (
    name   text        PRIMARY KEY,
    holder text        NOT NULL,
    until  timestamptz NOT NULL
);

-- The newest process of each replica; older ones that still run end when they read it.
CREATE TABLE replica (
    replica    text        PRIMARY KEY,
    process    text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);

-- Responses to POSTs, so that a repeated request is performed once.
CREATE TABLE idempotency (
    principal text        NOT NULL,
    path      text        NOT NULL,
    key       text        NOT NULL,
    digest    text        NOT NULL,
    status    integer     NOT NULL,
    body      jsonb       NOT NULL,
    kept_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, path, key)
);
CREATE INDEX idempotency_by_age ON idempotency (kept_at);
