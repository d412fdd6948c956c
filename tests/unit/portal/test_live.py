"""Open pages are told when what they were shown is not so any more, whoever found that out."""

import asyncio
from types import SimpleNamespace

import pytest

from services.portal.api import live
from services.portal.api.live import Live, Page
from services.portal.settings import Settings


@pytest.fixture
def opened(monkeypatch):
    """One open page, and a consumption that answers when it is let."""
    answers = asyncio.Queue()

    async def fetch_levels(_kit, _device_ids):
        return await answers.get()

    monkeypatch.setattr(live, "fetch_levels", fetch_levels)
    watched = Live(SimpleNamespace(settings=Settings.model_construct(live_levels_seconds=0.0)))
    page = Page("ann", b"")
    watched._pages.add(page)
    return watched, page, answers


async def test_by_another_page_that_looked(opened):
    watched, page, answers = opened
    answers.put_nowait({("brewer", "1"): 30})
    await watched.levels("ann", ["brewer"])
    assert not page.changed.is_set()

    answers.put_nowait({("brewer", "1"): 29})
    await watched.levels("ann", ["brewer"])

    assert page.changed.is_set()


async def test_by_a_look_that_began_before_theirs(opened):
    watched, page, answers = opened
    first, second = (asyncio.create_task(watched.levels("ann", ["brewer"])) for _ in range(2))
    await asyncio.sleep(0)
    answers.put_nowait({("brewer", "1"): 30})
    await first
    assert not page.changed.is_set()

    answers.put_nowait({("brewer", "1"): 29})
    await second

    assert page.changed.is_set()
