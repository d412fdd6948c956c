"""`replenish check` reports nothing on a working system and every violation in its tables or topics."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from deploy.cli.app import app
from deploy.local.home import Home
from replenish_contracts.events import DeviceDeregistered
from tests.support.company import running_company


@pytest.fixture(scope="module")
async def company(backends):
    async with running_company(backends) as company:
        yield company


async def found_after(company, service, damage, repair):
    """Return the findings of the check while the change is in place."""
    async with company.owner(service) as owner:
        await owner.execute(damage)
        try:
            return (await company.check()).wrong
        finally:
            await owner.execute(repair)


class TestCheck:
    async def test_check_finds_nothing_in_working_system(self, company):
        findings = await company.check()

        assert findings.wrong == []
        assert findings.figures["events"] >= 4
        assert findings.figures["services"] == 3
        assert findings.figures["views"] >= 5

    async def test_check_finds_published_event_missing_on_log(self, company):
        [wrong] = await found_after(
            company,
            "consumption",
            "UPDATE counter SET sequence = sequence + 3, published = published + 3",
            "UPDATE counter SET sequence = sequence - 3, published = published - 3",
        )

        assert wrong.rule == "published events are on the log"
        assert wrong.subject.startswith("consumption.counter slots/")
        assert "published 5, the log ends at 2" in wrong.problem

    async def test_check_finds_uncommitted_event_on_log(self, company):
        wrong = await found_after(
            company,
            "consumption",
            "UPDATE counter SET published = 1, sequence = 1",
            "UPDATE counter SET sequence = 2, published = 2",
        )

        assert "events on the log were committed" in {one.rule for one in wrong}

    async def test_check_finds_sequence_without_event(self, company):
        [wrong] = await found_after(
            company,
            "consumption",
            "UPDATE counter SET sequence = sequence + 1",
            "UPDATE counter SET sequence = sequence - 1",
        )

        assert "1 events are numbered and not published, the outbox has 0" in wrong.problem

    async def test_check_finds_old_event_in_outbox(self, company):
        [wrong] = await found_after(
            company,
            "notification",
            "INSERT INTO counter VALUES ('notices', 3, 1, 0); INSERT INTO outbox "
            "VALUES ('notices', 3, 1, 'x', '', '', now() - interval '90 seconds')",
            "DELETE FROM outbox; DELETE FROM counter",
        )

        assert "the oldest for 9" in wrong.problem

    async def test_check_finds_checkpoint_beyond_log(self, company):
        [wrong] = await found_after(
            company,
            "consumption",
            "UPDATE checkpoint SET next_offset = next_offset + 1000 WHERE topic = 'usage' AND last_id IS NOT NULL",
            "UPDATE checkpoint SET next_offset = next_offset - 1000 WHERE topic = 'usage' AND last_id IS NOT NULL",
        )

        assert wrong.rule == "every checkpoint lies within its log"
        assert "the log ends at" in wrong.problem

    @pytest.mark.parametrize("topic", ["usage", "accounts"])
    async def test_check_finds_checkpoint_of_another_log(self, company, topic):
        [wrong] = await found_after(
            company,
            "consumption",
            f"UPDATE checkpoint SET last_id = 'other' || last_id WHERE topic = '{topic}'",
            f"UPDATE checkpoint SET last_id = substr(last_id, 6) WHERE topic = '{topic}'",
        )

        assert wrong.subject.startswith(f"consumption.checkpoint {topic}/")
        assert "checkpoint has other" in wrong.problem

    async def test_check_finds_balance_that_differs_from_entries(self, company):
        wrong = await found_after(
            company,
            "inventory",
            "UPDATE account SET balance = balance + 1 WHERE place = 'loaded'",
            "UPDATE account SET balance = balance - 1 WHERE place = 'loaded'",
        )

        assert [one.rule for one in wrong] == ["inventory: balances are sums of entries"]
        assert wrong[0].subject == "ann/pods/loaded"
        assert wrong[0].problem == "balance 31, entries sum to 30"

    async def test_check_notes_dead_letters(self, company):
        async with company.owner("consumption") as owner:
            await owner.execute(
                "INSERT INTO dead_letter (topic, partition, \"offset\", reason, ours) VALUES ('usage', 1, 7, 'no JSON', false)"
            )
        try:
            findings = await company.check()
        finally:
            async with company.owner("consumption") as owner:
                await owner.execute("DELETE FROM dead_letter")

        assert findings.wrong == []
        assert [(note.rule, note.subject) for note in findings.notes] == [("dead_letter", "consumption usage/1@7")]

    async def test_check_finds_hole_in_topic(self, company):
        """Runs last: the hole cannot be repaired, and services that consume this topic stop."""
        goodbye = DeviceDeregistered(customer_id="bob", device_id="toaster", registration=1)
        await company.publish(goodbye)
        await company.publish(goodbye, sequence="4")

        wrong = (await company.check()).wrong

        assert [one.rule for one in wrong] == ["sequences are 1, 2, 3 ... in each partition"]
        assert wrong[0].problem == "4 after 1: 2 missing"


class TestCommand:
    async def test_command_prints_json_and_sets_exit_status(self, company, monkeypatch, tmp_path):
        monkeypatch.setenv("KAFKA_URL", company.kafka_url)
        monkeypatch.setenv("CHECK_DATABASE_URL", company.database.check_url)

        answer = await asyncio.to_thread(CliRunner().invoke, app, ["check", "--json", "--home", str(tmp_path)])

        assert answer.exit_code == 1  # the hole from the previous test
        assert json.loads(answer.stdout)["wrong"][0]["problem"] == "4 after 1: 2 missing"

    def test_command_without_stack_prints_remedy(self, monkeypatch, tmp_path):
        monkeypatch.delenv("KAFKA_URL", raising=False)

        answer = CliRunner().invoke(app, ["check", "--home", str(tmp_path / "nothing")])

        assert answer.exit_code == 1
        assert len(answer.stderr.splitlines()) == 1

    def test_command_without_database_url_names_missing_setting(self, monkeypatch, tmp_path):
        home = Home(tmp_path / "home")
        home.create()
        home.write_state({"backends": {"kafka_url": "127.0.0.1:1"}})
        monkeypatch.delenv("KAFKA_URL", raising=False)
        monkeypatch.delenv("CHECK_DATABASE_URL", raising=False)

        answer = CliRunner().invoke(app, ["check", "--home", str(home.folder)])

        assert answer.exit_code == 1
        assert "no secrets/check/database_url" in answer.stderr
        assert "CHECK_DATABASE_URL" in answer.stderr
        assert not any(home.secrets.iterdir())

    def test_command_without_broker_prints_error(self, monkeypatch, tmp_path):
        monkeypatch.delenv("KAFKA_URL", raising=False)
        monkeypatch.setenv("CHECK_DATABASE_URL", "postgresql://unknown@127.0.0.1:1/none")

        answer = CliRunner().invoke(app, ["check", "--home", str(tmp_path)])

        assert answer.exit_code == 1
        assert "KAFKA_URL" in answer.stderr
        assert "CHECK_DATABASE_URL" not in answer.stderr
