"""Tells open pages that something changed; what changed they fetch themselves."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from time import monotonic
from weakref import WeakKeyDictionary

from libs.kit import Kit
from libs.kit.failures import TRANSIENT
from libs.kit.problems import Problem
from libs.kit.waking import woken_within
from services.portal.api.cookies import settings_of
from services.portal.api.neighbours import Levels, fetch_levels

LOG = logging.getLogger(__name__)
#: Many commits within this time are looked at once.
COALESCE_SECONDS = 0.05
HELLO = b"retry: 2000\nevent: hello\ndata: {}\n\n"
CHANGED = b"event: changed\ndata: {}\n\n"
BEAT = b": still here\n\n"
ENDED = b"event: ended\ndata: {}\n\n"


class Page:
    """One open page; many changes before it looks again are one."""

    def __init__(self, customer_id: str, session_sha256: bytes) -> None:
        self.customer_id = customer_id
        self.session_sha256 = session_sha256
        self.changed = asyncio.Event()


class Live:
    """Watches for the customers whose pages are open, and does nothing while there are none."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._settings = settings_of(kit)
        self._pages: set[Page] = set()
        self._marks: dict[str, tuple[int, int]] = {}
        self._levels: dict[str, Levels] = {}
        self._levels_at: dict[str, float] = {}
        self._hurry = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.closing = False

    def after_commit(self, _: object) -> None:
        """Look soon."""
        self._hurry.set()

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._watch_touches()), asyncio.create_task(self._watch_levels())]

    async def stop(self) -> None:
        """End all streams; browsers connect again, to another replica if need be."""
        self.closing = True
        for page in self._pages:
            page.changed.set()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def levels(self, customer_id: str, device_ids: list[str]) -> Levels:
        """Return levels that are at most some seconds old."""
        if monotonic() - self._levels_at.get(customer_id, 0.0) < self._settings.live_levels_seconds:
            return self._levels[customer_id]
        levels = await fetch_levels(self._kit, device_ids)
        self._remember(customer_id, levels)
        return levels

    def _remember(self, customer_id: str, levels: Levels) -> None:
        """Keep what open pages are shown from now on, and tell those that were shown something else.

        Compared with what is kept now: while these were fetched, a page may have been shown others.
        """
        if not self._is_open(customer_id):
            return
        before = self._levels.get(customer_id)
        self._levels[customer_id], self._levels_at[customer_id] = levels, monotonic()
        if before is not None and before != levels:
            self._tell(customer_id)

    async def follow(self, page: Page) -> AsyncIterator[bytes]:
        """Yield what one page's stream says, until it goes or we do."""
        self._pages.add(page)
        try:
            if page.customer_id not in self._marks:  # before the page looks: what changes after that is told
                self._marks |= await self._read_marks([page.customer_id])
            self._hurry.set()
            yield HELLO
            while not self.closing:
                if not await woken_within(page.changed, self._settings.live_heartbeat_seconds):
                    if not await self._still_signed_in(page):
                        yield ENDED
                        return
                    yield BEAT
                    continue
                page.changed.clear()
                if not self.closing:
                    yield CHANGED
        finally:
            self._pages.discard(page)
            if not self._is_open(page.customer_id):
                for kept in (self._marks, self._levels, self._levels_at):
                    kept.pop(page.customer_id, None)

    def _is_open(self, customer_id: str) -> bool:
        return any(page.customer_id == customer_id for page in self._pages)

    def check_room(self, customer_id: str) -> None:
        """Raise 503 where too many pages are open already."""
        of_theirs = sum(page.customer_id == customer_id for page in self._pages)
        if len(self._pages) >= self._settings.live_pages_most or of_theirs >= self._settings.live_pages_per_customer:
            raise Problem(503, "too_many_pages", "Too many pages are open", headers={"Retry-After": "30"})

    async def _still_signed_in(self, page: Page) -> bool:
        try:
            async with self._kit.read() as store:
                return await store.find_session(page.session_sha256) is not None
        except TRANSIENT:
            return True  # the database is away; who may see the page is asked again at every request

    async def _watch_touches(self) -> None:
        while True:
            await self._some_time(self._settings.live_poll_ms / 1000)
            customers = sorted({page.customer_id for page in self._pages} & self._marks.keys())
            try:
                marks = await self._read_marks(customers)
            except TRANSIENT as away:
                LOG.info("changes not seen yet", extra={"reason": repr(away)})
                continue
            for customer_id, mark in marks.items():
                if self._marks.get(customer_id, mark) != mark:
                    self._marks[customer_id] = mark
                    self._tell(customer_id)

    async def _read_marks(self, customers: list[str]) -> dict[str, tuple[int, int]]:
        async with self._kit.read() as store:
            marks: dict[str, tuple[int, int]] = await store.list_touches(customers)
        return {customer_id: marks.get(customer_id, (0, 0)) for customer_id in customers}

    async def _some_time(self, seconds: float) -> None:
        """Wait until there is an open page, and then so long, or until something was committed here."""
        await asyncio.sleep(COALESCE_SECONDS)
        self._hurry.clear()
        await woken_within(self._hurry, seconds if self._pages else None)
        while not self._pages:
            self._hurry.clear()
            await self._hurry.wait()

    async def _watch_levels(self) -> None:
        while True:
            await asyncio.sleep(self._settings.live_levels_seconds)
            for customer_id in sorted({page.customer_id for page in self._pages}):
                try:
                    async with self._kit.read() as store:
                        devices = [device.device_id for device in await store.list_devices(customer_id)]
                except TRANSIENT:
                    continue
                self._remember(customer_id, await fetch_levels(self._kit, devices))

    def _tell(self, customer_id: str) -> None:
        for page in self._pages:
            if page.customer_id == customer_id:
                page.changed.set()


_LIVE: WeakKeyDictionary[Kit, Live] = WeakKeyDictionary()


async def start_live(kit: Kit) -> None:
    live = _LIVE[kit] = Live(kit)
    kit.on_commit(live)
    live.start()


async def stop_live(kit: Kit) -> None:
    await _LIVE.pop(kit).stop()


def live_of(kit: Kit) -> Live:
    return _LIVE[kit]
