"""Falsified reports and levels turn the judge red, in words that help."""

import pytest

from tests.unit.judge.reading import kinds, verdict_of, words
from tests.unit.judge.story import PLACE, POOL, registered, restocked


class TestReports:
    def test_an_accepted_report_that_is_nowhere_is_lost_at_the_gateway(self):
        story = restocked()
        usage = story.report("SlotUsed", 3, quantity=5)
        story.drop(usage)

        verdict = verdict_of(story)

        assert verdict.lost == 1
        assert "gateway: call 3 was told 202" in verdict.anomalies[0].stopped_at

    def test_a_report_with_an_unknown_outcome_may_be_there_or_not(self):
        story = restocked()
        story.drop(story.report("SlotUsed", 3, quantity=5, outcome="info"))

        assert verdict_of(story).green

    def test_a_refused_report_must_not_be_there(self):
        story = registered()
        story.report("SlotUsed", 1, quantity=5, outcome="fail")
        story.say(
            "usage", "SlotUsed", PLACE | {"boot": "b", "seq": 1, "quantity": 5, "occurred_at": "2026-01-01T08:00:00Z"}
        )

        assert "was refused and is on the topic" in words(story)

    def test_nobody_sent_this(self):
        story = restocked()
        story.say(
            "usage", "SlotUsed", PLACE | {"boot": "b", "seq": 9, "quantity": 5, "occurred_at": "2026-01-01T08:00:00Z"}
        )

        assert "phantom" in kinds(story)

    def test_a_report_without_a_name_is_known_by_time_and_value(self):
        story = registered()
        written = story.report("SlotUsed", None, boot=None, quantity=5)
        written.event["data"] |= {"boot": None, "seq": None, "report_id": "made up by the gateway"}
        story.row("consumption.slot", level=45, used_total=5, **PLACE)

        assert verdict_of(story).green

        story.drop(written)
        assert verdict_of(story).lost == 1

    def test_a_kilogram_that_became_a_gram_is_seen(self):
        story = registered(unit="GRM")
        story.report("SlotUsed", 1, quantity="0.005", unit="kg")
        written = story.evidence.topics["usage"][0]
        written.event["data"]["quantity"] = 5
        assert verdict_of(story).green

        written.event["data"]["quantity"] = 0

        assert kinds(story) == {"differs"}


class TestLevels:
    def test_late_duplicate_and_reordered_reports_come_to_the_same_level(self):
        story = registered()
        for seq, quantity in ((1, 10), (3, 7), (2, 5), (3, 7), (1, 10)):
            story.report("SlotUsed", seq, quantity=quantity)
        story.row("consumption.slot", level=28, used_total=22, **PLACE)

        verdict = verdict_of(story)

        assert verdict.green, verdict.anomalies
        assert verdict.figures["duplicates_dropped"] == 2

    def test_a_late_use_before_a_level_report_does_not_lower_the_level(self):
        story = registered()
        story.report("SlotUsed", 1, quantity=10)
        story.report("SlotMeasured", 3, level=30)
        story.report("SlotUsed", 4, quantity=2)
        story.report("SlotUsed", 2, quantity=6)
        story.row("consumption.slot", level=28, used_total=18, **PLACE)

        assert verdict_of(story).green

    def test_a_new_boot_comes_after_the_old_one_and_the_old_ones_tail_still_counts(self):
        story = registered()
        story.report("SlotUsed", 1, quantity=10)
        story.report("SlotMeasured", 1, boot="c", level=30)
        story.report("SlotUsed", 2, boot="b", quantity=4)
        story.row("consumption.slot", level=30, used_total=14, **PLACE)

        assert verdict_of(story).green

    @pytest.mark.parametrize(("used", "kind"), [(30, "lost"), (50, "doubled")])
    def test_a_report_that_counts_not_or_twice_is_seen(self, used, kind):
        story = restocked()
        story.report("SlotUsed", 3, quantity=10)
        story.evidence.tables["consumption.slot"][0] |= {"used_total": used + 10, "level": 80 - used - 10}

        verdict = verdict_of(story)

        assert [(one.kind, one.count) for one in verdict.anomalies if one.where.startswith("slot ")] == [(kind, 1)]

    def test_a_wrong_level_with_all_reports_counted_differs(self):
        story = restocked()
        story.evidence.tables["consumption.slot"][0]["level"] = 39

        assert kinds(story) == {"differs"}

    def test_an_arrival_raises_a_slot_that_is_loaded_directly(self):
        story = registered(loading="direct")
        story.report("SlotUsed", 1, quantity=10)
        story.fact("OrderDelivered", quantity=30, **PLACE)
        story.row("consumption.slot", level=70, used_total=10, **PLACE)

        assert "differs" not in kinds(story)

    def test_what_was_held_or_parked_is_not_missed_in_the_level(self):
        story = restocked()
        story.report("SlotUsed", 3, quantity=10)
        story.row("consumption.deferred", topic="usage", partition=0, offset=2)

        verdict = verdict_of(story)

        assert not [one for one in verdict.anomalies if one.where.startswith("slot ")]
        assert verdict.figures["reports_put_aside"] == verdict.figures["deferred"] == 1

    def test_a_new_devices_slot_goes_on_where_the_old_one_stopped(self):
        story = registered(loading="direct")
        story.report("SlotUsed", 1, quantity=10)
        slots = story.evidence.topics["accounts"][0].data["slots"]
        new = {"device_id": "new", "replaces": "brewer", "slots": slots}
        story.say("accounts", "DeviceReplaced", POOL | new | {"moves": [{"old_slot": "1", "new_slot": "1"}]})
        story.fact("OrderDelivered", quantity=30, **PLACE)
        row = story.row("consumption.slot", device_id="new", slot="1", level=70, used_total=0)
        assert "differs" not in kinds(story)

        row["level"] = 50

        assert "differs" in kinds(story)

    def test_a_new_cartridge_that_arrives_fills_its_slot_whatever_was_left_in_it(self):
        story = registered(loading="direct", fill="replace")
        story.report("SlotUsed", 1, quantity=30)
        self.arrives(story)
        story.report("SlotUsed", 2, quantity=5)
        row = story.row("consumption.slot", level=95, used_total=35, **PLACE)

        assert "differs" not in kinds(story), words(story)

        for wrong in (100, 115, 94):
            row["level"] = wrong
            # Nobody knows whether the first report was read before the delivery.
            assert f"at {wrong}, its reports make it [65, 95]" in words(story)

    def test_a_report_sent_after_the_cartridge_came_is_counted_from_it(self):
        story = registered(loading="direct", fill="replace")
        self.arrives(story)
        story.report("SlotUsed", 1, quantity=5)
        story.report("SlotUsed", 2, quantity=6)
        row = story.row("consumption.slot", level=89, used_total=11, **PLACE)
        assert "differs" not in kinds(story), words(story)

        row["level"] = 100

        assert "at 100, its reports make it [89]" in words(story)

    @staticmethod
    def arrives(story, order="o1", quantity=100, place=PLACE, goes_to=PLACE):
        story.fact("OrderDelivered", order_id=order, quantity=quantity, **place)
        arrival = POOL | goes_to | {"quantity": quantity, "cause": "arrival", "order_id": order}
        story.say("slots", "SlotFilled", arrival)

    @staticmethod
    def replaced(story):
        slots = story.evidence.topics["accounts"][0].data["slots"]
        new = {"device_id": "new", "replaces": "brewer", "slots": slots}
        story.say("accounts", "DeviceReplaced", POOL | new | {"moves": [{"old_slot": "1", "new_slot": "1"}]})

    def test_a_new_device_takes_over_what_was_left_after_the_arrivals_of_the_old_one(self):
        story = registered(loading="direct")
        story.report("SlotUsed", 1, quantity=80)
        self.arrives(story, quantity=50)
        self.replaced(story)
        self.arrives(story, "o2", 7, goes_to=PLACE | {"device_id": "new"})
        row = story.row("consumption.slot", device_id="new", slot="1", level=27, used_total=0)
        assert "differs" not in kinds(story), words(story)

        row["level"] = 57

        assert "at 57, its reports make it [27]" in words(story)

    def test_a_new_device_takes_over_one_of_the_levels_that_its_parent_may_have_had(self):
        story = registered(loading="direct")
        story.report("SlotMeasured", 1, level=20)
        self.arrives(story, quantity=50)
        self.replaced(story)
        row = story.row("consumption.slot", device_id="new", slot="1", level=20, used_total=0)
        assert "differs" not in kinds(story), words(story)

        row["level"] = 30

        assert "at 30, its reports make it [20, 70]" in words(story)

    def test_an_arrival_that_filled_another_slot_is_seen(self):
        story = registered(loading="direct")
        self.arrives(story, goes_to=PLACE | {"slot": "9"})
        story.row("consumption.slot", level=50, used_total=0, **PLACE)

        assert "order o1 was for brewer/1 and filled brewer/9" in words(story)

    def test_a_device_registered_in_its_own_place_ends_no_walk(self):
        story = registered(loading="direct")
        slots = story.evidence.topics["accounts"][0].data["slots"]
        again = {"device_id": "brewer", "replaces": "brewer", "slots": slots}
        story.say("accounts", "DeviceReplaced", POOL | again | {"moves": [{"old_slot": "1", "new_slot": "1"}]})
        story.fact("OrderDelivered", quantity=30, **PLACE)
        story.row("consumption.slot", level=50, used_total=0, **PLACE)

        assert verdict_of(story).figures["slots_of_gone_devices"] == 1

    def test_a_report_called_a_duplicate_that_was_none(self):
        story = restocked()
        story.evidence.tables["consumption.slot"][0]["duplicates"] = 1

        assert "1 reports called duplicates, 0 were" in words(story)
