"""Recomputes the expected state from logs, topics, providers, mails and tables; imports no code of the services."""

from tests.judge.checks import judge
from tests.judge.collect import collect
from tests.judge.inputs import Inputs
from tests.judge.verdict import Anomaly, Verdict

__all__ = ["Anomaly", "Inputs", "Verdict", "collect", "judge"]
