-- How a provider is spoken to; some write to customers themselves. Unknown until the provider is said again.
ALTER TABLE provider ADD COLUMN protocol text NOT NULL DEFAULT '';
