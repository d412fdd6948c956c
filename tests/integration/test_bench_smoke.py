"""`make bench` runs on real processes with correct results; speed is not tested."""

import json
import subprocess
import sys

import pytest

from deploy.local.settings import ROOT
from tests.bench.goals import GOALS

SERVICES = {"portal", "consumption", "inventory", "reorder-decision", "order-dispatch", "notification", "gateway"}


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    out = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "tests.bench", "--smoke", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=550, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads((out / "bench.json").read_text())


@pytest.mark.timeout(600)  # includes the fixture's time on a busy machine
class TestSmoke:
    def test_smoke_run_has_all_figures(self, figures):
        ratios = (
            "vs_bare",
            "vs_per_event",
            "e2e_p50_vs_chain",
            "e2e_p99_vs_chain",
            "allocation_vs_bare",
            "hosted_order_p99_s",
            "ten_lines_vs_one",
        )
        assert all(figures[name] > 0 for name in ratios)
        assert (figures["two_processes"] or 0) > 0 or "two_processes" in figures["not_measured"]
        for name in ("rss_mb", "rss_loaded_mb", "idle_cpu"):
            assert figures[name].keys() == SERVICES
        assert {"consumption", "postgres", "kafka"} == figures["cpu_us_per_event"]["consumption"].keys()
        assert {"cores", "cpu"} <= figures["machine"].keys()
        assert {"python", "aiokafka"} <= figures["versions"].keys()
        assert figures["seed"] == 7
        assert len(figures["goals"]) == len(GOALS)

    def test_unmeasured_candidates_are_named(self, figures):
        assert figures["vs_quixstreams"] is None
        assert "quixstreams" in figures["not_measured"]

    def test_candidates_processed_same_events(self, figures):
        judged, size = figures["judged"], figures["sizes"]["events"]

        for name in ("bare", "consumption"):
            assert judged[name] == [{"events": size, "crossings": size // 100}]
        assert judged["per_event"][0]["events"] > 0

    def test_both_chains_delivered_all_orders(self, figures):
        counted = figures["sizes"]["orders"] - 50  # without the block's warm-up

        assert figures["chain"]["events"] == figures["e2e"]["events"] == counted
