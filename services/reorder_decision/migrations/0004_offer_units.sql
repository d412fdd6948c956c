-- Unit of an offer's pack size; unknown until the next OfferChanged.
ALTER TABLE offer ADD COLUMN unit text, ADD COLUMN scale integer NOT NULL DEFAULT 0;
