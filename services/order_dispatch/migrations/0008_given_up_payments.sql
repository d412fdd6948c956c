-- Why an operator takes the step under way of an unknown payment for not done, whatever its service answers.
ALTER TABLE payment
    ADD COLUMN given_up text,
    ADD CONSTRAINT only_what_is_unknown_is_given_up CHECK (given_up IS NULL OR state = 'unknown');
