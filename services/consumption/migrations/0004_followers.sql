-- Which providers want to hear of every use of a slot.
CREATE TABLE follower (
    device_id text NOT NULL,
    slot text NOT NULL,
    provider_id text NOT NULL,
    PRIMARY KEY (device_id, slot, provider_id),
    FOREIGN KEY (device_id, slot) REFERENCES slot ON DELETE CASCADE
);
-- Whether there is any, where the hot statement finds it.
ALTER TABLE slot ADD COLUMN linked boolean NOT NULL DEFAULT false;
