"""The benchmarks compare equal work, compute correctly and report missed goals."""

from datetime import UTC, datetime

import pytest

from replenish_contracts.wire import decoder, explain
from tests.bench import bare
from tests.bench.goals import GOALS, judge
from tests.bench.load import START, Load, crossings, device_name, events, order, value
from tests.bench.page import page, write_page
from tests.bench.pools import Pool

AT = datetime(2026, 1, 1, 1, tzinfo=UTC)

MET = {
    "vs_bare": 0.8,
    "vs_quixstreams": 2.5,
    "vs_per_event": 70.0,
    "two_processes": 1.6,
    "e2e_p50_vs_chain": 1.5,
    "e2e_p99_vs_chain": 1.9,
    "allocation_vs_bare": 0.65,
    "hosted_order_p99_s": 1.2,
    "ten_lines_vs_one": 2.4,
    "rss_mb": {"portal": 79.0, "gateway": 70.0},
    "rss_loaded_mb": {"portal": 100.0, "gateway": 80.0},
    "idle_cpu": {"portal": 0.9, "gateway": 0.5},
}
PASSED = {"p50_ms": 10.0, "p99_ms": 30.0, "events": 50, "blocks": [{"p50_ms": 10.0, "p99_ms": 30.0, "events": 50}]}
RUN = {
    "events_per_second": {"bare": [100], "consumption": [80]},
    "cpu_us_per_event": {"bare": {"bare": 5.0, "postgres": 4.0}, "consumption": {"consumption": 7.0, "postgres": 5.0}},
    "rss_throughput_mb": {"bare": 60.0, "consumption": 90.0},
    "not_measured": {"quixstreams": "no network"},
    "chain": PASSED,
    "e2e": PASSED,
    "e2e_where_ms": {"until it is read": 1.0},
    "order_lines": {"orders": 10, "one_line_cpu_us": [9000], "ten_lines_cpu_us": [21600]},
    "cpu_us_per_order": {"portal": 1000.0, "gateway": 10.0},
    "machine": {"cpu": "x", "cores": 2, "memory_gb": 8, "system": "y", "load_before": 0.1},
    "versions": {"python": "3.11"},
    "seed": 7,
    "sizes": {"slots": 10, "events": 10, "rounds": 1, "orders": 50, "blocks": 1, "smoke": False},
    "at": "2026-01-01",
    "wall_seconds": 60,
}


class TestLoad:
    def test_messages_are_valid_usage_records(self):
        assert explain("usage", value("dev-00000001", 2, 1, AT)) is None
        assert explain("usage", Pool(7).report(AT)) is None

    def test_bare_loop_and_service_decode_same_fields(self):
        message = value("dev-00000001", 2, 1, AT)

        ours, theirs = decoder("usage")(message).data, bare.READ(message).data

        for field in theirs.__struct_fields__:
            assert getattr(ours, field) == getattr(theirs, field)

    def test_each_slot_reports_once(self):
        load = Load(slots=500, events=500, seed=1)

        written = [said for numbers in order(load).values() for _, said in events(numbers)]

        assert len(written) == len(set(written)) == 500

    def test_check_refuses_more_events_than_slots(self):
        with pytest.raises(ValueError, match="need as many slots"):
            Load(slots=100, events=101, seed=1).check()

    def test_crossings_one_in_a_hundred(self):
        load = Load(slots=1000, events=1000, seed=1)
        read = {partition: 5 * len(numbers) for partition, numbers in order(load).items()}

        assert crossings(load, read) == 10
        assert crossings(load, {}) == 0

    def test_device_name_equals_name_in_slot_table(self):
        assert device_name(12) == "dev-00000012"
        assert START < AT


class TestGoals:
    def test_goals_are_met(self):
        assert [result.verdict for result in judge(MET)] == ["met"] * len(GOALS)

    @pytest.mark.parametrize(
        "name", ["vs_bare", "vs_quixstreams", "vs_per_event", "two_processes", "allocation_vs_bare"]
    )
    def test_too_slow_is_missed(self, name):
        assert [result.verdict for result in judge(MET | {name: 0.1})].count("missed") == 1

    @pytest.mark.parametrize("name", ["e2e_p50_vs_chain", "e2e_p99_vs_chain", "hosted_order_p99_s"])
    def test_too_late_is_missed(self, name):
        assert [result.verdict for result in judge(MET | {name: 2.1})].count("missed") == 1

    def test_too_expensive_lines_are_missed(self):
        assert [result.verdict for result in judge(MET | {"ten_lines_vs_one": 3.1})].count("missed") == 1

    @pytest.mark.parametrize("name", ["rss_mb", "rss_loaded_mb", "idle_cpu"])
    def test_largest_service_above_goal_is_missed(self, name):
        taken = MET[name] | {"gateway": 111.0}

        assert [result.verdict for result in judge(MET | {name: taken})].count("missed") == 1

    def test_missing_figure_is_not_measured(self):
        assert [result.verdict for result in judge({})] == ["not measured"] * len(GOALS)


class TestPage:
    def test_page_lists_missed_and_unmeasured_goals(self):
        text = page(RUN | MET | {"vs_bare": 0.5, "vs_quixstreams": None})

        assert "| consumption's rate against the bare loop | >= 0.75 x | 0.5 x | missed |" in text
        assert "Not measured: quixstreams: no network." in text

    def test_page_shows_cost_of_lines(self):
        text = page(RUN | MET)

        assert "| an order of ten lines against one of one line, CPU | <= 3 x | 2.4 x | met |" in text
        assert "| ten lines | 21.6 |" in text

    def test_write_page_refuses_smoke_run(self):
        with pytest.raises(ValueError, match="smoke"):
            write_page(RUN | MET | {"sizes": RUN["sizes"] | {"smoke": True}})
