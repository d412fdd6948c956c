"""Holes, repeats under another number and unread records turn the judge red."""

from tests.unit.judge.reading import kinds, verdict_of, words
from tests.unit.judge.story import registered, restocked


class TestSequences:
    def test_a_hole_is_as_many_lost_as_are_missing(self):
        story = registered()
        story.say("offers", "OfferChanged", {})
        story.say("offers", "OfferChanged", {}, sequence="4")

        verdict = verdict_of(story)

        assert (verdict.lost, verdict.anomalies[0].where) == (2, "offers/0")

    def test_a_missing_tail_is_seen_by_the_counter(self):
        story = restocked()
        story.evidence.tables["consumption.counter"][0] |= {"sequence": 4, "published": 4}

        assert verdict_of(story).lost == 2

    def test_what_is_still_in_the_outbox_is_unfinished(self):
        story = restocked()
        story.evidence.tables["consumption.counter"][0] |= {"sequence": 4, "published": 2}

        assert kinds(story) == {"unfinished"}

    def test_two_events_under_one_number_are_forbidden(self):
        story = registered()
        first = story.say("offers", "OfferChanged", {"price": 1})
        story.repeat(first._replace(value=first.value.replace("1", "2")))

        assert "two different events" in words(story)

    def test_one_event_under_two_numbers_is_doubled(self):
        story = registered()
        story.say("offers", "OfferChanged", {}, id="same")
        story.say("offers", "OfferChanged", {}, id="same")

        assert verdict_of(story).doubled == 1


class TestProgress:
    def test_unread_records_are_unfinished_and_say_where(self):
        story = restocked()
        story.evidence.tables["consumption.checkpoint"][0] |= {"next_offset": 1, "last_offset": 0, "last_id": "usage-1"}

        verdict = verdict_of(story)

        assert [(one.kind, one.stopped_at) for one in verdict.anomalies] == [("unfinished", "before consumption")]

    def test_a_checkpoint_beyond_the_log(self):
        story = restocked()
        story.evidence.tables["consumption.checkpoint"][0]["next_offset"] = 99

        assert kinds(story) == {"forbidden"}

    def test_a_checkpoint_that_remembers_another_log(self):
        story = restocked()
        story.evidence.tables["consumption.checkpoint"][0]["last_id"] = "of another log"

        assert "remembers of another log" in words(story)

    def test_an_effect_that_is_due_and_not_done(self):
        story = restocked()
        story.row("notification.task", id="n2", state="due", due_at="2026-01-01T00:00:00+00:00")

        assert kinds(story) == {"unfinished"}
