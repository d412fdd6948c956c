"""What keeps the door open must not end unnoticed."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from deploy.local.waiting import until
from services.gateway.api.door import Door
from services.gateway.settings import Settings
from services.gateway.store import UsageTopic
from tests.unit.gateway.test_topic import Producer

SOON_S = 10


class UnexpectedError(Exception):
    pass


class Table:
    def __init__(self, failure=None):
        self.failure = failure

    async def get_revision(self):
        if self.failure is not None:
            raise self.failure
        return 0

    async def list_changes(self, _):
        return []


def unbuildable():
    raise UnexpectedError


@pytest.mark.parametrize(("table", "build"), [(Table(UnexpectedError()), Producer), (Table(), unbuildable)])
async def test_a_failure_nobody_expected_stops_the_process_and_not_only_the_door(table, build):
    @asynccontextmanager
    async def read():
        yield table

    failures = []
    door = Door(SimpleNamespace(clock=None, read=read, fail=failures.append), Settings.model_construct())
    door.topic = UsageTopic(build, patience_seconds=SOON_S, wedged_seconds=SOON_S)

    await door.open()
    await until(lambda: bool(failures), "somebody is told", within_s=SOON_S)
    await door.close()

    assert isinstance(failures[0], UnexpectedError)
