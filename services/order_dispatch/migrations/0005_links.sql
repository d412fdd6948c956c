-- How we are known to providers that link customers by OAuth 2.
CREATE TABLE link_client (
    provider_id text PRIMARY KEY REFERENCES provider,
    authorize_url text NOT NULL,
    token_url text NOT NULL,
    revoke_url text,
    api_url text NOT NULL,
    client_id text NOT NULL,
    client_secret_sealed bytea NOT NULL,
    scope text NOT NULL,
    -- What only the protocol understands.
    options jsonb NOT NULL DEFAULT '{}'
);

-- Customers on their way to a provider's page and back. Real time: these are secrets, and secrets grow old.
CREATE TABLE link_attempt (
    state_sha256 bytea PRIMARY KEY,
    customer_id text NOT NULL,
    device_id text NOT NULL,
    provider_id text NOT NULL REFERENCES link_client,
    verifier_sealed bytea NOT NULL,
    redirect_uri text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX link_attempt_by_age ON link_attempt (expires_at);

CREATE TABLE link (
    link_id text PRIMARY KEY,
    customer_id text NOT NULL,
    device_id text NOT NULL,
    provider_id text NOT NULL REFERENCES link_client,
    -- The device's and the customer's names at the provider.
    serial text NOT NULL,
    remote_customer text,
    state text NOT NULL CHECK (state IN ('active', 'ending', 'ended')),
    made_at timestamptz NOT NULL,
    active_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    access_sealed bytea,
    refresh_sealed bytea,
    -- Real time, like the lease of whoever renews the token just now.
    expires_at timestamptz,
    refresh_attempt uuid,
    refresh_until timestamptz,
    erased boolean NOT NULL DEFAULT false,
    CHECK ((state = 'active') = (ended_at IS NULL)),
    CHECK (state = 'ended' OR access_sealed IS NOT NULL),
    CONSTRAINT ended_links_keep_no_tokens
        CHECK (state <> 'ended' OR (access_sealed IS NULL AND refresh_sealed IS NULL))
);
CREATE UNIQUE INDEX one_active_link ON link (provider_id, device_id) WHERE state = 'active';
CREATE INDEX link_by_customer ON link (customer_id);
CREATE INDEX link_by_device ON link (device_id) WHERE state = 'active';
CREATE INDEX link_by_serial ON link (provider_id, serial) WHERE state = 'active';

-- The slots of linked devices: their names there, whether the customer switched them on, how they stand.
CREATE TABLE link_slot (
    link_id text NOT NULL REFERENCES link ON DELETE CASCADE,
    remote_slot text NOT NULL,
    slot text NOT NULL,
    subscribed boolean,
    subscription_at timestamptz,
    items jsonb NOT NULL DEFAULT '[]',
    level bigint,
    rate_per_day double precision,
    used_at timestamptz,
    PRIMARY KEY (link_id, remote_slot),
    UNIQUE (link_id, slot) DEFERRABLE INITIALLY DEFERRED
);

-- What is on a customer's shelf and not in a slot, as inventory last said it.
CREATE TABLE shelf (
    customer_id text NOT NULL,
    product_id text NOT NULL,
    quantity bigint NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);

-- What a slot holds when full, and of what: a provider that is told of uses wants to know.
ALTER TABLE slot ADD COLUMN IF NOT EXISTS capacity bigint;
ALTER TABLE slot ADD COLUMN IF NOT EXISTS product_id text;

-- The provider's own number of an order.
ALTER TABLE orders ADD COLUMN IF NOT EXISTS reference text;
CREATE INDEX IF NOT EXISTS orders_by_reference ON orders (provider_id, reference) WHERE reference IS NOT NULL;

-- Notifications as they came, verified; (provider, message) is applied once.
CREATE TABLE sns_message (
    provider_id text NOT NULL,
    message_id text NOT NULL,
    topic_arn text NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    fate text NOT NULL DEFAULT 'new' CHECK (fate IN ('new', 'applied', 'not_applied', 'unmatched', 'unreadable')),
    reason text NOT NULL DEFAULT '',
    -- What it is about, once it was read.
    notification text,
    instance_id text,
    serial text,
    -- How often it came again after the first time.
    repeats integer NOT NULL DEFAULT 0,
    PRIMARY KEY (provider_id, message_id)
);
CREATE INDEX sns_message_left ON sns_message (provider_id, received_at) WHERE fate <> 'applied';
CREATE INDEX sns_message_unmatched ON sns_message (provider_id, instance_id) WHERE fate = 'unmatched';

CREATE VIEW check_links_belong_to_devices AS
SELECT link_id AS subject, 'active, but its device is not the customer''s any more' AS problem
FROM link JOIN device USING (device_id)
WHERE link.state = 'active' AND (device.state <> 'active' OR device.customer_id <> link.customer_id);
