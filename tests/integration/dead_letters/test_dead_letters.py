"""`replenish dead-letters`: list, show and retry."""

import asyncio
import json

import pytest

from tests.support.kit_environment import until


def id_of(found, **wanted):
    [one] = [one for one in found if wanted.items() <= one.items()]
    return one["id"]


class TestList:
    async def test_list_shows_position_and_reason(self, operator):
        found = await operator.listed()

        assert {one["id"].rpartition("/")[0] for one in found} == {"consumption/dead-letter", "consumption/deferred"}
        by_reason = {one["reason"]: one for one in found}
        assert by_reason[f"device {operator.brewer} has no slot 9"]["key"] == operator.brewer
        assert by_reason[f"device {operator.brewer} has no slot 9"]["topic"] == "usage"
        assert by_reason[f"waits for device:{operator.toaster}"]["waits_for"] == f"device:{operator.toaster}"
        behind = by_reason["behind an earlier record of its key"]
        assert behind["behind"] == by_reason[f"waits for device:{operator.toaster}"]["id"]
        assert all(0 <= one["age_s"] < 600 for one in found)

    async def test_list_prints_one_line_per_record(self, operator):
        answer = await operator.run("list")

        [line] = [line for line in answer.stdout.splitlines() if "no slot 9" in line]
        assert line.split()[0] == id_of(await operator.listed(), key=operator.brewer)
        assert "usage/" in line
        assert f" {operator.brewer} " in line

    async def test_list_escapes_control_characters(self, operator):
        answer = await operator.run("list")

        assert "\x1b" not in answer.stdout
        assert rf"evil-{operator.number}\x1b[0m" in answer.stdout

    async def test_list_limit_shows_oldest_and_number_of_others(self, operator):
        answer = await operator.run("list", "--limit", "1")

        assert "no slot 9" in answer.stdout
        assert operator.toaster not in answer.stdout
        assert answer.stdout.splitlines()[-1] == "... and 3 newer; --limit shows more"

    async def test_list_of_one_service(self, operator):
        nothing = await operator.run("list", "--service", "inventory")

        assert len(await operator.listed("--service", "consumption")) == 4
        assert nothing.stdout == "no dead letters or deferred records\n"


class TestShow:
    async def test_show_prints_value_as_text(self, operator):
        dead_letter = id_of(await operator.listed(), key=operator.brewer)

        answer = await operator.run("show", dead_letter)

        assert f"reason:      device {operator.brewer} has no slot 9" in answer.stdout
        assert '"slot":"9"' in answer.stdout.replace(" ", "")

    async def test_show_escapes_invalid_utf8(self, operator):
        dead_letter = id_of(await operator.listed(), key=operator.evil)

        answer = await operator.run("show", dead_letter)

        assert answer.stdout.splitlines()[-1] == r'{"type": "SlotUsed\x1b[2J\x1b[31m", \xff'


class TestHeaders:
    async def write(self, operator, slot, *headers, source="urn:maker"):
        """Write a report in binary mode, as an SDK does."""
        attributes = {"specversion": "1.0", "id": f"use of {slot}", "source": source, "type": "SlotUsed"}
        at = "2026-01-31T08:00:00Z"
        data = {"device_id": operator.brewer, "slot": slot, "quantity": 3, "occurred_at": at, "received_at": at}
        headers = [*((f"ce_{name}", value.encode()) for name, value in attributes.items()), *headers]
        await operator.write(operator.brewer, json.dumps(data).encode(), headers)

    async def test_dead_letter_keeps_headers_and_is_retried_with_them(self, operator):
        await self.write(operator, "77", ("maker", b"\xff\x1b[2J"), ("maker", b"2"))
        await operator.wait_for_failed_records(5)
        dead_letter = id_of(await operator.listed(), reason=f"device {operator.brewer} has no slot 77")

        shown = await operator.run("show", dead_letter)
        as_json = json.loads((await operator.run("show", dead_letter, "--json")).stdout)

        assert "header:      ce_id: use of 77\n" in shown.stdout
        assert "header:      maker: \\xff\\x1b[2J\n" in shown.stdout
        assert as_json["headers"][-1] == {"name": "maker", "value": "2"}
        await operator.register(operator.brewer, 3, "1", "77")
        await until(lambda: operator.level("77"), "slot 77 is registered", seconds=60)
        await operator.run("retry", dead_letter)

        async def used():
            return await operator.level("77") == 47

        await until(used, "the report was applied", seconds=60)

    async def test_record_in_binary_mode_counts_once_by_source_and_id(self, idle):
        await idle.register(idle.brewer, 1, "1")
        await until(lambda: idle.level("1"), "the brewer is registered", seconds=60)
        for source in ("urn:maker", "urn:maker", "urn:another-maker"):
            await self.write(idle, "1", source=source)

        async def used_twice():
            return await idle.level("1") == 50 - 2 * 3

        await until(used_twice, "both reports were applied", seconds=60)


class TestRetry:
    async def test_retry_applies_dead_letter_after_its_cause_is_fixed(self, operator):
        dead_letter = id_of(await operator.listed(), key=operator.brewer)
        await operator.register(operator.brewer, 2, "1", "9")
        await until(lambda: operator.level("9"), "slot 9 is registered", seconds=60)

        answer = await operator.run("retry", dead_letter)

        assert answer.stdout == "consumption: 1 scheduled for retry\n"

        async def used():
            return await operator.level("9") == 47

        await until(used, "the report was applied", seconds=60)
        assert dead_letter not in [one["id"] for one in await operator.listed()]

    async def test_retry_of_deferred_record(self, operator):
        await operator.change("UPDATE deferred SET waits_for = NULL, retry_at = NULL, attempts = 0, reason = 'a bug'")
        deferred = id_of(await operator.listed(), key=operator.toaster, behind=None)

        answer = await operator.run("retry", deferred)

        assert answer.exit_code == 0, answer.output

        async def tried():
            return [one["attempts"] for one in await operator.listed() if one["id"] == deferred] == [1]

        await until(tried, "the record was retried", seconds=60)

    async def test_retry_names_the_blocking_record(self, operator):
        found = await operator.listed()
        first = id_of(found, key=operator.toaster, behind=None)
        second = id_of(found, key=operator.toaster, behind=first)

        answer = await operator.run("retry", second)

        assert answer.stdout.splitlines()[-1] == f"{second} is blocked by {first}: retry that one"

    async def test_retry_all(self, operator):
        answer = await operator.run("retry", "--all", "--service", "consumption")

        assert answer.stdout == "consumption: 4 scheduled for retry\n"

        async def tried():
            return (
                len([one for one in await operator.listed() if one["attempts"] or one["id"].count("dead-letter")]) == 3
            )

        await until(tried, "the retried records failed again", seconds=60)

    async def test_retry_uses_role_of_the_service(self, operator):
        operator.home.write_secret("consumption", "database_url", operator.company.database.check_url)

        answer = await operator.run("retry", "--all")

        assert answer.exit_code == 1
        assert answer.stderr.startswith("replenish: database error: ")
        assert len(answer.stderr.splitlines()) == 1
        assert len(await operator.listed()) == 4


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("show", "consumption/dead-letter"), "'consumption/dead-letter' is not an id"),
            (("show", "consumption/lost/1"), "'consumption/lost/1' is not an id"),
            (("show", "consumption/dead-letter/99999"), "consumption/dead-letter/99999 does not exist"),
            (("retry", "consumption/deferred/99999"), "consumption/deferred/99999 does not exist"),
            (("show", "toaster/dead-letter/1"), "no service 'toaster' has records in this database"),
            (("list", "--service", "reorder-decision"), "services: consumption, inventory, notification"),
            (("retry",), "specify ids"),
            (("retry", "--all", "consumption/dead-letter/1"), "specify ids"),
            (("retry", "consumption/dead-letter/1", "--service", "inventory"), "specify ids"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    async def test_errors_are_one_line(self, idle, arguments, words):
        answer = await idle.run(*arguments)

        assert answer.exit_code == 1
        assert words in answer.stderr
        assert len(answer.stderr.splitlines()) == 1

    async def test_error_without_stack(self, idle, tmp_path):
        answer = await idle.run("list", home=tmp_path / "nothing")

        assert answer.exit_code == 1
        assert "no stack was started in" in answer.stderr
        assert len(answer.stderr.splitlines()) == 1

    async def test_error_without_database(self, idle, monkeypatch):
        monkeypatch.setenv("CHECK_DATABASE_URL", "postgresql://unknown@127.0.0.1:1/nothing")

        answer = await asyncio.wait_for(idle.run("list"), 60)

        assert answer.exit_code == 1
        assert answer.stderr.startswith("replenish: database error: ")
        assert len(answer.stderr.splitlines()) == 1
