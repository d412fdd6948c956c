-- Providers of some protocols mail customers themselves. Empty until the next ProviderChanged.
ALTER TABLE provider ADD COLUMN protocol text NOT NULL DEFAULT '';
