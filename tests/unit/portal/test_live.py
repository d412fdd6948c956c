"""Open pages are notified when their levels change, whichever request fetched the new ones."""

import asyncio
from types import SimpleNamespace

import pytest

from services.portal.api import live
from services.portal.api.live import LiveUpdates, OpenPage
from services.portal.settings import Settings


@pytest.fixture
def opened(monkeypatch):
    """One open page, and a fake consumption whose responses the test queues."""
    responses = asyncio.Queue()

    async def fetch_levels(_kit, _device_ids):
        return await responses.get()

    monkeypatch.setattr(live, "fetch_levels", fetch_levels)
    watched = LiveUpdates(SimpleNamespace(settings=Settings.model_construct(live_levels_seconds=0.0)))
    page = OpenPage("ann", b"")
    watched._pages.add(page)
    return watched, page, responses


async def test_levels_notifies_other_open_page(opened):
    watched, page, responses = opened
    responses.put_nowait({("brewer", "1"): 30})
    await watched.levels("ann", ["brewer"])
    assert not page.changed.is_set()

    responses.put_nowait({("brewer", "1"): 29})
    await watched.levels("ann", ["brewer"])

    assert page.changed.is_set()


async def test_levels_notifies_after_concurrent_fetches(opened):
    watched, page, responses = opened
    first, second = (asyncio.create_task(watched.levels("ann", ["brewer"])) for _ in range(2))
    await asyncio.sleep(0)
    responses.put_nowait({("brewer", "1"): 30})
    await first
    assert not page.changed.is_set()

    responses.put_nowait({("brewer", "1"): 29})
    await second

    assert page.changed.is_set()
