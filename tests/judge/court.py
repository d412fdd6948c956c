"""Runs all checks on the evidence and returns the verdict."""

from tests.judge.decisions import judge_decisions
from tests.judge.evidence import Evidence
from tests.judge.goods import judge_goods
from tests.judge.levels import judge_levels
from tests.judge.notices import judge_notices
from tests.judge.orders import judge_orders
from tests.judge.progress import judge_progress
from tests.judge.providers import judge_providers
from tests.judge.reports import judge_reports
from tests.judge.sequences import judge_sequences
from tests.judge.verdict import Verdict

JUDGES = (
    judge_reports,
    judge_levels,
    judge_sequences,
    judge_decisions,
    judge_orders,
    judge_providers,
    judge_goods,
    judge_notices,
    judge_progress,
)


def judge(evidence: Evidence) -> Verdict:
    """Judge the evidence; deterministic."""
    return Verdict.of(part(evidence) for part in JUDGES)
