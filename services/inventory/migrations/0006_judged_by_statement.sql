-- The ledger is judged when entries are written, all of a statement at once: a trigger for every row, and again
-- for every row at COMMIT, cost an allocation more than its own rows did.

DROP TRIGGER entries_sum_to_zero ON ledger_entry;
DROP TRIGGER transactions_have_entries ON ledger_transaction;
DROP FUNCTION refuse_unbalanced();
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_number_fkey;

-- Sums that are zero after every statement are zero for ever; entries are not zero, so there are at least two.
-- A transaction that was there once stays: nobody can delete it, so that nothing needs to be locked to refer to it.
CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    crooked record;
BEGIN
    SELECT p.number, sum(p.quantity) AS off_by INTO crooked
    FROM posted AS p GROUP BY p.number, p.product_id HAVING sum(p.quantity) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % is out by %', crooked.number, crooked.off_by
            USING ERRCODE = 'check_violation';
    END IF;
    -- Looked up one by one: as a join, planned while the ledger was small, it would read all of it.
    SELECT p.number INTO crooked FROM (SELECT DISTINCT number FROM posted) AS p
    WHERE (SELECT t.number FROM ledger_transaction AS t WHERE t.number = p.number LIMIT 1) IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no ledger transaction %', crooked.number USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entries_sum_to_zero AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced();

-- A transaction is written together with its entries, in one statement.
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
