from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from deploy.local.waiting import until
from services.gateway.api.ingest_pipeline import IngestPipeline
from services.gateway.producer import UsageProducer
from services.gateway.settings import Settings
from tests.unit.gateway.fake_client import Client

SOON_S = 10


class UnexpectedError(Exception):
    pass


class Store:
    def __init__(self, failure=None):
        self.failure = failure

    async def get_revision(self):
        if self.failure is not None:
            raise self.failure
        return 0

    async def list_changes(self, _):
        return []


def fail_to_build():
    raise UnexpectedError


@pytest.mark.parametrize(("store", "build"), [(Store(UnexpectedError()), Client), (Store(), fail_to_build)])
async def test_unexpected_error_of_background_task_fails_the_process(store, build):
    @asynccontextmanager
    async def read():
        yield store

    failures = []
    pipeline = IngestPipeline(SimpleNamespace(clock=None, read=read, fail=failures.append), Settings.model_construct())
    pipeline.producer = UsageProducer(build, timeout_seconds=SOON_S, wedged_seconds=SOON_S)

    await pipeline.start()
    await until(lambda: bool(failures), "the failure is passed on", within_s=SOON_S)
    await pipeline.stop()

    assert isinstance(failures[0], UnexpectedError)
