"""The demo as a user starts it: some households, some weeks, kills, and a consistent result."""

import asyncio
import json
import sys

import pytest

from deploy.local.settings import ROOT

#: Figures in demo.json that other programs read.
FIGURES = {
    *("events_in", "events_applied", "duplicates_dropped", "parked", "held", "crossings", "orders_placed"),
    *("orders_delivered", "stockout_days", "days_of_cover_at_arrival", "mails", "lost", "doubled", "kills"),
    *("books_balanced", "backends", "wall_seconds", "flows", "oversold", "orders_of_several_lines"),
}


@pytest.fixture(scope="module")
async def lived(tmp_path_factory):
    """Run the demo once; return exit status, output and demo.json."""
    out = tmp_path_factory.mktemp("out")
    command = ["-m", "deploy.cli", "demo", "--households", "6", "--days", "40", "--out", str(out)]
    demo = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await demo.communicate()
    books = out / "demo.json"
    return demo.returncode, said.decode(), json.loads(books.read_text()) if books.exists() else {}


@pytest.mark.timeout(400)
class TestDemo:
    async def test_demo_succeeds_and_prints_result(self, lived):
        status, said, _ = lived

        assert status == 0, said
        assert "nothing lost, nothing duplicated, all accounts balance" in said

    async def test_demo_writes_all_figures(self, lived):
        _, said, books = lived

        assert books.keys() >= FIGURES, said
        assert (books["lost"], books["doubled"], books["books_balanced"]) == (0, 0, True)
        assert books["anomalies"] == []

    async def test_every_incoming_record_has_an_outcome(self, lived):
        _, _, books = lived

        fates = ("events_applied", "duplicates_dropped", "parked", "held")
        assert books["events_in"] == sum(books[fate] for fate in fates) > 100
        assert books["parked"] == 1  # an invalid record that a manufacturer published

    async def test_services_are_killed_before_commit(self, lived):
        _, said, books = lived

        assert books["kills"] == len(books["killed"]) >= 3
        assert said.count("with records applied but not committed") == books["kills"]

    async def test_levels_equal_simulated_levels(self, lived):
        _, _, books = lived

        assert books["levels_as_in_life"]
        assert books["orders_placed"] == books["mails"] >= 1

    @pytest.mark.parametrize(
        ("flow", "at_least"),
        [
            ("provider_focus", {"delivered": 4, "cancelled": 1, "refused": 1, "unknown_resolved": 1}),
            ("app_focus", {"delivered": 4, "cancelled": 1, "refused": 1, "unknown_resolved": 1}),
            ("app_hosted", {"delivered": 6, "cancelled": 1, "refused": 4}),
            ("assisted", {"delivered": 2, "cancelled": 1}),
            ("one_line_orders", {"delivered": 2}),
            ("events", {"delivered": 3}),
            ("agentic_checkout", {"delivered": 2}),
        ],
    )
    async def test_flow_reaches_each_final_state(self, lived, flow, at_least):
        _, said, books = lived

        counted = books["flows"][flow]
        assert all(counted[end] >= least for end, least in at_least.items()), said
        assert counted["placed"] >= counted["shipped"] >= counted["delivered"]

    @pytest.mark.parametrize(
        ("protocol", "at_least"), [("kafka", 3), ("webhook", 2), ("acp", 2), ("hosted", 2), ("assisted", 1)]
    )
    async def test_protocol_carries_orders_of_several_lines(self, lived, protocol, at_least):
        _, said, books = lived

        assert books["orders_of_several_lines"][protocol] >= at_least, said
        assert "orders of several lines" in said

    async def test_drs_orders_have_one_line(self, lived):
        _, _, books = lived

        assert "drs" not in books["orders_of_several_lines"]

    async def test_last_items_are_sold_once(self, lived):
        _, _, books = lived

        assert books["oversold"] == 0
