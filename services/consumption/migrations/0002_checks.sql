-- What `replenish check` asks: each row of a view named check_... is something wrong.
CREATE VIEW check_slot_books AS
SELECT device_id || '/' || slot AS subject,
    format('level %s, but opening %s + received %s - used %s - unreported %s + unexplained %s',
        level, opening, received, used_total, unreported, unexplained) AS problem
FROM slot WHERE level <> opening + received - used_total - unreported + unexplained;

CREATE VIEW check_slots_are_registered AS
SELECT coalesce(slot.device_id, spec.device_id) || '/' || coalesce(slot.slot, spec.slot) AS subject,
    CASE WHEN slot.slot IS NULL THEN 'registered without a row that counts'
        WHEN spec.slot IS NULL THEN 'counts without a registration' ELSE 'its device is not registered' END AS problem
FROM slot FULL JOIN slot_spec AS spec USING (device_id, slot) LEFT JOIN device USING (device_id)
WHERE slot.slot IS NULL OR spec.slot IS NULL OR device.device_id IS NULL;

CREATE VIEW check_gaps_are_known AS
SELECT device_id || '/' || slot AS subject, format('knows of %s gaps, there are %s', s.gaps, coalesce(g.gaps, 0)) AS problem
FROM slot AS s FULL JOIN (SELECT device_id, slot, count(*) AS gaps FROM gap GROUP BY 1, 2) AS g USING (device_id, slot)
WHERE coalesce(s.gaps, 0) <> coalesce(g.gaps, 0);

CREATE VIEW check_gaps_do_not_overlap AS
SELECT device_id || '/' || slot AS subject,
    format('boot %s: a gap from %s within the one from %s', boot_no, first_seq, before) AS problem
FROM (SELECT device_id, slot, boot_no, first_seq,
        lag(first_seq) OVER numbered AS before, lag(coalesce(last_seq, 9223372036854775807)) OVER numbered AS reached
    FROM gap WINDOW numbered AS (PARTITION BY device_id, slot, boot_no ORDER BY first_seq)) AS gaps
WHERE reached >= first_seq;

CREATE VIEW check_gaps_lie_behind_what_was_heard AS
SELECT device_id || '/' || slot AS subject,
    format('a gap up to %s in boot %s, heard up to %s in boot %s', gap.last_seq, gap.boot_no, slot.last_seq, slot.boot_no)
        AS problem
FROM gap JOIN slot USING (device_id, slot)
WHERE (gap.boot_no, gap.last_seq) >= (slot.boot_no, slot.last_seq) OR gap.boot_no > slot.boot_no;

CREATE VIEW check_quarantined_slots_are_set_aside AS
SELECT device_id || '/' || slot AS subject, 'quarantined, and yet the hot path takes its reports' AS problem
FROM slot WHERE quarantined AND plain;
