"""Asks the judge about a story and reads its answer."""

from tests.judge import Verdict, judge
from tests.judge.evidence import Record
from tests.unit.judge.story import Story


def verdict_of(story: Story) -> Verdict:
    # A record list that was changed after it was read once must be read again.
    story.evidence.__dict__.pop("_unrepeated", None)
    story.evidence.__dict__.pop("_by_type", None)
    return judge(story.evidence)


def kinds(story: Story) -> set[str]:
    return {anomaly.kind for anomaly in verdict_of(story).anomalies}


def words(story: Story) -> str:
    return "\n".join(map(str, verdict_of(story).anomalies))


def record(story: Story, topic: str, kind: str) -> Record:
    return next(one for one in story.evidence.topics[topic] if one.type == kind)
