"""judge finds no anomaly in a consistent scenario and counts its events."""

import json

from tests.unit.judge.scenario import restocked
from tests.unit.judge.verdicts import record, verdict_of


class TestJudge:
    def test_judge_consistent_scenario_is_green(self):
        verdict = verdict_of(restocked())

        assert verdict.green, verdict.anomalies
        assert (verdict.lost, verdict.doubled, verdict.books_balanced) == (0, 0, True)

    def test_judge_counts_events(self):
        figures = verdict_of(restocked()).figures

        assert figures["events_in"] == figures["events_applied"] == 2
        assert figures["crossings"] == figures["orders_placed"] == figures["orders_delivered"] == 1
        assert figures["mails"] == figures["notices"] == 1

    def test_judge_accepts_records_repeated_by_relay(self):
        scenario = restocked()
        scenario.repeat(record(scenario, "stock", "StockArrived"))
        scenario.repeat(record(scenario, "stock", "StockCounted"))

        verdict = verdict_of(scenario)

        assert verdict.green, verdict.anomalies
        assert verdict.figures["relay_repeats"] == 2

    def test_verdict_as_json(self):
        said = json.loads(json.dumps(verdict_of(restocked()).as_json()))

        assert said["green"] is True
        assert said["anomalies"] == []
