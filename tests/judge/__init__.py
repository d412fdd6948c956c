"""Recomputes what should be from logs, topics, providers, mails and tables; imports nothing of ours."""

from tests.judge.court import judge
from tests.judge.evidence import Evidence
from tests.judge.gather import gather
from tests.judge.verdict import Anomaly, Verdict

__all__ = ["Anomaly", "Evidence", "Verdict", "gather", "judge"]
