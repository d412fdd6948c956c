"""The goals and the check whether a run met them."""

from collections.abc import Callable
from typing import Any, NamedTuple

Figures = dict[str, Any]


class Goal(NamedTuple):
    """A measured figure, its lower or upper bound, and its text in the table."""

    what: str
    bound: float
    at_least: bool
    read: Callable[[Figures], float | None]
    unit: str = ""

    def target(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}{self.unit}"


class Result(NamedTuple):
    """One line of the table."""

    what: str
    goal: str
    measured: str
    verdict: str


def _figure(name: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures.get(name)


def _worst(name: str) -> Callable[[Figures], float | None]:
    """Return the worst service for a goal that applies to each."""
    return lambda figures: max(figures[name].values()) if figures.get(name) else None


GOALS = (
    Goal("consumption's rate against the bare loop", 0.75, True, _figure("vs_bare"), " x"),
    Goal("... against quixstreams, exactly once", 2.2, True, _figure("vs_quixstreams"), " x"),
    Goal("... against a handler per event", 60, True, _figure("vs_per_event"), " x"),
    Goal("two processes of consumption against one", 1.5, True, _figure("two_processes"), " x"),
    Goal("device event to order, p50 against a bare chain", 2, False, _figure("e2e_p50_vs_chain"), " x"),
    Goal("... p99 against the bare chain's", 2, False, _figure("e2e_p99_vs_chain"), " x"),
    Goal("a hot product's allocations against a bare UPDATE", 0.6, True, _figure("allocation_vs_bare"), " x"),
    Goal("20 hosted orders a second: report to shop, p99", 2, False, _figure("hosted_order_p99_s"), " s"),
    Goal("an order of ten lines against one of one line, CPU", 3, False, _figure("ten_lines_vs_one"), " x"),
    Goal("memory of a service, idle (the largest)", 80, False, _worst("rss_mb"), " MB"),
    Goal("memory of a service, loaded (the largest)", 110, False, _worst("rss_loaded_mb"), " MB"),
    Goal("CPU of a service, idle (the busiest)", 1, False, _worst("idle_cpu"), " % of a core"),
)


def judge(figures: Figures) -> list[Result]:
    """Return a result per goal; a missing figure is `not measured`."""
    return [_result(goal, goal.read(figures)) for goal in GOALS]


def _result(goal: Goal, measured: float | None) -> Result:
    if measured is None:
        return Result(goal.what, goal.target(), "-", "not measured")
    met = measured >= goal.bound if goal.at_least else measured <= goal.bound
    return Result(goal.what, goal.target(), f"{measured:g}{goal.unit}", "met" if met else "missed")
