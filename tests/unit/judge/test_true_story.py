"""The judge is green on a true story and counts it."""

import json

from tests.unit.judge.reading import record, verdict_of
from tests.unit.judge.story import restocked


class TestATrueStory:
    def test_is_green(self):
        verdict = verdict_of(restocked())

        assert verdict.green, verdict.anomalies
        assert (verdict.lost, verdict.doubled, verdict.books_balanced) == (0, 0, True)

    def test_is_counted(self):
        figures = verdict_of(restocked()).figures

        assert figures["events_in"] == figures["events_applied"] == 2
        assert figures["crossings"] == figures["orders_placed"] == figures["orders_delivered"] == 1
        assert figures["mails"] == figures["notices"] == 1

    def test_stays_green_with_what_a_relay_may_repeat(self):
        story = restocked()
        story.repeat(record(story, "stock", "StockArrived"))
        story.repeat(record(story, "stock", "StockCounted"))

        verdict = verdict_of(story)

        assert verdict.green, verdict.anomalies
        assert verdict.figures["relay_repeats"] == 2

    def test_says_everything_as_json(self):
        said = json.loads(json.dumps(verdict_of(restocked()).as_json()))

        assert said["green"] is True
        assert said["anomalies"] == []
