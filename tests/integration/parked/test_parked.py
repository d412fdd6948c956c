"""An operator sees what services put aside and lets them try again, as their own role."""

import asyncio

import pytest

from tests.support.kit_environment import until


def id_of(found, **wanted):
    [one] = [one for one in found if wanted.items() <= one.items()]
    return one["id"]


class TestList:
    async def test_shows_where_each_record_was_and_why_it_was_put_aside(self, world):
        found = await world.listed()

        assert {one["id"].rpartition("/")[0] for one in found} == {"consumption/parked", "consumption/held"}
        by_reason = {one["reason"]: one for one in found}
        assert by_reason[f"device {world.brewer} has no slot 9"]["key"] == world.brewer
        assert by_reason[f"device {world.brewer} has no slot 9"]["topic"] == "usage"
        assert by_reason[f"waits for device:{world.toaster}"]["waits_for"] == f"device:{world.toaster}"
        behind = by_reason["behind an earlier record of its key"]
        assert behind["behind"] == by_reason[f"waits for device:{world.toaster}"]["id"]
        assert all(0 <= one["age_s"] < 600 for one in found)

    async def test_prints_a_line_a_person_can_read(self, world):
        answer = await world.parked("list")

        [line] = [line for line in answer.stdout.splitlines() if "no slot 9" in line]
        assert line.split()[0] == id_of(await world.listed(), key=world.brewer)
        assert "usage/" in line
        assert f" {world.brewer} " in line

    async def test_lets_no_record_speak_to_the_terminal(self, world):
        answer = await world.parked("list")

        assert "\x1b" not in answer.stdout
        assert rf"evil-{world.number}\x1b[0m" in answer.stdout

    async def test_shows_the_oldest_and_says_how_many_more_there_are(self, world):
        answer = await world.parked("list", "--limit", "1")

        assert "no slot 9" in answer.stdout
        assert world.toaster not in answer.stdout
        assert answer.stdout.splitlines()[-1] == "... and 3 newer; --limit shows more"

    async def test_can_be_of_one_service(self, world):
        nothing = await world.parked("list", "--service", "inventory")

        assert len(await world.listed("--service", "consumption")) == 4
        assert nothing.stdout == "no parked or held records\n"


class TestShow:
    async def test_prints_the_bytes_as_text(self, world):
        parked = id_of(await world.listed(), key=world.brewer)

        answer = await world.parked("show", parked)

        assert f"reason:      device {world.brewer} has no slot 9" in answer.stdout
        assert '"slot":"9"' in answer.stdout.replace(" ", "")

    async def test_escapes_bytes_that_are_no_text(self, world):
        parked = id_of(await world.listed(), key=world.evil)

        answer = await world.parked("show", parked)

        assert answer.stdout.splitlines()[-1] == r'{"type": "SlotUsed\x1b[2J\x1b[31m", \xff'


class TestRetry:
    async def test_applies_a_parked_record_once_what_it_lacked_is_there(self, world):
        parked = id_of(await world.listed(), key=world.brewer)
        await world.register(world.brewer, 2, "1", "9")
        await until(lambda: world.level("9"), "slot 9 is registered", seconds=60)

        answer = await world.parked("retry", parked)

        assert answer.stdout == "consumption: 1 scheduled for retry\n"

        async def used():
            return await world.level("9") == 47

        await until(used, "the report was applied", seconds=60)
        assert parked not in [one["id"] for one in await world.listed()]

    async def test_tries_a_held_record_again(self, world):
        await world.change("UPDATE deferred SET waits_for = NULL, retry_at = NULL, attempts = 0, reason = 'a bug'")
        held = id_of(await world.listed(), key=world.toaster, behind=None)

        answer = await world.parked("retry", held)

        assert answer.exit_code == 0, answer.output

        async def tried():
            return [one["attempts"] for one in await world.listed() if one["id"] == held] == [1]

        await until(tried, "the service tried it again", seconds=60)

    async def test_names_what_a_record_waits_behind(self, world):
        found = await world.listed()
        first = id_of(found, key=world.toaster, behind=None)
        second = id_of(found, key=world.toaster, behind=first)

        answer = await world.parked("retry", second)

        assert answer.stdout.splitlines()[-1] == f"{second} is blocked by {first}: retry that one"

    async def test_can_be_of_all(self, world):
        answer = await world.parked("retry", "--all", "--service", "consumption")

        assert answer.stdout == "consumption: 4 scheduled for retry\n"

        async def tried():
            return len([one for one in await world.listed() if one["attempts"] or one["id"].count("parked")]) == 3

        await until(tried, "what cannot be used is parked again, what waits is held", seconds=60)

    async def test_goes_through_the_services_own_role(self, world):
        world.home.write_secret("consumption", "database_url", world.company.database.check_url)

        answer = await world.parked("retry", "--all")

        assert answer.exit_code == 1
        assert answer.stderr.startswith("replenish: database error: ")
        assert len(answer.stderr.splitlines()) == 1
        assert len(await world.listed()) == 4


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("show", "consumption/parked"), "'consumption/parked' is not an id"),
            (("show", "consumption/lost/1"), "'consumption/lost/1' is not an id"),
            (("show", "consumption/parked/99999"), "consumption/parked/99999 does not exist"),
            (("retry", "consumption/held/99999"), "consumption/held/99999 does not exist"),
            (("show", "toaster/parked/1"), "no service 'toaster' has records in this database"),
            (("list", "--service", "reorder-decision"), "services: consumption, inventory, notification"),
            (("retry",), "specify ids"),
            (("retry", "--all", "consumption/parked/1"), "specify ids"),
            (("retry", "consumption/parked/1", "--service", "inventory"), "specify ids"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    async def test_are_one_line(self, idle, arguments, words):
        answer = await idle.parked(*arguments)

        assert answer.exit_code == 1
        assert words in answer.stderr
        assert len(answer.stderr.splitlines()) == 1

    async def test_say_that_no_stack_was_started(self, idle, tmp_path):
        answer = await idle.parked("list", home=tmp_path / "nothing")

        assert answer.exit_code == 1
        assert "no stack was started in" in answer.stderr
        assert len(answer.stderr.splitlines()) == 1

    async def test_say_that_the_database_is_away(self, idle, monkeypatch):
        monkeypatch.setenv("CHECK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

        answer = await asyncio.wait_for(idle.parked("list"), 60)

        assert answer.exit_code == 1
        assert answer.stderr.startswith("replenish: database error: ")
        assert len(answer.stderr.splitlines()) == 1
