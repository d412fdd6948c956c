"""`replenish explain` and `replenish replay` against the running service."""

import asyncio

import pytest
from typer.testing import CliRunner

from deploy.cli.app import app as replenish
from deploy.cli.commands import explain, replay
from tests.support import decision_events as events
from tests.support.decision_environment import of
from tests.support.decision_environment import world as opened
from tests.support.serving import served


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    for command in (explain, replay):
        command.register(replenish)
    async with opened(database, kafka_url, tmp_path_factory.mktemp("world")) as world:
        app = world.http["reorder_decision"]._transport.app
        async with served(app) as world.url:
            await world.moved_in("ann", mode="approve")
            await world.publish(of("ann", events.crossed(1)))
            world.order_id = (await world.heard("reorders", 3, customer_id="ann"))[-1]["data"]["order_id"]
            await world.decisions("POST", f"/v1/reorders/{world.order_id}/approve")
            await world.moved_in("bob")
            await world.publish(of("bob", events.crossed(1)))
            world.simple = (await world.heard("reorders", 3, customer_id="bob"))[-1]["data"]["order_id"]
            yield world


async def run(world, *words):
    options = ["--url", world.url, "--token", world.desk.token("operator")]
    return await asyncio.to_thread(CliRunner().invoke, replenish, [*words, *options])


class TestExplain:
    async def test_explain_prints_words_and_figures(self, world):
        said = await run(world, "explain", world.simple)

        assert said.exit_code == 0, said.output
        assert "The rule asks for 7 days x 2 = 14; 6 <= 14, which is not more." in said.output
        assert "So 1 x 40 from acme were ordered." in said.output
        lines = [line.split() for line in said.output.splitlines()]
        assert ["threshold", "14.0"] in lines
        assert ["rule", "days-of-supply/2"] in lines

    async def test_explain_includes_proposal(self, world):
        said = await run(world, "explain", world.order_id)

        assert "order (approved)" in said.output
        assert "propose (awaiting_approval)" in said.output

    async def test_explain_unknown_order_prints_one_line(self, world):
        said = await run(world, "explain", "unknown")

        assert said.exit_code == 1
        assert "There is no receipt for this order" in said.output


class TestReplay:
    async def test_replay_of_order_is_byte_identical(self, world):
        said = await run(world, "replay", world.order_id)

        assert (said.exit_code, said.output.strip()) == (
            0,
            "2 decisions recomputed: 2 identical, 0 different",
        )

    async def test_replay_of_all_orders(self, world):
        said = await run(world, "replay", "--all")

        assert said.exit_code == 0, said.output
        assert "0 different" in said.output

    async def test_replay_with_changed_input_reports_difference(self, world):
        said = await run(world, "replay", world.simple, "--set", "level=20")

        assert said.exit_code == 0, said.output
        assert said.output.startswith("With level=20 the decision is different: hold (enough) instead of order (low).")
        assert "20 > 14, which is more" in said.output

    async def test_replay_with_irrelevant_input_reports_same_decision(self, world):
        said = await run(world, "replay", world.simple, "--set", "level=5")

        assert "the decision is still order (low), with different figures" in said.output

    async def test_replay_with_invalid_input_prints_one_line(self, world):
        for change in ("colour=red", "level", "level=many", "slots.0=5", "slots.0.capacity=0"):
            said = await run(world, "replay", world.simple, "--set", change)
            assert (said.exit_code, len(said.output.strip().splitlines())) == (1, 1), said.output

    async def test_replay_reports_tampered_receipt(self, world, database):
        async with world.kits[1].writing() as connection:
            await connection.execute(
                """UPDATE receipt SET inputs = replace(inputs::text, '"shelf":0', '"shelf":30')::json
                WHERE order_id = $1""",
                world.simple,
            )

        said = await run(world, "replay", "--all")

        assert said.exit_code == 1
        assert "1 different" in said.output
