-- Schema of inventory: the double-entry ledger of goods by place, and everything that moves it.

-- Ledger. `ledger_entry` is the source; triggers keep `account` and `stock` equal to its sums.

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
COMMENT ON TABLE stock IS 'One row per owner and product; every movement locks it.';

CREATE TABLE account (
    owner_id   text   NOT NULL,
    product_id text   NOT NULL,
    place      text   NOT NULL
               CHECK (place IN ('supplier', 'in_transit', 'shelf', 'loaded', 'unexplained', 'available', 'allocated',
                                'sold', 'expired', 'returned')),
    balance    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (owner_id, product_id, place),
    FOREIGN KEY (owner_id, product_id) REFERENCES stock,
    CONSTRAINT goods_at_hand_are_not_negative
        CHECK (balance >= 0 OR place IN ('supplier', 'loaded', 'unexplained'))
) WITH (fillfactor = 70);

CREATE TABLE ledger_transaction (
    number         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid        NOT NULL UNIQUE,  -- derived from the cause, so that it is booked once
    owner_id       text        NOT NULL,
    product_id     text        NOT NULL,
    action         text        NOT NULL
                   CHECK (action IN ('increment', 'decrement', 'allocate', 'deallocate', 'ship', 'correct', 'expire')),
    reason         text        NOT NULL,
    quantity       bigint      NOT NULL CHECK (quantity > 0),
    order_id       text,                         -- an order, or a checkout
    line_id        text,                         -- the order's line
    cause          text,                         -- event id; NULL for a booking through the API
    booked_by      text        NOT NULL,         -- name of the event, or the principal
    happened_at    timestamptz NOT NULL,
    booked_at      timestamptz NOT NULL,
    FOREIGN KEY (owner_id, product_id) REFERENCES stock,
    CONSTRAINT lines_belong_to_orders CHECK (line_id IS NULL OR order_id IS NOT NULL)
);
CREATE INDEX ledger_transaction_by_stock ON ledger_transaction (owner_id, product_id, number);
CREATE UNIQUE INDEX ledger_transaction_credits_once ON ledger_transaction (order_id, line_id) WHERE reason = 'delivered';

-- `number` has no foreign key: its check would lock the transaction's row for every entry. refuse_unbalanced() verifies
-- that the transaction exists, and transactions cannot be deleted.
CREATE TABLE ledger_entry (
    number     bigint NOT NULL,
    place      text   NOT NULL,
    owner_id   text   NOT NULL,
    product_id text   NOT NULL,
    quantity   bigint NOT NULL CHECK (quantity <> 0),
    PRIMARY KEY (number, owner_id, product_id, place)
);
CREATE INDEX ledger_entry_by_account ON ledger_entry (owner_id, product_id, place);

-- Adds new entries to the balances in the same transaction.
CREATE FUNCTION post_entries() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- Two statements, as an upsert checks the row to insert, which may be negative, before it finds the existing one.
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

-- Balance is checked once per statement instead of per row and again at COMMIT, which cost an allocation more than its
-- own rows. Every statement leaves each transaction at zero; no entry is zero, so a balanced one has at least two.
CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    unbalanced record;
BEGIN
    SELECT p.number, sum(p.quantity) AS off_by INTO unbalanced
    FROM posted AS p GROUP BY p.number, p.product_id HAVING sum(p.quantity) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % is out by %', unbalanced.number, unbalanced.off_by
            USING ERRCODE = 'check_violation';
    END IF;
    -- Single look-ups: a join whose plan was cached while the ledger was small would read all of it.
    SELECT p.number INTO unbalanced FROM (SELECT DISTINCT number FROM posted) AS p
    WHERE (SELECT t.number FROM ledger_transaction AS t WHERE t.number = p.number LIMIT 1) IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no ledger transaction %', unbalanced.number USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entries_sum_to_zero AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced();

-- A transaction and its entries are inserted by one statement, so that the entries are visible here.
CREATE FUNCTION refuse_empty() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    empty bigint;
BEGIN
    SELECT b.number INTO empty FROM booked AS b
    WHERE (SELECT e.number FROM ledger_entry AS e WHERE e.number = b.number LIMIT 1) IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % has 0 entries', empty USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transactions_have_entries AFTER INSERT ON ledger_transaction
    REFERENCING NEW TABLE AS booked FOR EACH STATEMENT EXECUTE FUNCTION refuse_empty();

-- Orders and devices.

-- Progress of the goods of each order's line. `delivered` is entered once, however often the event arrives.
CREATE TABLE consignment (
    order_id   text        NOT NULL,
    line_id    text        NOT NULL,
    owner_id   text        NOT NULL,
    product_id text        NOT NULL,
    journey    text        NOT NULL CHECK (journey IN ('ordered', 'cancelled', 'in_transit', 'returned', 'delivered')),
    shipped    bigint      NOT NULL DEFAULT 0 CHECK (shipped >= 0),  -- what left in all
    total      bigint      NOT NULL DEFAULT 0 CHECK (total >= 0),    -- the largest total reported without a shipment id
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, line_id),
    CONSTRAINT total_has_left CHECK (shipped >= total)
);
CREATE INDEX consignment_by_stock ON consignment (owner_id, product_id);

CREATE TABLE shipment_line (
    order_id    text   NOT NULL,
    line_id     text   NOT NULL,
    shipment_id text   NOT NULL,
    quantity    bigint NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (order_id, line_id, shipment_id),
    FOREIGN KEY (order_id, line_id) REFERENCES consignment
);
COMMENT ON TABLE shipment_line IS 'Quantity of a line in each shipment that the provider named; each counts once.';

-- Latest registration of each device. Devices that left are kept, so that their late reports are not deferred.
CREATE TABLE device (
    device_id    text    PRIMARY KEY,
    registration integer NOT NULL
);

CREATE TABLE slot (
    device_id   text    NOT NULL REFERENCES device,
    slot        text    NOT NULL,
    customer_id text    NOT NULL,
    product_id  text    NOT NULL,
    unit        text    NOT NULL,
    scale       integer NOT NULL,
    capacity    bigint  NOT NULL,
    fill        text    NOT NULL CHECK (fill IN ('add', 'replace')),
    PRIMARY KEY (device_id, slot)
);
CREATE INDEX slot_by_stock ON slot (customer_id, product_id);

CREATE TABLE product_unit (
    owner_id   text    NOT NULL,
    product_id text    NOT NULL,
    unit       text    NOT NULL,
    scale      integer NOT NULL,
    PRIMARY KEY (owner_id, product_id)
);
COMMENT ON TABLE product_unit IS 'Unit and scale of an owner''s product; kept after its slots are gone, because goods stay on the shelf.';

-- Customers whose data was erased; later events about them are ignored.
CREATE TABLE erased_customer (
    customer_id text        PRIMARY KEY,
    erased_at   timestamptz NOT NULL
);

-- Stock of providers.

-- One row per line of an order. A checkout, and 'by hand' for goods set aside through the API, have one row per product.
CREATE TABLE allocation (
    holder_id  text        NOT NULL,
    line_id    text        NOT NULL DEFAULT '',  -- empty for checkouts and goods set aside by hand
    owner_id   text        NOT NULL,
    product_id text        NOT NULL,
    quantity   bigint      NOT NULL CHECK (quantity >= 0),
    state      text        NOT NULL CHECK (state IN ('open', 'shipped', 'released', 'returned')),
    shipped    bigint      NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    round      integer     NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (holder_id, line_id, owner_id, product_id),
    FOREIGN KEY (owner_id, product_id) REFERENCES stock,
    CONSTRAINT released_goods_have_not_left CHECK (shipped = 0 OR state <> 'released'),
    CONSTRAINT open_allocations_keep_goods CHECK (state <> 'open' OR shipped < quantity OR shipped = 0)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX allocation_by_line ON allocation (holder_id, line_id) WHERE line_id <> '';
COMMENT ON TABLE allocation IS 'stock.allocated is the sum of what the open rows allocated and has not left.';

-- Orders that ended without an allocation; a late AllocationRequested for one allocates nothing.
CREATE TABLE settled_order (
    order_id   text        PRIMARY KEY,
    outcome    text        NOT NULL,
    settled_at timestamptz NOT NULL
);
CREATE INDEX settled_order_by_age ON settled_order (settled_at);

CREATE TABLE restock (
    owner_id    text        NOT NULL,
    product_id  text        NOT NULL,
    expected_at timestamptz NOT NULL,
    quantity    bigint      NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (owner_id, product_id)
);
COMMENT ON TABLE restock IS 'Next delivery an owner announced; StockShort contains it.';

-- Perishable goods by last day of sale; the earliest is shipped first.
CREATE TABLE lot (
    owner_id   text   NOT NULL,
    product_id text   NOT NULL,
    expires_on date   NOT NULL,
    quantity   bigint NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (owner_id, product_id, expires_on),
    FOREIGN KEY (owner_id, product_id) REFERENCES stock
);
CREATE INDEX lot_by_age ON lot (expires_on) WHERE quantity > 0;
COMMENT ON TABLE lot IS 'Quantity available or allocated, by last day of sale; stock without a lot does not expire.';

-- Direct sales, from cart to shipment. A cart allocates nothing; a checkout does while it is paid and after payment.

CREATE TABLE cart (
    cart_id     text        PRIMARY KEY,
    customer_id text        NOT NULL,
    checkout_id text,                     -- the checkout made from it
    changed_at  timestamptz NOT NULL
);
CREATE INDEX cart_by_age ON cart (changed_at);

CREATE TABLE cart_item (
    cart_id    text   NOT NULL REFERENCES cart ON DELETE CASCADE,
    owner_id   text   NOT NULL,
    product_id text   NOT NULL,
    quantity   bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (cart_id, owner_id, product_id)
);

CREATE TABLE checkout (
    checkout_id text        PRIMARY KEY,
    customer_id text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('unpaid', 'paying', 'paid', 'shipped', 'cancelled', 'expired')),
    expires_at  timestamptz,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    CONSTRAINT only_the_unpaid_expire CHECK ((state IN ('unpaid', 'paying')) = (expires_at IS NOT NULL))
);
CREATE INDEX checkout_by_expiry ON checkout (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE checkout_line (
    checkout_id text   NOT NULL REFERENCES checkout,
    owner_id    text   NOT NULL,
    product_id  text   NOT NULL,
    quantity    bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (checkout_id, owner_id, product_id)
);

-- Checks. `replenish check` reports each row of a view named check_... as an error.

CREATE VIEW check_transactions_sum_to_zero AS
SELECT t.number::text AS subject,
       format('%s entries sum to %s', count(e.*), coalesce(sum(e.quantity), 0)) AS problem
FROM ledger_transaction AS t LEFT JOIN ledger_entry AS e USING (number)
GROUP BY t.number
HAVING count(e.*) < 2 OR coalesce(sum(e.quantity), 0) <> 0;

CREATE VIEW check_balances_are_sums_of_entries AS
SELECT concat_ws('/', owner_id, product_id, place) AS subject,
       format('balance %s, entries sum to %s', coalesce(a.balance, 0), coalesce(s.total, 0)) AS problem
FROM account AS a
FULL JOIN (
    SELECT owner_id, product_id, place, sum(quantity) AS total FROM ledger_entry GROUP BY owner_id, product_id, place
) AS s USING (owner_id, product_id, place)
WHERE coalesce(a.balance, 0) <> coalesce(s.total, 0);

CREATE VIEW check_stock_is_its_accounts AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('total %s = available %s + allocated %s, accounts hold %s and %s',
              s.total, s.available, s.allocated, coalesce(a.available, 0), coalesce(a.allocated, 0)) AS problem
FROM stock AS s
LEFT JOIN (
    SELECT owner_id, product_id,
           sum(balance) FILTER (WHERE place IN ('shelf', 'available')) AS available,
           sum(balance) FILTER (WHERE place = 'allocated') AS allocated
    FROM account GROUP BY owner_id, product_id
) AS a USING (owner_id, product_id)
WHERE s.available <> coalesce(a.available, 0) OR s.allocated <> coalesce(a.allocated, 0)
   OR s.total <> s.available + s.allocated;

CREATE VIEW check_transit_is_its_consignments AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('%s in transit, consignments say %s', coalesce(a.balance, 0), coalesce(c.shipped, 0)) AS problem
FROM (SELECT owner_id, product_id, balance FROM account WHERE place = 'in_transit') AS a
FULL JOIN (
    SELECT owner_id, product_id, sum(shipped) AS shipped FROM consignment WHERE journey = 'in_transit'
    GROUP BY owner_id, product_id
) AS c USING (owner_id, product_id)
WHERE coalesce(a.balance, 0) <> coalesce(c.shipped, 0);

CREATE VIEW check_orders_are_credited_once AS
SELECT concat_ws('/', order_id, line_id) AS subject, format('credited %s times', count(*)) AS problem
FROM ledger_transaction WHERE reason = 'delivered' AND order_id IS NOT NULL
GROUP BY order_id, line_id HAVING count(*) > 1;

CREATE VIEW check_credited_lines_are_delivered AS
SELECT concat_ws('/', t.order_id, t.line_id) AS subject, format('credited, and is %s', coalesce(c.journey, 'unknown')) AS problem
FROM ledger_transaction AS t LEFT JOIN consignment AS c USING (order_id, line_id)
WHERE t.reason = 'delivered' AND t.line_id IS NOT NULL AND c.journey IS DISTINCT FROM 'delivered';

CREATE VIEW check_consignments_are_their_shipments AS
SELECT concat_ws('/', order_id, line_id) AS subject,
       format('%s left, total %s, shipments sum to %s', c.shipped, c.total, coalesce(p.quantity, 0)) AS problem
FROM consignment AS c
LEFT JOIN (SELECT order_id, line_id, sum(quantity) AS quantity FROM shipment_line GROUP BY order_id, line_id) AS p
    USING (order_id, line_id)
WHERE c.shipped <> greatest(c.total, coalesce(p.quantity, 0));

CREATE VIEW check_shipped_allocations_are_their_consignments AS
SELECT concat_ws('/', a.holder_id, a.line_id) AS subject,
       format('%s left the stock, %s left for the customer', a.shipped, c.shipped) AS problem
FROM allocation AS a
JOIN consignment AS c ON (c.order_id, c.line_id, c.product_id) = (a.holder_id, a.line_id, a.product_id)
WHERE a.shipped <> c.shipped;

CREATE VIEW check_nothing_is_negative AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('total %s, available %s, allocated %s', total, available, allocated) AS problem
FROM stock WHERE total <> available + allocated OR available < 0 OR allocated < 0;

CREATE VIEW check_allocated_is_its_open_allocations AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('allocated %s, open allocations sum to %s', coalesce(s.allocated, 0), coalesce(a.quantity, 0)) AS problem
FROM stock AS s
FULL JOIN (
    SELECT owner_id, product_id, sum(quantity - shipped) AS quantity FROM allocation WHERE state = 'open'
    GROUP BY owner_id, product_id
) AS a USING (owner_id, product_id)
WHERE coalesce(s.allocated, 0) <> coalesce(a.quantity, 0);

-- What is allocated to a line, or to a checkout, equals the sum of its bookings, until it is released or shipped.
CREATE VIEW check_allocations_are_their_bookings AS
SELECT concat_ws('/', holder_id, nullif(line_id, ''), owner_id, product_id) AS subject,
       format('kept %s, its bookings sum to %s', coalesce(a.quantity, 0), coalesce(b.quantity, 0)) AS problem
FROM (
    SELECT holder_id, line_id, owner_id, product_id, quantity - shipped AS quantity
    FROM allocation WHERE state = 'open' AND holder_id <> 'by hand'
) AS a
FULL JOIN (
    SELECT t.order_id AS holder_id, coalesce(t.line_id, '') AS line_id, e.owner_id, e.product_id,
           sum(e.quantity) AS quantity
    FROM ledger_entry AS e JOIN ledger_transaction AS t USING (number)
    WHERE e.place = 'allocated' AND t.order_id IS NOT NULL
    GROUP BY t.order_id, coalesce(t.line_id, ''), e.owner_id, e.product_id
) AS b USING (holder_id, line_id, owner_id, product_id)
WHERE coalesce(a.quantity, 0) <> coalesce(b.quantity, 0);

-- Replays the ledger: no balance of goods at hand was ever negative.
CREATE VIEW check_nothing_was_ever_oversold AS
SELECT concat_ws('/', owner_id, product_id, place) AS subject,
       format('%s after transaction %s', balance, number) AS problem
FROM (
    SELECT owner_id, product_id, place, number,
           sum(quantity) OVER (PARTITION BY owner_id, product_id, place ORDER BY number) AS balance
    FROM ledger_entry WHERE place IN ('available', 'allocated', 'shelf', 'in_transit', 'returned')
) AS replayed
WHERE balance < 0;

CREATE VIEW check_paid_goods_are_kept AS
SELECT concat_ws('/', l.checkout_id, l.owner_id, l.product_id) AS subject,
       format('%s, wants %s, %s kept', c.state, l.quantity, coalesce(a.quantity, 0)) AS problem
FROM checkout_line AS l
JOIN checkout AS c USING (checkout_id)
LEFT JOIN allocation AS a ON (a.holder_id, a.owner_id, a.product_id) = (l.checkout_id, l.owner_id, l.product_id)
                         AND a.state = 'open'
WHERE CASE WHEN c.state IN ('paying', 'paid') THEN coalesce(a.quantity, 0) <> l.quantity
           WHEN c.state = 'unpaid' THEN coalesce(a.quantity, l.quantity) <> l.quantity
           ELSE a.quantity IS NOT NULL END;

CREATE VIEW check_lots_are_in_stock AS
SELECT concat_ws('/', owner_id, product_id) AS subject,
       format('lots sum to %s, the stock is %s', sum(l.quantity), s.total) AS problem
FROM lot AS l JOIN stock AS s USING (owner_id, product_id)
GROUP BY owner_id, product_id, s.total HAVING sum(l.quantity) > s.total;
