-- Providers that sign in here: a key for their programs and a session for their browsers. Only digests are kept.
CREATE TABLE provider_key (
    provider_id text        PRIMARY KEY,
    key_sha256  bytea       NOT NULL UNIQUE,
    made_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE shop_session (
    token_sha256 bytea       PRIMARY KEY,
    provider_id  text        NOT NULL REFERENCES provider_key ON DELETE CASCADE,
    csrf         text        NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX shop_session_by_provider ON shop_session (provider_id);
CREATE INDEX shop_session_by_age ON shop_session (expires_at);

-- Orders that customers place at the shop themselves: they say what becomes of them.
ALTER TABLE order_view ADD COLUMN own boolean NOT NULL DEFAULT false;
