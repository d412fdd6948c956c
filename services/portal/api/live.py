"""Server-sent events that notify open pages of changes; pages then fetch the new content."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from time import monotonic

from libs.kit import Kit
from libs.kit.clock import wait_for_event
from libs.kit.errors import TRANSIENT
from libs.kit.http.problems import ProblemError
from services.portal.api.cookies import settings_of
from services.portal.api.service_calls import Levels, fetch_levels

LOG = logging.getLogger(__name__)
#: Commits within this time share one query.
COALESCE_SECONDS = 0.05
HELLO = b"retry: 2000\nevent: hello\ndata: {}\n\n"
CHANGED = b"event: changed\ndata: {}\n\n"
HEARTBEAT = b": still here\n\n"
ENDED = b"event: ended\ndata: {}\n\n"


class OpenPage:
    """One open page; changes before its next refresh are merged."""

    def __init__(self, customer_id: str, session_sha256: bytes) -> None:
        self.customer_id = customer_id
        self.session_sha256 = session_sha256
        self.changed = asyncio.Event()


class LiveUpdates:
    """Polls for changes of customers with open pages; idle while no page is open."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._settings = settings_of(kit)
        self._pages: set[OpenPage] = set()
        self._marks: dict[str, tuple[int, int]] = {}
        self._levels: dict[str, Levels] = {}
        self._levels_at: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.closing = False

    def after_commit(self, _: object) -> None:
        """Poll soon; called by the kit after each commit of this process."""
        self._wake.set()

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._watch_touches()), asyncio.create_task(self._watch_levels())]

    async def stop(self) -> None:
        """End all streams; browsers reconnect, possibly to another replica."""
        self.closing = True
        for page in self._pages:
            page.changed.set()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def levels(self, customer_id: str, device_ids: list[str]) -> Levels:
        """Return levels that are at most `live_levels_seconds` old while a page is open."""
        if monotonic() - self._levels_at.get(customer_id, 0.0) < self._settings.live_levels_seconds:
            return self._levels[customer_id]
        levels = await fetch_levels(self._kit, device_ids)
        self._cache_levels(customer_id, levels)
        return levels

    def _cache_levels(self, customer_id: str, levels: Levels) -> None:
        """Cache levels and notify open pages if they differ from the cached ones.

        Compares with the cache as of now, because another request may have updated it during the fetch.
        """
        if not self._is_open(customer_id):
            return
        before = self._levels.get(customer_id)
        self._levels[customer_id], self._levels_at[customer_id] = levels, monotonic()
        if before is not None and before != levels:
            self._notify(customer_id)

    async def stream(self, page: OpenPage) -> AsyncIterator[bytes]:
        """Yield the stream of one page until it disconnects, its session ends or the service stops."""
        self._pages.add(page)
        try:
            if page.customer_id not in self._marks:  # before `hello`, so that later changes are noticed
                self._marks |= await self._read_marks([page.customer_id])
            self._wake.set()
            yield HELLO
            while not self.closing:
                if not await wait_for_event(page.changed, self._settings.live_heartbeat_seconds):
                    if not await self._still_signed_in(page):
                        yield ENDED
                        return
                    yield HEARTBEAT
                    continue
                page.changed.clear()
                if not self.closing:
                    yield CHANGED
        finally:
            self._pages.discard(page)
            if not self._is_open(page.customer_id):
                for cache in (self._marks, self._levels, self._levels_at):
                    cache.pop(page.customer_id, None)

    def _is_open(self, customer_id: str) -> bool:
        return any(page.customer_id == customer_id for page in self._pages)

    def check_page_limit(self, customer_id: str) -> None:
        """Raise 503 if too many pages are open, in total or for this customer."""
        of_customer = sum(page.customer_id == customer_id for page in self._pages)
        if len(self._pages) >= self._settings.live_pages_most or of_customer >= self._settings.live_pages_per_customer:
            raise ProblemError(
                503,
                "too_many_pages",
                "Too many pages are open",
                headers={"Retry-After": "30"},
                problem="too many pages with live updates are open",
                remedy="close other tabs of this page, or try again in 30 s",
            )

    async def _still_signed_in(self, page: OpenPage) -> bool:
        try:
            async with self._kit.read() as store:
                return await store.find_session(page.session_sha256) is not None
        except TRANSIENT:
            return True  # database unavailable; every page request checks the session again

    async def _watch_touches(self) -> None:
        while True:
            await self._wait_for_poll(self._settings.live_poll_ms / 1000)
            customers = sorted({page.customer_id for page in self._pages} & self._marks.keys())
            try:
                marks = await self._read_marks(customers)
            except TRANSIENT as error:
                LOG.info("changes not polled; retrying", extra={"reason": repr(error)})
                continue
            for customer_id, mark in marks.items():
                if self._marks.get(customer_id, mark) != mark:
                    self._marks[customer_id] = mark
                    self._notify(customer_id)

    async def _read_marks(self, customers: list[str]) -> dict[str, tuple[int, int]]:
        async with self._kit.read() as store:
            marks: dict[str, tuple[int, int]] = await store.list_touches(customers)
        return {customer_id: marks.get(customer_id, (0, 0)) for customer_id in customers}

    async def _wait_for_poll(self, seconds: float) -> None:
        """Wait for the interval or a local commit, and until at least one page is open."""
        await asyncio.sleep(COALESCE_SECONDS)
        self._wake.clear()
        await wait_for_event(self._wake, seconds if self._pages else None)
        while not self._pages:
            self._wake.clear()
            await self._wake.wait()

    async def _watch_levels(self) -> None:
        while True:
            await asyncio.sleep(self._settings.live_levels_seconds)
            for customer_id in sorted({page.customer_id for page in self._pages}):
                try:
                    async with self._kit.read() as store:
                        devices = [device.device_id for device in await store.list_devices(customer_id)]
                except TRANSIENT:
                    continue
                self._cache_levels(customer_id, await fetch_levels(self._kit, devices))

    def _notify(self, customer_id: str) -> None:
        for page in self._pages:
            if page.customer_id == customer_id:
                page.changed.set()


async def start_live(kit: Kit) -> None:
    live = kit.state.put(LiveUpdates, LiveUpdates(kit))
    kit.on_commit(live)
    live.start()


async def stop_live(kit: Kit) -> None:
    await kit.state.get(LiveUpdates).stop()


def live_updates_of(kit: Kit) -> LiveUpdates:
    return kit.state.get(LiveUpdates)
