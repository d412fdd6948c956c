-- Counted now and then: without it every look would read all slots. No hot update changes what it holds.
CREATE INDEX slot_quarantined ON slot (device_id) WHERE quarantined;
