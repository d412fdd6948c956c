-- Whose order came to nothing waits for any of these providers' offers.
CREATE INDEX subscription_by_alternative ON subscription USING gin (alternatives) WHERE status = 'active';
