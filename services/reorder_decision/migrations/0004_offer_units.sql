-- What an offer's pack size counts; unknown until the offer is said again with its unit.
ALTER TABLE offer ADD COLUMN unit text, ADD COLUMN scale integer NOT NULL DEFAULT 0;
