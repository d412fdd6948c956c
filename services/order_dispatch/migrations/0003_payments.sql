-- Money: what customers pay with, the payment of each order, and the double-entry books.

-- The token is sealed (sealing.py) about "payment-method:<customer>:<service>".
CREATE TABLE payment_method (
    customer_id text NOT NULL,
    service text NOT NULL,
    token_sealed bytea NOT NULL,
    -- The most one order may cost, in minor units.
    mandate bigint NOT NULL CHECK (mandate > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, service)
);

-- The table of moves; payments/domain/states.py has the same one and a test compares them.
CREATE TABLE payment_transition (
    from_state text NOT NULL,
    to_state text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO payment_transition (from_state, to_state) VALUES
    ('authorizing', 'authorized'), ('authorizing', 'declined'), ('authorizing', 'unknown'), ('authorizing', 'voided'),
    ('authorized', 'capturing'), ('authorized', 'voiding'), ('authorized', 'expired'),
    ('capturing', 'captured'), ('capturing', 'authorized'), ('capturing', 'expired'), ('capturing', 'unknown'),
    ('captured', 'refunding'),
    ('voiding', 'voided'), ('voiding', 'authorized'), ('voiding', 'expired'), ('voiding', 'unknown'),
    ('refunding', 'captured'), ('refunding', 'refunded'), ('refunding', 'unknown'),
    ('unknown', 'authorized'), ('unknown', 'declined'), ('unknown', 'captured'), ('unknown', 'voided'),
    ('unknown', 'refunded'), ('unknown', 'expired');

CREATE TABLE payment (
    payment_id text PRIMARY KEY,
    order_id text NOT NULL UNIQUE REFERENCES orders,
    service text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount bigint NOT NULL CHECK (amount > 0),
    mandate bigint NOT NULL CHECK (mandate >= 0),
    state text NOT NULL,
    move integer NOT NULL CHECK (move > 0),
    -- The step under way, with its idempotency key, amount and time.
    step text CHECK (step IN ('authorize', 'capture', 'void', 'refund')),
    key text,
    asked bigint NOT NULL CHECK (asked >= 0),
    asked_at timestamptz,
    authorized bigint NOT NULL DEFAULT 0,
    captured bigint NOT NULL DEFAULT 0,
    refunded bigint NOT NULL DEFAULT 0,
    -- What is wanted and waits until the payment stands where it can be done.
    capture_asked bigint,
    void_asked boolean NOT NULL DEFAULT false,
    refund_asked bigint NOT NULL DEFAULT 0,
    reference text,
    expires_at timestamptz,
    reason text NOT NULL,
    -- The customer's sealed token as it was when the payment began; gone once it is known what became of that.
    token_sealed bytea,
    CONSTRAINT captured_within_authorized_within_mandate
        CHECK (captured <= authorized AND authorized <= mandate AND authorized <= amount),
    CONSTRAINT refunded_within_captured CHECK (0 <= refunded AND refunded <= captured),
    CONSTRAINT wishes_are_within_reason
        CHECK (0 < capture_asked AND capture_asked <= amount AND 0 <= refund_asked AND refund_asked <= amount),
    CONSTRAINT a_step_has_its_key
        CHECK ((step IS NULL) = (key IS NULL) AND (step IS NULL) = (asked_at IS NULL)),
    CONSTRAINT states_have_their_step CHECK (
        step IS NOT DISTINCT FROM CASE state WHEN 'authorizing' THEN 'authorize' WHEN 'capturing' THEN 'capture'
            WHEN 'voiding' THEN 'void' WHEN 'refunding' THEN 'refund' WHEN 'unknown' THEN step END
        AND (state <> 'unknown' OR step IS NOT NULL)),
    CONSTRAINT a_token_is_kept_only_to_authorize
        CHECK (token_sealed IS NULL OR step IS NOT DISTINCT FROM 'authorize')
);
CREATE INDEX payment_to_expire ON payment (expires_at) WHERE state = 'authorized';
CREATE INDEX payment_unknown ON payment (asked_at) WHERE state = 'unknown';

-- Each move refers to the one before it and to the table of moves: an illegal one aborts its transaction.
CREATE TABLE payment_history (
    payment_id text NOT NULL REFERENCES payment,
    move integer NOT NULL,
    previous_move integer GENERATED ALWAYS AS (nullif(move - 1, 0)) STORED,
    from_state text,
    to_state text NOT NULL,
    step text,
    amount bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    because text NOT NULL,
    cause text,
    PRIMARY KEY (payment_id, move),
    UNIQUE (payment_id, move, to_state),
    FOREIGN KEY (from_state, to_state) REFERENCES payment_transition,
    FOREIGN KEY (payment_id, previous_move, from_state) REFERENCES payment_history (payment_id, move, to_state),
    CHECK (move > 0 AND (move = 1) = (from_state IS NULL)),
    CHECK (move > 1 OR to_state = 'authorizing')
);
-- A payment is where its last move took it.
ALTER TABLE payment ADD FOREIGN KEY (payment_id, move, state)
    REFERENCES payment_history (payment_id, move, to_state) DEFERRABLE INITIALLY DEFERRED;

-- The books. One currency per transaction; entries are minor units and sum to zero.
CREATE TABLE money_transaction (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id text NOT NULL,
    move integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('reserved', 'released', 'taken', 'given_back')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    occurred_at timestamptz NOT NULL,
    -- A move is booked once.
    UNIQUE (payment_id, move, kind),
    FOREIGN KEY (payment_id, move) REFERENCES payment_history
);
-- Nothing is reserved or taken twice for one payment.
CREATE UNIQUE INDEX money_reserved_and_taken_once ON money_transaction (payment_id, kind)
    WHERE kind IN ('reserved', 'released', 'taken');

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
CREATE TRIGGER payments_past_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_books();

-- Judged at COMMIT, when all entries of a transaction are there.
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

-- What `replenish check` asks: each row of a view named check_... is something wrong.
CREATE VIEW check_money_sums_to_zero AS
SELECT t.number::text AS subject,
       format('%s entries sum to %s', count(e.*), coalesce(sum(e.amount), 0)) AS problem
FROM money_transaction AS t LEFT JOIN money_entry AS e USING (number)
GROUP BY t.number HAVING count(e.*) < 2 OR coalesce(sum(e.amount), 0) <> 0;

CREATE VIEW check_reserved_money_is_held AS
SELECT concat_ws(' ', account, currency) AS subject,
       format('the books hold %s, open payments reserved %s', coalesce(b.balance, 0), coalesce(p.reserved, 0)) AS problem
FROM (SELECT account, currency, balance FROM money_balance WHERE account LIKE 'held:%') AS b
FULL JOIN (
    SELECT 'held:' || service AS account, currency, sum(authorized) AS reserved FROM payment
    WHERE state IN ('authorized', 'capturing', 'voiding') OR (state = 'unknown' AND step IN ('capture', 'void'))
    GROUP BY service, currency
) AS p USING (account, currency)
WHERE coalesce(b.balance, 0) <> coalesce(p.reserved, 0);

CREATE VIEW check_cash_is_what_was_taken AS
SELECT concat_ws(' ', account, currency) AS subject,
       format('the books have %s, payments took %s', coalesce(b.balance, 0), coalesce(p.taken, 0)) AS problem
FROM (SELECT account, currency, balance FROM money_balance WHERE account LIKE 'cash:%') AS b
FULL JOIN (
    SELECT 'cash:' || service AS account, currency, sum(captured - refunded) AS taken FROM payment
    WHERE captured > 0 GROUP BY service, currency
) AS p USING (account, currency)
WHERE coalesce(b.balance, 0) <> coalesce(p.taken, 0);

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
       format('authorized %s, captured %s, refunded %s; the books say %s, %s, %s',
              p.authorized, p.captured, p.refunded, b.reserved, b.taken, b.given_back) AS problem
FROM payment AS p
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.amount) FILTER (WHERE t.kind = 'reserved' AND e.account = 'held:' || p.service), 0) AS reserved,
           coalesce(sum(e.amount) FILTER (WHERE t.kind = 'taken' AND e.account = 'cash:' || p.service), 0) AS taken,
           -coalesce(sum(e.amount) FILTER (WHERE t.kind = 'given_back' AND e.account = 'cash:' || p.service), 0)
               AS given_back
    FROM money_transaction AS t JOIN money_entry AS e USING (number) WHERE t.payment_id = p.payment_id
) AS b
WHERE (p.authorized, p.captured, p.refunded) <> (b.reserved, b.taken, b.given_back);

CREATE VIEW check_payments_stay_within_what_was_agreed AS
SELECT p.payment_id AS subject,
       format('order %s, mandate %s, authorized %s, captured %s', o.price, p.mandate, p.authorized, p.captured) AS problem
FROM payment AS p JOIN orders AS o USING (order_id)
WHERE p.amount > o.price OR p.currency <> o.currency OR p.authorized > p.mandate OR p.captured > p.authorized;
