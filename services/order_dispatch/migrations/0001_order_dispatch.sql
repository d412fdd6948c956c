-- Schema of order_dispatch: providers and offers, orders and their history, payments and the books, callbacks, links.

-- Providers.
CREATE TABLE provider (
    provider_id text PRIMARY KEY CHECK (provider_id ~ '^[a-z0-9][a-z0-9-]{0,99}$'),
    name text NOT NULL,
    protocol text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    test boolean NOT NULL DEFAULT false,
    url text,
    -- Settings that only the protocol reads.
    account jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(account) = 'object'),
    -- Encrypted (sealing.py); no API returns them.
    secrets bytea,
    -- Payment service that charges customers; NULL if the provider bills them itself or on account.
    payment text,
    lead_time_days double precision CHECK (lead_time_days > 0),
    cancel_window_hours double precision CHECK (cancel_window_hours >= 0),
    modify_window_hours double precision CHECK (modify_window_hours >= 0),
    resolution_hours double precision NOT NULL DEFAULT 72 CHECK (resolution_hours > 0),
    allows_substitutes boolean NOT NULL DEFAULT false
);

CREATE TABLE offer (
    provider_id text NOT NULL REFERENCES provider,
    product_id text NOT NULL,
    title text NOT NULL,
    pack_size bigint NOT NULL CHECK (pack_size > 0),
    unit text NOT NULL,
    scale smallint NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    available boolean NOT NULL DEFAULT true,
    PRIMARY KEY (provider_id, product_id)
);

-- Devices. One that left keeps its row, so that a later approval for it is recognised.
CREATE TABLE device (
    device_id text PRIMARY KEY,
    customer_id text NOT NULL,
    registration integer NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'left'))
);
CREATE INDEX device_by_customer ON device (customer_id);

CREATE TABLE slot (
    device_id text NOT NULL REFERENCES device,
    slot text NOT NULL,
    product_id text,
    unit text NOT NULL,
    scale smallint NOT NULL,
    capacity bigint,
    -- The slot that took its place when the device was replaced.
    moved_device_id text,
    moved_slot text,
    PRIMARY KEY (device_id, slot),
    FOREIGN KEY (moved_device_id, moved_slot) REFERENCES slot,
    CHECK ((moved_device_id IS NULL) = (moved_slot IS NULL))
);

-- Quantity on a customer's shelf, outside slots, from the latest StockArrived.
CREATE TABLE shelf (
    customer_id text NOT NULL,
    product_id text NOT NULL,
    quantity bigint NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);

-- Customers whose data was erased. Their sign-in tokens may still be valid; nothing about them is stored.
CREATE TABLE erased_customer (
    customer_id text PRIMARY KEY,
    erased_at timestamptz NOT NULL
);

-- Legal transitions of an order; a test compares them with the table in Python.
CREATE TABLE transition (
    from_state text NOT NULL,
    to_state text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO transition (from_state, to_state) VALUES
    ('drafted', 'reserving'), ('drafted', 'authorizing'), ('drafted', 'placing'), ('drafted', 'refused'),
    ('drafted', 'cancelled'), ('drafted', 'failed'),
    ('reserving', 'authorizing'), ('reserving', 'placing'), ('reserving', 'refused'), ('reserving', 'cancelled'),
    ('reserving', 'failed'),
    ('authorizing', 'placing'), ('authorizing', 'cancelled'), ('authorizing', 'failed'),
    ('placing', 'placed'), ('placing', 'unknown'), ('placing', 'refused'), ('placing', 'cancelled'), ('placing', 'failed'),
    ('unknown', 'placed'), ('unknown', 'refused'), ('unknown', 'cancelled'), ('unknown', 'failed'),
    ('placed', 'shipped'), ('placed', 'cancelled'),
    ('shipped', 'delivered'),
    ('delivered', 'returned');

-- The states that an order may have, by what its lines have in common; a test compares it with the table in Python.
CREATE TABLE order_state_of_lines (
    lines_summary text NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (lines_summary, state)
);
INSERT INTO order_state_of_lines (lines_summary, state) VALUES
    ('waiting', 'drafted'), ('waiting', 'reserving'), ('waiting', 'authorizing'), ('waiting', 'placing'),
    ('waiting', 'unknown'), ('waiting', 'placed'),
    ('moving', 'shipped'),
    ('arrived', 'delivered'),
    ('returned', 'returned'),
    ('without_goods', 'refused'), ('without_goods', 'cancelled'), ('without_goods', 'failed');

-- Legal transitions of a line; a test compares them with the table in Python.
CREATE TABLE line_transition (
    from_state text NOT NULL,
    to_state text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO line_transition (from_state, to_state) VALUES
    ('ordered', 'shipped'), ('ordered', 'delivered'), ('ordered', 'short'), ('ordered', 'substituted'),
    ('ordered', 'cancelled'), ('ordered', 'refused'),
    ('shipped', 'delivered'), ('shipped', 'short'), ('shipped', 'substituted'),
    ('delivered', 'short'), ('delivered', 'returned'),
    ('short', 'returned'),
    ('substituted', 'short'), ('substituted', 'returned');

CREATE TABLE orders (
    order_id text PRIMARY KEY,
    customer_id text NOT NULL,
    provider_id text NOT NULL,
    -- Agreed price of all lines, and the delivery fee in it.
    price bigint CHECK (price >= 0),
    currency text,
    fee bigint NOT NULL DEFAULT 0 CHECK (fee >= 0),
    drafted_at timestamptz NOT NULL,
    needed_by timestamptz,
    test boolean NOT NULL DEFAULT false,

    state text NOT NULL,
    step integer NOT NULL CHECK (step > 0),
    -- What the lines have in common; check_orders_follow_their_lines compares it with them.
    lines_summary text NOT NULL,
    reserved_at timestamptz,
    authorized_at timestamptz,
    sent_at timestamptz,
    -- Next check (reminder, deadline, status request, estimated delivery), and the requests or reminders sent so far.
    check_at timestamptz,
    status_requests integer NOT NULL DEFAULT 0,
    in_flight_until timestamptz,
    resolve_by timestamptz,
    -- A person answers for the order: a shop that manages its orders here, or the customer who orders at the shop.
    responder text CHECK (responder IN ('shop', 'customer')),
    -- Without acceptance by then the order is cancelled.
    answer_by timestamptz,

    -- The provider's own id of the order.
    reference text,
    billed bigint CHECK (billed >= 0),
    billed_currency text,
    -- Agreed price of the lines and fee that the billed cost is for.
    billed_for bigint,
    promised_at timestamptz,
    expected_at timestamptz,
    tracking text,
    -- Number of parcels, and of those that arrived. A reader that waited for the row's lock compares them with the
    -- parcels that it read, which may be older.
    shipments integer NOT NULL DEFAULT 0,
    shipments_arrived integer NOT NULL DEFAULT 0,

    cancel_by text,
    cancel_reason text,
    cancel_at timestamptz,

    -- The part of the fee in the captured and the refunded amounts; the rest is in the lines.
    fee_captured bigint NOT NULL DEFAULT 0,
    fee_refunded bigint NOT NULL DEFAULT 0,
    payment_problem text,
    fraud_at timestamptz,
    fraud_cleared_at timestamptz,
    -- From then on the row contains no free text and no personal data.
    erased_at timestamptz,
    CHECK ((price IS NULL) = (currency IS NULL)),
    CHECK (fee <= coalesce(price, 0)),
    CHECK ((billed IS NULL) = (billed_currency IS NULL)),
    CHECK ((responder IS NULL) = (answer_by IS NULL)),
    CHECK (0 <= fee_refunded AND fee_refunded <= fee_captured AND fee_captured <= fee),
    CHECK (fraud_cleared_at IS NULL OR fraud_at IS NOT NULL),
    CONSTRAINT only_submitted_orders_are_checked
        CHECK (check_at IS NULL OR state IN ('placing', 'unknown', 'placed', 'shipped')),
    CONSTRAINT state_follows_from_lines FOREIGN KEY (lines_summary, state) REFERENCES order_state_of_lines
);
CREATE INDEX orders_by_check ON orders (check_at) WHERE check_at IS NOT NULL;
-- Not partial: one prepared statement lists every state, and its generic plan cannot use an index that lacks some.
CREATE INDEX orders_in_state ON orders (state, drafted_at, order_id);
CREATE INDEX orders_by_customer ON orders (customer_id, drafted_at, order_id);
CREATE INDEX orders_by_reference ON orders (provider_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX orders_of_shops ON orders (provider_id, drafted_at DESC, order_id DESC) WHERE responder = 'shop';
-- Orders of a pool with a flagged order fail.
CREATE INDEX orders_flagged ON orders (order_id) WHERE fraud_at IS NOT NULL AND fraud_cleared_at IS NULL;

-- Where promised dates end, and what units of volume mean.
CREATE TABLE customer_setting (
    customer_id text PRIMARY KEY,
    time_zone   text NOT NULL,
    country     text CHECK (country ~ '^[A-Z]{2}$') -- of the delivery address; NULL until an event has it
);

-- What an order is for: one product for one slot's pool. Rows change only while the order's row is locked.
CREATE TABLE order_line (
    order_id text NOT NULL REFERENCES orders,
    line_id text NOT NULL,
    -- Place among the order's lines.
    number smallint NOT NULL,
    product_id text NOT NULL,
    pool_id text NOT NULL,
    -- Of the pool; NULL in orders of approvals without one.
    epoch integer,
    device_id text NOT NULL,
    slot text NOT NULL,
    packs integer NOT NULL CHECK (packs > 0),
    pack_size bigint NOT NULL CHECK (pack_size > 0),
    quantity bigint NOT NULL CHECK (quantity >= 0),
    unit text NOT NULL,
    scale smallint NOT NULL,
    receipt_id text NOT NULL,
    -- Agreed price of one pack.
    unit_price bigint CHECK (unit_price >= 0),

    state text NOT NULL DEFAULT 'ordered',
    shipped_quantity bigint CHECK (shipped_quantity >= 0),
    -- What is to leave later, and what arrived of a line that has not arrived completely.
    remaining_quantity bigint NOT NULL DEFAULT 0 CHECK (remaining_quantity >= 0),
    arrived_quantity bigint NOT NULL DEFAULT 0 CHECK (arrived_quantity >= 0),
    expected_at timestamptz,
    -- If the provider promised a date without a time; expected_at is its end in the customer's time zone.
    expected_date date CHECK (expected_date IS NULL OR expected_at IS NOT NULL),
    -- The provider reported the shipped quantity unclearly; the ordered one counts.
    is_unclear boolean NOT NULL DEFAULT false,
    delivered_at timestamptz,
    evidence text CHECK (evidence IN ('reported', 'estimated')),
    substitute text,
    -- The provider's price of the line, if it reports one.
    billed bigint CHECK (billed >= 0),
    counted_quantity bigint CHECK (counted_quantity >= 0),
    returned_quantity bigint CHECK (returned_quantity > 0),
    cancel_by text,
    cancel_reason text,
    cancel_at timestamptz,

    -- Amount requested when goods were shipped, the quantity it is for, and the refunds of it.
    captured bigint NOT NULL DEFAULT 0,
    captured_quantity bigint NOT NULL DEFAULT 0 CHECK (captured_quantity >= 0),
    refunded bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (order_id, line_id),
    UNIQUE (order_id, number),
    -- Each epoch of a pool is ordered once.
    CONSTRAINT one_line_per_epoch UNIQUE (pool_id, epoch),
    CHECK (0 <= refunded AND refunded <= captured),
    CHECK ((returned_quantity IS NOT NULL) = (state = 'returned')),
    CHECK (state NOT IN ('cancelled', 'refused') OR shipped_quantity IS NULL),
    CHECK (state <> 'shipped' OR shipped_quantity IS NOT NULL),
    CHECK (remaining_quantity = 0 OR state = 'shipped'),
    CONSTRAINT delivered_lines_have_evidence
        CHECK ((state IN ('delivered', 'short', 'substituted', 'returned')) = (evidence IS NOT NULL))
);
-- reorder_decision opens one order per pool at a time; this index enforces it where the money is spent.
CREATE UNIQUE INDEX one_open_line_per_pool ON order_line (pool_id) WHERE state IN ('ordered', 'shipped');
CREATE INDEX order_line_by_device ON order_line (device_id, slot) WHERE state IN ('ordered', 'shipped');

CREATE FUNCTION refuse_illegal_line() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM line_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'illegal transition of line % of order % from % to %', NEW.line_id, NEW.order_id, OLD.state, NEW.state
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER lines_change_legally BEFORE UPDATE OF state ON order_line FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refuse_illegal_line();
CREATE FUNCTION refuse_new_line_in_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'line % of order % starts as %', NEW.line_id, NEW.order_id, NEW.state
        USING ERRCODE = 'foreign_key_violation';
END $$;
-- A line may end at once if its order can never be placed; goods cannot have moved.
CREATE TRIGGER lines_start_as_ordered BEFORE INSERT ON order_line FOR EACH ROW
    WHEN (NEW.state NOT IN ('ordered', 'cancelled', 'refused')) EXECUTE FUNCTION refuse_new_line_in_progress();

-- Parcels, with the provider's ids or unnamed-<number>; each is counted once.
CREATE TABLE shipment (
    order_id text NOT NULL REFERENCES orders,
    shipment_id text NOT NULL,
    number integer NOT NULL,
    tracking text,
    arrived boolean NOT NULL DEFAULT false,
    PRIMARY KEY (order_id, shipment_id)
);
CREATE TABLE shipment_line (
    order_id text NOT NULL,
    shipment_id text NOT NULL,
    line_id text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (order_id, line_id, shipment_id),
    FOREIGN KEY (order_id, shipment_id) REFERENCES shipment,
    FOREIGN KEY (order_id, line_id) REFERENCES order_line
);

-- Each step refers to the previous one and to a legal transition; an illegal step aborts its transaction.
CREATE TABLE order_history (
    order_id text NOT NULL REFERENCES orders,
    step integer NOT NULL,
    previous_step integer GENERATED ALWAYS AS (nullif(step - 1, 0)) STORED,
    from_state text,
    to_state text NOT NULL,
    occurred_at timestamptz NOT NULL,
    because text NOT NULL,
    -- Id of the event that caused it; NULL if there is none.
    cause text,
    PRIMARY KEY (order_id, step),
    UNIQUE (order_id, step, to_state),
    FOREIGN KEY (from_state, to_state) REFERENCES transition,
    FOREIGN KEY (order_id, previous_step, from_state) REFERENCES order_history (order_id, step, to_state),
    CHECK (step > 0 AND (step = 1) = (from_state IS NULL)),
    CHECK (step > 1 OR to_state = 'drafted')
);
-- The state of an order is that of its last step. The two tables refer to each other, so this key is added afterwards.
ALTER TABLE orders ADD FOREIGN KEY (order_id, step, state)
    REFERENCES order_history (order_id, step, to_state) DEFERRABLE INITIALLY DEFERRED;

-- Updates of providers as received; (provider, update) is applied once.
CREATE TABLE provider_update (
    provider_id text NOT NULL,
    update_id text NOT NULL,
    order_id text NOT NULL,
    status text NOT NULL,
    occurred_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('applied', 'not_applied', 'refused', 'unmatched', 'unclear')),
    reason text NOT NULL DEFAULT '',
    -- Details that are not used: [{field, value, reason}].
    notes jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(notes) = 'array'),
    -- An operator must read it.
    asks boolean NOT NULL DEFAULT false,
    -- When a later update was applied without a question.
    settled_at timestamptz,
    -- Duplicates received after the first.
    repeats integer NOT NULL DEFAULT 0,
    PRIMARY KEY (provider_id, update_id),
    CHECK (asks OR (outcome <> 'unclear' AND settled_at IS NULL))
);
CREATE INDEX provider_update_questions ON provider_update (order_id) WHERE asks AND settled_at IS NULL;
CREATE INDEX provider_update_by_order ON provider_update (order_id);
CREATE INDEX provider_update_unapplied ON provider_update (provider_id, received_at) WHERE outcome <> 'applied';

-- Shortages: goods that were ordered and not delivered.
CREATE TABLE claim (
    order_id text NOT NULL,
    line_id text NOT NULL,
    ordered bigint NOT NULL,
    received bigint NOT NULL CHECK (received >= 0),
    raised_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, line_id),
    FOREIGN KEY (order_id, line_id) REFERENCES order_line,
    CHECK (received < ordered)
);
CREATE INDEX claim_by_age ON claim (raised_at, order_id, line_id);

-- Payments and the double-entry books.

-- The token is encrypted (sealing.py) with "payment-method:<customer>:<service>" as associated data.
CREATE TABLE payment_method (
    customer_id text NOT NULL,
    service text NOT NULL,
    token_sealed bytea NOT NULL,
    -- Limit of one order in minor units.
    mandate bigint NOT NULL CHECK (mandate > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, service)
);

-- Legal transitions of a payment; a test compares them with the table in Python.
CREATE TABLE payment_transition (
    from_state text NOT NULL,
    to_state text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO payment_transition (from_state, to_state) VALUES
    ('authorizing', 'authorized'), ('authorizing', 'declined'), ('authorizing', 'unknown'), ('authorizing', 'voided'),
    ('authorized', 'capturing'), ('authorized', 'voiding'), ('authorized', 'refunding'), ('authorized', 'expired'),
    ('authorized', 'captured'), ('authorized', 'refunded'),
    ('capturing', 'captured'), ('capturing', 'authorized'), ('capturing', 'expired'), ('capturing', 'refunded'),
    ('capturing', 'unknown'),
    ('captured', 'refunding'),
    ('voiding', 'voided'), ('voiding', 'captured'), ('voiding', 'refunded'), ('voiding', 'authorized'),
    ('voiding', 'expired'), ('voiding', 'unknown'),
    ('refunding', 'captured'), ('refunding', 'refunded'), ('refunding', 'authorized'), ('refunding', 'unknown'),
    ('unknown', 'authorized'), ('unknown', 'declined'), ('unknown', 'captured'), ('unknown', 'voided'),
    ('unknown', 'refunded'), ('unknown', 'expired');

CREATE TABLE payment (
    payment_id text PRIMARY KEY,
    order_id text NOT NULL UNIQUE REFERENCES orders,
    -- Those of the order's first line, for events.
    product_id text NOT NULL,
    pool_id text NOT NULL,
    service text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount bigint NOT NULL CHECK (amount > 0),
    mandate bigint NOT NULL CHECK (mandate >= 0),
    state text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    -- The payment service can capture this authorization in several parts.
    captures_several boolean NOT NULL DEFAULT false,
    -- The call in progress, with its idempotency key, amount and time, and whether it is the last capture.
    step text CHECK (step IN ('authorize', 'capture', 'void', 'refund')),
    idempotency_key text,
    requested_amount bigint NOT NULL CHECK (requested_amount >= 0),
    requested_at timestamptz,
    requested_final boolean NOT NULL DEFAULT false CHECK (NOT requested_final OR step IS NOT DISTINCT FROM 'capture'),
    authorized bigint NOT NULL DEFAULT 0,
    captured bigint NOT NULL DEFAULT 0,
    refunded bigint NOT NULL DEFAULT 0,
    -- Part of the authorization that ended without a capture.
    released bigint NOT NULL DEFAULT 0 CHECK (released >= 0),
    -- Requested calls that wait for a state in which they are possible. The total of all captures, and whether no more follow.
    capture_requested bigint,
    capture_final boolean NOT NULL DEFAULT false CHECK (NOT capture_final OR capture_requested IS NOT NULL),
    void_requested boolean NOT NULL DEFAULT false,
    refund_requested bigint NOT NULL DEFAULT 0,
    reference text,
    expires_at timestamptz,
    reason text NOT NULL,
    -- Why an operator declared the call in progress of an unknown payment not done, whatever the service returns.
    given_up text,
    -- Copy of the customer's encrypted token; deleted when the authorization has a result.
    token_sealed bytea,
    CONSTRAINT captured_within_authorized_within_mandate
        CHECK (captured + released <= authorized AND authorized <= mandate AND authorized <= amount),
    -- While a refund is in progress, further goods may be to be captured.
    CONSTRAINT money_is_held_while_the_authorization_is_open CHECK (
        state = 'refunding' OR (state = 'unknown' AND step = 'refund')
        OR (captured + released < authorized)
            = (state IN ('authorized', 'capturing', 'voiding') OR (state = 'unknown' AND step IN ('capture', 'void')))),
    CONSTRAINT refunded_within_captured CHECK (0 <= refunded AND refunded <= captured),
    CONSTRAINT requested_amounts_within_amount
        CHECK (0 < capture_requested AND capture_requested <= amount AND 0 <= refund_requested AND refund_requested <= amount),
    CONSTRAINT step_has_key_and_time
        CHECK ((step IS NULL) = (idempotency_key IS NULL) AND (step IS NULL) = (requested_at IS NULL)),
    CONSTRAINT state_matches_step CHECK (
        step IS NOT DISTINCT FROM CASE state WHEN 'authorizing' THEN 'authorize' WHEN 'capturing' THEN 'capture'
            WHEN 'voiding' THEN 'void' WHEN 'refunding' THEN 'refund' WHEN 'unknown' THEN step END
        AND (state <> 'unknown' OR step IS NOT NULL)),
    CONSTRAINT token_only_while_authorizing
        CHECK (token_sealed IS NULL OR step IS NOT DISTINCT FROM 'authorize'),
    CONSTRAINT only_unknown_payments_are_given_up CHECK (given_up IS NULL OR state = 'unknown')
);
CREATE INDEX payment_to_expire ON payment (expires_at) WHERE state = 'authorized';
CREATE INDEX payment_unknown ON payment (requested_at) WHERE state = 'unknown';

-- Each transition refers to the previous one and to a legal transition; an illegal one aborts its transaction.
CREATE TABLE payment_history (
    payment_id text NOT NULL REFERENCES payment,
    version integer NOT NULL,
    previous_version integer GENERATED ALWAYS AS (nullif(version - 1, 0)) STORED,
    from_state text,
    to_state text NOT NULL,
    step text,
    -- Key of the step; NULL for a transition without one.
    idempotency_key text,
    amount bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    because text NOT NULL,
    cause text,
    PRIMARY KEY (payment_id, version),
    UNIQUE (payment_id, version, to_state),
    FOREIGN KEY (from_state, to_state) REFERENCES payment_transition,
    FOREIGN KEY (payment_id, previous_version, from_state) REFERENCES payment_history (payment_id, version, to_state),
    CHECK (version > 0 AND (version = 1) = (from_state IS NULL)),
    CHECK (version > 1 OR to_state = 'authorizing')
);
-- The state of a payment is that of its latest version.
ALTER TABLE payment ADD FOREIGN KEY (payment_id, version, state)
    REFERENCES payment_history (payment_id, version, to_state) DEFERRABLE INITIALLY DEFERRED;

-- The books: one currency per transaction; entries are in minor units and sum to zero.
CREATE TABLE money_transaction (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id text NOT NULL,
    version integer NOT NULL,
    -- The step that it records; only an expiry has none.
    idempotency_key text CHECK (idempotency_key IS NOT NULL OR kind = 'released'),
    kind text NOT NULL CHECK (kind IN ('authorized', 'released', 'captured', 'refunded')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    occurred_at timestamptz NOT NULL,
    -- A transition is booked once per kind.
    UNIQUE (payment_id, version, kind),
    FOREIGN KEY (payment_id, version) REFERENCES payment_history
);
-- A payment is authorized at most once, and the rest of it is released at most once, at the end.
CREATE UNIQUE INDEX one_booking_per_payment_and_kind ON money_transaction (payment_id, kind)
    WHERE kind IN ('authorized', 'released');
-- It is captured and refunded in several steps, each at most once.
CREATE UNIQUE INDEX one_booking_per_step_and_kind ON money_transaction (idempotency_key, kind);

CREATE TABLE money_entry (
    number bigint NOT NULL REFERENCES money_transaction,
    account text NOT NULL CHECK (account ~ '^(customer|provider|held|cash):.'),
    amount bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (number, account)
);
CREATE INDEX money_entry_by_account ON money_entry (account, number);

CREATE VIEW money_balance AS
SELECT e.account, t.currency, sum(e.amount)::bigint AS balance, max(t.number) AS latest
FROM money_entry AS e JOIN money_transaction AS t USING (number) GROUP BY e.account, t.currency;

CREATE FUNCTION refuse_change_of_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the books are append only: % on % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER entries_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON money_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_books();
CREATE TRIGGER transactions_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON money_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_books();
CREATE TRIGGER payment_history_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_books();

-- Checked at COMMIT, when all entries of a transaction are written.
CREATE FUNCTION refuse_unbalanced_books() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    entries integer;
    off_by  numeric;
BEGIN
    SELECT count(*), coalesce(sum(amount), 0) INTO entries, off_by FROM money_entry WHERE number = NEW.number;
    IF entries < 2 OR off_by <> 0 THEN
        RAISE EXCEPTION 'money transaction % has % entries and is out by %', NEW.number, entries, off_by
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entries_sum_to_zero AFTER INSERT ON money_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_books();
CREATE CONSTRAINT TRIGGER transactions_have_entries AFTER INSERT ON money_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_books();

-- Callbacks of providers.

-- Requests with a valid signature, stored byte for byte before they are interpreted.
CREATE TABLE callback (
    provider_id text NOT NULL,
    callback_id text NOT NULL,
    received_at timestamptz NOT NULL,
    headers jsonb NOT NULL,
    -- NULL after the retention time; the digest stays, so that a duplicate is still recognised.
    body bytea,
    digest bytea NOT NULL,
    order_id text,
    -- NULL until it is processed, by the request itself, a duplicate or the periodic job.
    outcome text CHECK (outcome IN ('applied', 'not_applied', 'refused', 'unmatched', 'repeated', 'unclear', 'unreadable')),
    reason text NOT NULL DEFAULT '',
    repeats integer NOT NULL DEFAULT 0,
    PRIMARY KEY (provider_id, callback_id)
);
CREATE INDEX callback_unprocessed ON callback (received_at) WHERE outcome IS NULL;
CREATE INDEX callback_by_age ON callback (received_at) WHERE body IS NOT NULL;
CREATE INDEX callback_by_order ON callback (order_id) WHERE order_id IS NOT NULL;

-- Ids of orders at providers; written before the order is sent.
CREATE TABLE order_reference (
    provider_id text NOT NULL,
    reference text NOT NULL,
    order_id text NOT NULL REFERENCES orders,
    PRIMARY KEY (provider_id, reference),
    UNIQUE (provider_id, order_id)
);

-- One single-use token per order. The hash is stored; a token cannot be derived from the nonce without the key.
CREATE TABLE order_token (
    order_id text PRIMARY KEY REFERENCES orders,
    provider_id text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    nonce bytea NOT NULL,
    -- What is ordered: line_id, product_id, packs, quantity, unit and scale of each line.
    lines jsonb NOT NULL CHECK (jsonb_typeof(lines) = 'array'),
    ship_to_sha256 text,
    max_amount bigint CHECK (max_amount >= 0),
    currency text,
    issued_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    redeemed_at timestamptz,
    redeemed_amount bigint,
    CHECK ((max_amount IS NULL) = (currency IS NULL)),
    -- No redemption above the amount or after the expiry.
    CHECK (redeemed_amount IS NULL OR redeemed_amount <= max_amount),
    CHECK (redeemed_at IS NULL OR redeemed_at <= expires_at)
);

-- Links of customers' devices to providers by OAuth 2.

-- Our client registration at each provider.
CREATE TABLE link_client (
    provider_id text PRIMARY KEY REFERENCES provider,
    authorize_url text NOT NULL,
    token_url text NOT NULL,
    revoke_url text,
    api_url text NOT NULL,
    client_id text NOT NULL,
    client_secret_sealed bytea NOT NULL,
    scope text NOT NULL,
    -- Settings that only the protocol reads.
    options jsonb NOT NULL DEFAULT '{}'
);

-- Authorizations in progress, between the redirect to the provider and its callback. Wall-clock time, also in simulations.
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
    -- Ids of the device and the customer at the provider.
    serial text NOT NULL,
    remote_customer text,
    state text NOT NULL CHECK (state IN ('active', 'ending', 'ended')),
    created_at timestamptz NOT NULL,
    active_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    access_sealed bytea,
    refresh_sealed bytea,
    -- Wall-clock time, like the lease of the attempt that refreshes the token.
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

-- Slots of linked devices: the provider's name for each, the customer's choice, and the level.
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

-- Amazon SNS notifications with a valid signature, as received; (provider, message) is applied once.
CREATE TABLE sns_message (
    provider_id text NOT NULL,
    message_id text NOT NULL,
    topic_arn text NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL DEFAULT 'new' CHECK (outcome IN ('new', 'applied', 'not_applied', 'unmatched', 'unreadable')),
    reason text NOT NULL DEFAULT '',
    -- Set when the message is parsed.
    notification text,
    instance_id text,
    serial text,
    -- Duplicates received after the first.
    repeats integer NOT NULL DEFAULT 0,
    PRIMARY KEY (provider_id, message_id)
);
CREATE INDEX sns_message_unapplied ON sns_message (provider_id, received_at) WHERE outcome <> 'applied';
CREATE INDEX sns_message_unmatched ON sns_message (provider_id, instance_id) WHERE outcome = 'unmatched';

-- Checks. `replenish check` reports each row of a view named check_... as an error.

CREATE VIEW check_orders_follow_their_lines AS
SELECT o.order_id AS subject, format('its lines are %s, stored is %s', l.summary, o.lines_summary) AS problem
FROM orders AS o
LEFT JOIN LATERAL (
    SELECT CASE
        WHEN bool_or(state IN ('ordered', 'shipped')) THEN
            CASE WHEN bool_and(state IN ('ordered', 'cancelled', 'refused')) THEN 'waiting' ELSE 'moving' END
        WHEN bool_or(state IN ('delivered', 'short', 'substituted')) THEN 'arrived'
        WHEN bool_or(state = 'returned') THEN 'returned'
        WHEN count(*) > 0 THEN 'without_goods' END AS summary
    FROM order_line WHERE order_line.order_id = o.order_id
) AS l ON true
WHERE l.summary IS DISTINCT FROM o.lines_summary;

CREATE VIEW check_parcels_hold_what_left AS
SELECT concat_ws('/', l.order_id, l.line_id) AS subject,
       format('%s left, its parcels hold %s', coalesce(l.shipped_quantity, 0), s.quantity) AS problem
FROM order_line AS l
JOIN (SELECT order_id, line_id, sum(quantity) AS quantity FROM shipment_line GROUP BY order_id, line_id) AS s
    USING (order_id, line_id)
-- A line that arrived has the quantity that was reported on arrival or counted.
WHERE s.quantity > coalesce(l.shipped_quantity, 0) AND l.state IN ('ordered', 'shipped');

CREATE VIEW check_lines_account_for_the_price AS
SELECT o.order_id AS subject,
       format('captured %s of %s, refunded %s', o.fee_captured + l.captured, o.price, o.fee_refunded + l.refunded) AS problem
FROM orders AS o
JOIN (SELECT order_id, sum(captured) AS captured, sum(refunded) AS refunded FROM order_line GROUP BY order_id) AS l
    USING (order_id)
LEFT JOIN payment AS p USING (order_id)
WHERE (l.captured > 0 OR o.fee_captured > 0)
    AND (o.fee_captured + l.captured > o.price OR p.captured > o.fee_captured + l.captured);

CREATE VIEW check_money_sums_to_zero AS
SELECT t.number::text AS subject,
       format('%s entries sum to %s', count(e.*), coalesce(sum(e.amount), 0)) AS problem
FROM money_transaction AS t LEFT JOIN money_entry AS e USING (number)
GROUP BY t.number HAVING count(e.*) < 2 OR coalesce(sum(e.amount), 0) <> 0;

CREATE VIEW check_authorized_money_is_held AS
SELECT concat_ws(' ', account, currency) AS subject,
       format('balance of the books %s, open authorizations %s', coalesce(b.balance, 0), coalesce(p.held, 0)) AS problem
FROM (SELECT account, currency, balance FROM money_balance WHERE account LIKE 'held:%') AS b
FULL JOIN (
    SELECT 'held:' || service AS account, currency, sum(authorized - captured - released) AS held FROM payment
    GROUP BY service, currency
) AS p USING (account, currency)
WHERE coalesce(b.balance, 0) <> coalesce(p.held, 0);

CREATE VIEW check_cash_equals_captured_money AS
SELECT concat_ws(' ', account, currency) AS subject,
       format('balance of the books %s, captured and not refunded %s', coalesce(b.balance, 0), coalesce(p.captured, 0)) AS problem
FROM (SELECT account, currency, balance FROM money_balance WHERE account LIKE 'cash:%') AS b
FULL JOIN (
    SELECT 'cash:' || service AS account, currency, sum(captured - refunded) AS captured FROM payment
    WHERE captured > 0 GROUP BY service, currency
) AS p USING (account, currency)
WHERE coalesce(b.balance, 0) <> coalesce(p.captured, 0);

CREATE VIEW check_cash_is_owed_to_providers AS
SELECT currency AS subject,
       format('cash is %s, providers are owed %s', cash, owed) AS problem
FROM (
    SELECT currency, coalesce(sum(balance) FILTER (WHERE account LIKE 'cash:%'), 0) AS cash,
           -coalesce(sum(balance) FILTER (WHERE account LIKE 'provider:%'), 0) AS owed
    FROM money_balance GROUP BY currency
) AS sums WHERE cash <> owed;

CREATE VIEW check_payments_are_booked_once AS
SELECT p.payment_id AS subject,
       format('authorized %s, captured %s, refunded %s, released %s; the books have %s, %s, %s, %s',
              p.authorized, p.captured, p.refunded, p.released, b.authorized, b.captured, b.refunded, b.released) AS problem
FROM payment AS p
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.amount) FILTER (WHERE t.kind = 'authorized' AND e.account = 'held:' || p.service), 0) AS authorized,
           coalesce(sum(e.amount) FILTER (WHERE t.kind = 'captured' AND e.account = 'cash:' || p.service), 0) AS captured,
           -coalesce(sum(e.amount) FILTER (WHERE t.kind = 'refunded' AND e.account = 'cash:' || p.service), 0)
               AS refunded,
           -coalesce(sum(e.amount) FILTER (WHERE t.kind = 'released' AND e.account = 'held:' || p.service), 0)
               AS released
    FROM money_transaction AS t JOIN money_entry AS e USING (number) WHERE t.payment_id = p.payment_id
) AS b
WHERE (p.authorized, p.captured, p.refunded, p.released) <> (b.authorized, b.captured, b.refunded, b.released);

-- Each confirmed capture and refund is booked with its own amount, under the transition and the step that confirmed it.
CREATE VIEW check_steps_are_booked_once AS
SELECT concat_ws(' ', payment_id, version, kind) AS subject,
       format('the history has %s, the books have %s', coalesce(h.amount, 0), coalesce(b.amount, 0)) AS problem
FROM (
    SELECT payment_id, version, idempotency_key, CASE step WHEN 'capture' THEN 'captured' ELSE 'refunded' END AS kind, amount
    FROM payment_history
    WHERE step IN ('capture', 'refund') AND to_state NOT IN ('capturing', 'refunding', 'unknown') AND amount <> 0
) AS h
FULL JOIN (
    SELECT t.payment_id, t.version, t.idempotency_key, t.kind, sum(abs(e.amount))::bigint AS amount
    FROM money_transaction AS t LEFT JOIN money_entry AS e ON e.number = t.number AND e.account LIKE 'cash:%'
    WHERE t.kind IN ('captured', 'refunded') GROUP BY t.number
) AS b USING (payment_id, version, idempotency_key, kind)
WHERE h.amount IS DISTINCT FROM b.amount;

CREATE VIEW check_payments_stay_within_mandate AS
SELECT p.payment_id AS subject,
       format('order %s, mandate %s, authorized %s, captured %s', o.price, p.mandate, p.authorized, p.captured) AS problem
FROM payment AS p JOIN orders AS o USING (order_id)
WHERE p.amount > o.price OR p.currency <> o.currency OR p.authorized > p.mandate OR p.captured > p.authorized;

CREATE VIEW check_links_belong_to_devices AS
SELECT link_id AS subject, 'active, but the device no longer belongs to the customer' AS problem
FROM link JOIN device USING (device_id)
WHERE link.state = 'active' AND (device.state <> 'active' OR device.customer_id <> link.customer_id);
