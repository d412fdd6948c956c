"""Recomputes the expected state from logs, topics, providers, mails and tables; imports none of our code."""

from tests.judge.court import judge
from tests.judge.evidence import Evidence
from tests.judge.gather import gather
from tests.judge.verdict import Anomaly, Verdict

__all__ = ["Anomaly", "Evidence", "Verdict", "gather", "judge"]
