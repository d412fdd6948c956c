"""Runs all checks on the inputs and returns the verdict."""

from tests.judge.allocations import check_allocations
from tests.judge.decisions import check_decisions
from tests.judge.goods import check_goods
from tests.judge.inputs import Inputs
from tests.judge.levels import check_levels
from tests.judge.lines import check_lines
from tests.judge.money import check_money
from tests.judge.notices import check_notices
from tests.judge.order_tables import check_order_tables
from tests.judge.orders import check_orders
from tests.judge.progress import check_progress
from tests.judge.providers import check_providers
from tests.judge.reports import check_reports
from tests.judge.sequences import check_sequences
from tests.judge.updates import check_updates
from tests.judge.verdict import Verdict

CHECKS = (
    check_reports,
    check_levels,
    check_sequences,
    check_decisions,
    check_orders,
    check_lines,
    check_updates,
    check_providers,
    check_order_tables,
    check_allocations,
    check_money,
    check_goods,
    check_notices,
    check_progress,
)


def judge(inputs: Inputs) -> Verdict:
    return Verdict.of(check(inputs) for check in CHECKS)
