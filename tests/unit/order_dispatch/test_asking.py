"""What keeps a call from being made leaves no doubt about it: the provider was not asked."""

from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from libs.kit import RetryLaterError, Task
from services.order_dispatch.domain import State
from services.order_dispatch.linking import client as linking_client
from services.order_dispatch.orders import tasks
from services.order_dispatch.sealing import UnsealError
from tests.support import orders as a

AMAZON = replace(a.ACME, protocol="drs")


class Kit:
    """A kit whose database knows one order, or is away."""

    clock = SimpleNamespace(now=lambda: a.NOON)

    def __init__(self, state=State.PLACING, *, away=False):
        self._order, self._away = replace(a.order(state), sent_at=None), away

    @asynccontextmanager
    async def read(self):
        if self._away:
            raise ConnectionResetError("the server went away")
        yield self

    async def find_order(self, order_id):
        return self._order

    async def find_provider(self, provider_id):
        return AMAZON

    async def find_remote_slot(self, link_id, slot):
        return slot

    timeouts = a.PATIENCE


def task(request="submit"):
    return Task(f"o1/{request}", {"order_id": "o1", "request": request}, 1)


class TestADelivery:
    async def test_that_nobody_could_look_up_is_tried_again(self):
        with pytest.raises(RetryLaterError, match="provider not called: ConnectionResetError"):
            await tasks.call_provider(task(), Kit(away=True))

    @pytest.mark.parametrize("trouble", [UnsealError("no key is here"), ConnectionResetError("away")])
    async def test_whose_line_does_not_open_is_tried_again(self, trouble, monkeypatch):
        async def closed(order, provider, kit):
            raise trouble

        monkeypatch.setattr(tasks, "open_client", closed)

        with pytest.raises(RetryLaterError, match=f"acme was not called: {type(trouble).__name__}"):
            await tasks.call_provider(task(), Kit())


class TestALinkedLine:
    def line(self, kit):
        return linking_client.TokenClient(kit, None, "l1", {}, "https://drs.example")

    async def test_without_a_token_asked_nobody(self):
        with pytest.raises(RetryLaterError, match="no token: ConnectionResetError"):
            await self.line(Kit(away=True)).request("POST", "/replenish/1")

    async def test_that_knows_no_slot_yet_asked_nobody(self):
        assert await self.line(Kit()).remote_slot("1") == "1"
        with pytest.raises(RetryLaterError, match="slot 1 was not looked up"):
            await self.line(Kit(away=True)).remote_slot("1")


class TestACancel:
    async def test_of_what_arrived_is_not_asked_for_any_more(self):
        assert await tasks.call_provider(task("cancel"), Kit(State.DELIVERED)) == {}
