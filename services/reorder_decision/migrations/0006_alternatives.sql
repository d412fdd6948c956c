-- Finds pools whose alternative provider changed an offer.
CREATE INDEX subscription_by_alternative ON subscription USING gin (alternatives) WHERE status = 'active';
