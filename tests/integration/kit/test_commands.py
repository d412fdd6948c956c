"""HTTP commands: idempotent retries, and responses while the database fails."""

import asyncio
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from fastapi import APIRouter

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import IdempotencyDep, KitDep, principal_of
from libs.kit.http.idempotency import command
from tests.integration.kit.proxied import proxied
from tests.support import kit_events as a
from tests.support.kit_environment import ask, until
from tests.support.proxy import AFTER, BEFORE, commit_of


class Commands:
    """A service that creates and counts things on request."""

    def __init__(self):
        self.inside, self.gate, self.failure = asyncio.Event(), asyncio.Event(), None
        self.gate.set()
        self.router = APIRouter()
        self.router.post("/things")(self._make)
        self.router.get("/things")(self._list)
        self.router.get("/things/{name}")(self._find)

    async def _make(self, kit: KitDep, key: IdempotencyDep, body: dict[str, Any]) -> Any:
        async with command(kit, key) as tx:
            await tx.store.note("http", body["name"], "thing")
            if "T" in body["name"]:
                moment = datetime.fromisoformat(body["name"])
                await tx.store.connection.fetchval("SELECT $1::timestamptz", moment)
            tx.publish(a.slot_filled(body["name"]))
            self.inside.set()
            await self.gate.wait()
            if self.failure:
                raise self.failure
            return tx.respond(201, {"made": body["name"]})

    async def _list(self, kit: KitDep) -> Any:
        async with kit.read() as store:
            return [row[0] for row in await store.connection.fetch("SELECT id FROM applied")]

    async def _find(self, kit: KitDep, name: str) -> Any:
        async with kit.read() as store:
            return await store.connection.fetchval("SELECT id FROM applied WHERE id = $1", name)

    def service(self, world):
        return world.service(consumes={}, consumes_in_batches={}, api=self.router)


def signed_in(kit, customer="ann"):
    kit.app.dependency_overrides[principal_of] = lambda: Principal(customer, "customer", customer_id=customer)


async def make(kit, name, key=None):
    return await ask(kit, "/things", "POST", json={"name": name}, headers={"Idempotency-Key": key} if key else {})


@pytest.fixture
async def commands(world):
    commands = Commands()
    async with world.running(commands.service(world)) as kit:
        signed_in(kit)
        commands.kit = kit
        yield commands


async def things(world):
    return [row["id"] for row in await world.rows("SELECT id FROM applied ORDER BY n")]


class TestAnImpossibleValue:
    @pytest.mark.parametrize("name", ["a\x00b", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
    async def test_is_the_callers_mistake(self, commands, name):
        answer = await make(commands.kit, name)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")

    async def test_may_be_in_the_address(self, commands):
        answer = await ask(commands.kit, "/things/a%00b")

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


class TestAKey:
    async def test_gives_the_same_answer_for_the_same_request(self, world, commands):
        first = await make(commands.kit, "x", key="k1")
        again = await make(commands.kit, "x", key="k1")

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json() == {"made": "x"}
        assert again.headers["idempotent-replayed"] == "true"
        assert await things(world) == ["x"]
        await world.has_published()
        assert len(await world.log("slots")) == 1

    async def test_heeds_neither_spaces_nor_the_order_of_names(self, world, commands):
        headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
        await ask(commands.kit, "/things", "POST", content=b'{"name": "x", "more": 1}', headers=headers)
        again = await ask(commands.kit, "/things", "POST", content=b'{"more":1,"name":"x"}', headers=headers)

        assert again.headers["idempotent-replayed"] == "true"

    async def test_is_no_key_to_another_request(self, world, commands):
        await make(commands.kit, "x", key="k1")
        other = await make(commands.kit, "y", key="k1")

        assert other.status_code == 422
        assert other.json()["code"] == "idempotency_conflict"
        assert await things(world) == ["x"]

    async def test_belongs_to_who_asked(self, world, commands):
        await make(commands.kit, "x", key="k1")
        signed_in(commands.kit, "bob")
        other = await make(commands.kit, "y", key="k1")

        assert other.status_code == 201
        assert await things(world) == ["x", "y"]

    async def test_in_use_is_a_conflict(self, world, commands):
        commands.gate.clear()
        first = asyncio.create_task(make(commands.kit, "x", key="k1"))
        await commands.inside.wait()
        during = await make(commands.kit, "x", key="k1")
        commands.gate.set()

        assert during.status_code == 409
        assert during.json()["code"] == "idempotency_in_flight"
        assert during.headers["retry-after"]
        assert (await first).status_code == 201
        assert await things(world) == ["x"]

    async def test_is_free_again_after_a_failure(self, world, commands):
        commands.failure = asyncpg.DeadlockDetectedError("x")
        failed = await make(commands.kit, "x", key="k1")
        commands.failure = None
        again = await make(commands.kit, "x", key="k1")

        assert (failed.status_code, again.status_code) == (503, 201)
        assert await things(world) == ["x"]

    async def test_asked_many_times_at_once_makes_one(self, world, commands):
        answers = await asyncio.gather(*[make(commands.kit, "x", key="k1") for _ in range(12)])

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert await things(world) == ["x"]


class TestTroubleOfTheDatabase:
    @pytest.mark.parametrize(
        "trouble",
        [
            asyncpg.CannotConnectNowError("starting up"),
            asyncpg.AdminShutdownError("shutting down"),
            asyncpg.TooManyConnectionsError("too many"),
            asyncpg.LockNotAvailableError("locked"),
            asyncpg.DiskFullError("full"),
            OSError("Multiple exceptions"),
        ],
        ids=lambda trouble: type(trouble).__name__,
    )
    async def test_is_told_as_503_with_a_time_to_come_back(self, world, commands, trouble):
        commands.failure = trouble
        answer = await make(commands.kit, "x")

        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"]
        assert str(trouble) not in answer.text
        assert await things(world) == []

    async def test_that_is_a_bug_is_told_as_500_without_a_word_about_us(self, world, commands):
        commands.failure = ValueError("secret of the house")
        answer = await make(commands.kit, "x")

        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in answer.text

    @pytest.mark.parametrize("position", [BEFORE, AFTER])
    async def test_at_the_commit_leaves_the_caller_in_doubt_and_the_key_helps(self, world, position):
        """The connection breaks at COMMIT; only the database knows whether it succeeded."""
        commands = Commands()
        async with proxied(world) as between, world.running(commands.service(world), **between.urls) as kit:
            signed_in(kit)
            trap = between.postgres.trap(commit_of("save_response"), position, lambda: None)
            doubtful = await make(kit, "x", key="k1")
            await trap.sprung.wait()
            assert await things(world) == ([] if position == BEFORE else ["x"])
            again = await make(kit, "x", key="k1")
            await world.has_published()

        assert (doubtful.status_code, again.status_code) == (503, 201)
        assert await things(world) == ["x"]
        assert len(await world.log("slots")) == 1


class TestReading:
    async def test_cannot_write(self, world, commands):
        async with commands.kit.read() as store:
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await store.note("x", "x", "x")

    async def test_answers_while_a_command_is_under_way(self, world, commands):
        commands.gate.clear()
        first = asyncio.create_task(make(commands.kit, "x"))
        await commands.inside.wait()

        assert (await ask(commands.kit, "/things")).json() == []
        commands.gate.set()
        await first
        await until(lambda: listed(commands.kit), "it is there afterwards")


async def listed(kit):
    return (await ask(kit, "/things")).json() == ["x"]
