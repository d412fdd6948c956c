-- Every decision with its inputs. `json`, unlike `jsonb`, keeps the text, so that a replay can be compared byte by byte.
CREATE TABLE receipt (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receipt_id  text        NOT NULL UNIQUE,
    customer_id text        NOT NULL,
    pool_id     text        NOT NULL,
    epoch       bigint      NOT NULL,
    order_id    text,                       -- the order it placed, proposed or dropped; none for a hold
    outcome     text        NOT NULL CHECK (outcome IN ('order', 'propose', 'hold', 'decline')),
    reason      text        NOT NULL,
    decided_at  timestamptz NOT NULL,
    inputs      json        NOT NULL,
    decision    json        NOT NULL
);
CREATE INDEX receipt_by_customer ON receipt (customer_id, number);
CREATE INDEX receipt_by_order ON receipt (order_id, number) WHERE order_id IS NOT NULL;
