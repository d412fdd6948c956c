"""Runs the judge on a scenario."""

from tests.judge import Verdict, judge
from tests.judge.inputs import Record
from tests.unit.judge.scenario import Scenario


def verdict_of(scenario: Scenario) -> Verdict:
    # The test may have changed the records since the last call: drop cached lists.
    scenario.inputs.__dict__.pop("_unrepeated", None)
    scenario.inputs.__dict__.pop("_by_type", None)
    return judge(scenario.inputs)


def kinds(scenario: Scenario) -> set[str]:
    return {anomaly.kind for anomaly in verdict_of(scenario).anomalies}


def anomalies(scenario: Scenario) -> str:
    return "\n".join(map(str, verdict_of(scenario).anomalies))


def record(scenario: Scenario, topic: str, kind: str) -> Record:
    return next(one for one in scenario.inputs.topics[topic] if one.type == kind)
