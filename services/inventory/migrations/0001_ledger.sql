-- The double-entry ledger by place. `ledger_entry` is the truth; `account` and `stock` are kept in step by triggers.

CREATE TABLE stock (
    owner_id   text   NOT NULL,            -- a customer, or a provider
    product_id text   NOT NULL,
    total      bigint NOT NULL DEFAULT 0,
    available  bigint NOT NULL DEFAULT 0,  -- a customer's shelf; a provider's stock for sale
    allocated  bigint NOT NULL DEFAULT 0,  -- reserved for orders
    PRIMARY KEY (owner_id, product_id),
    CONSTRAINT total_is_available_and_allocated CHECK (total = available + allocated),
    CONSTRAINT available_is_not_negative CHECK (available >= 0),
    CONSTRAINT allocated_is_not_negative CHECK (allocated >= 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE stock IS 'One row per owner and product: the lock of everything that moves it.';

CREATE TABLE account (
    owner_id   text   NOT NULL,
    product_id text   NOT NULL,
    place      text   NOT NULL
               CHECK (place IN ('supplier', 'in_transit', 'shelf', 'loaded', 'unexplained', 'available', 'allocated')),
    balance    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (owner_id, product_id, place),
    FOREIGN KEY (owner_id, product_id) REFERENCES stock,
    CONSTRAINT goods_at_hand_are_not_negative
        CHECK (balance >= 0 OR place IN ('supplier', 'loaded', 'unexplained'))
) WITH (fillfactor = 70);

CREATE TABLE ledger_transaction (
    number         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid        NOT NULL UNIQUE,  -- made from what caused it, so that it is booked once
    owner_id       text        NOT NULL,
    product_id     text        NOT NULL,
    action         text        NOT NULL
                   CHECK (action IN ('increment', 'decrement', 'allocate', 'deallocate', 'ship', 'correct', 'expire')),
    reason         text        NOT NULL,
    quantity       bigint      NOT NULL CHECK (quantity > 0),
    order_id       text,
    cause          text,                         -- id of the event that led to it; none for what a person did here
    booked_by      text        NOT NULL,         -- the event's name, or who
    happened_at    timestamptz NOT NULL,
    booked_at      timestamptz NOT NULL,
    FOREIGN KEY (owner_id, product_id) REFERENCES stock
);
CREATE INDEX ledger_transaction_by_stock ON ledger_transaction (owner_id, product_id, number);

CREATE TABLE ledger_entry (
    number     bigint NOT NULL REFERENCES ledger_transaction,
    place      text   NOT NULL,
    owner_id   text   NOT NULL,
    product_id text   NOT NULL,
    quantity   bigint NOT NULL CHECK (quantity <> 0),
    PRIMARY KEY (number, owner_id, product_id, place)
);
CREATE INDEX ledger_entry_by_account ON ledger_entry (owner_id, product_id, place);

-- Balances follow entries in the same transaction, whoever writes them.
CREATE FUNCTION post_entries() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- Not one upsert: Postgres checks the row it would insert, a negative one too, before it finds the other.
    INSERT INTO account (owner_id, product_id, place)
    SELECT DISTINCT owner_id, product_id, place FROM posted
    ON CONFLICT (owner_id, product_id, place) DO NOTHING;
    UPDATE account SET balance = account.balance + moved.quantity
    FROM (
        SELECT owner_id, product_id, place, sum(quantity) AS quantity FROM posted GROUP BY owner_id, product_id, place
    ) AS moved
    WHERE account.owner_id = moved.owner_id AND account.product_id = moved.product_id AND account.place = moved.place;

    UPDATE stock SET
        total = stock.total + moved.available + moved.allocated,
        available = stock.available + moved.available,
        allocated = stock.allocated + moved.allocated
    FROM (
        SELECT owner_id, product_id,
               coalesce(sum(quantity) FILTER (WHERE place IN ('shelf', 'available')), 0) AS available,
               coalesce(sum(quantity) FILTER (WHERE place = 'allocated'), 0) AS allocated
        FROM posted GROUP BY owner_id, product_id
    ) AS moved
    WHERE stock.owner_id = moved.owner_id AND stock.product_id = moved.product_id
      AND (moved.available <> 0 OR moved.allocated <> 0);
    RETURN NULL;
END $$;
CREATE TRIGGER entries_move_balances AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION post_entries();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append only: % on % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER entries_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transactions_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Judged at COMMIT, when all entries of a transaction are there.
CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    entries integer;
    off_by  numeric;
BEGIN
    SELECT coalesce(sum(sums.entries), 0), coalesce(max(abs(sums.quantity)), 0) INTO entries, off_by
    FROM (
        SELECT count(*) AS entries, sum(quantity) AS quantity FROM ledger_entry
        WHERE number = NEW.number GROUP BY product_id
    ) AS sums;
    IF entries < 2 OR off_by <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % has % entries and is out by %', NEW.number, entries, off_by
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entries_sum_to_zero AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();
CREATE CONSTRAINT TRIGGER transactions_have_entries AFTER INSERT ON ledger_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();
