-- Orders that a person is asked about: a shop whose orders are kept here, or the customer who orders themselves.
INSERT INTO transition (from_state, to_state) VALUES ('drafted', 'refused');

ALTER TABLE orders
    ADD COLUMN keeper text CHECK (keeper IN ('shop', 'customer')),
    -- Without a yes until then the order is taken back.
    ADD COLUMN answer_by timestamptz,
    ADD CHECK ((keeper IS NULL) = (answer_by IS NULL));
-- What a shop has to do and has done, the newest first.
CREATE INDEX orders_of_shops ON orders (provider_id, drafted_at DESC, order_id DESC) WHERE keeper = 'shop';
