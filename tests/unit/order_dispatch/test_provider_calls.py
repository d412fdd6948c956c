"""Failures before a call: nothing was sent, so the task is retried."""

from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from libs.kit import RetryLaterError, Task
from services.order_dispatch.domain import State
from services.order_dispatch.domain.links import Block
from services.order_dispatch.linking import client as linking_client
from services.order_dispatch.orders import tasks
from services.order_dispatch.providers.parsing import UnreadableResponseError
from services.order_dispatch.sealing import UnsealError
from tests.support import orders as a

AMAZON = replace(a.ACME, protocol="drs")


class Kit:
    """A kit whose database contains one order, or is unavailable."""

    clock = SimpleNamespace(now=lambda: a.NOON)
    #: Why the provider takes no order for the slot.
    block = None

    def __init__(self, state=State.PLACING, *, unavailable=False):
        self._order, self._unavailable = replace(a.order(state), sent_at=None), unavailable

    @asynccontextmanager
    async def read(self):
        if self._unavailable:
            raise ConnectionResetError("the server went away")
        yield self

    async def find_order(self, order_id):
        return self._order

    async def find_provider(self, provider_id):
        return AMAZON

    async def find_remote_slot(self, link_id, slot):
        return slot

    async def find_block(self, provider_id, device_id, slot):
        return self.block

    timeouts = a.TIMEOUTS


def task(request="submit"):
    return Task(f"o1/{request}", {"order_id": "o1", "request": request}, 1)


class TestSubmission:
    async def test_call_provider_retries_if_order_cannot_be_read(self):
        with pytest.raises(RetryLaterError, match="provider not called: ConnectionResetError"):
            await tasks.call_provider(task(), Kit(unavailable=True))

    @pytest.mark.parametrize("by", ["pause", "unlink"])
    async def test_call_provider_sends_nothing_to_a_slot_that_takes_no_orders(self, by, monkeypatch):
        async def fail(order, provider, kit):
            raise AssertionError("the provider was called")

        monkeypatch.setattr(tasks, "open_client", fail)
        kit = Kit()
        kit.block = Block(by, "paused at acme")

        assert await tasks.call_provider(task(), kit) == {"unsent": "paused at acme", "by": by}

    @pytest.mark.parametrize("error", [UnsealError("no key is here"), ConnectionResetError("unavailable")])
    async def test_call_provider_retries_if_client_cannot_be_opened(self, error, monkeypatch):
        async def fail(order, provider, kit):
            raise error

        monkeypatch.setattr(tasks, "open_client", fail)

        with pytest.raises(RetryLaterError, match=f"acme was not called: {type(error).__name__}"):
            await tasks.call_provider(task(), Kit())


class TestLinkedClient:
    def client(self, kit):
        return linking_client.TokenClient(kit, None, "l1", {}, "https://drs.example")

    async def test_request_without_token_is_retried(self):
        with pytest.raises(RetryLaterError, match="no token: ConnectionResetError"):
            await self.client(Kit(unavailable=True)).request("POST", "/replenish/1")

    async def test_remote_slot_is_retried_if_it_cannot_be_read(self):
        assert await self.client(Kit()).remote_slot("1") == "1"
        with pytest.raises(RetryLaterError, match="slot 1 was not looked up"):
            await self.client(Kit(unavailable=True)).remote_slot("1")


class TestCancelRequest:
    async def test_call_provider_skips_cancel_of_delivered_order(self):
        assert await tasks.call_provider(task("cancel"), Kit(State.DELIVERED)) == {}


class TestUnreadableResponse:
    @pytest.fixture
    def responds(self, monkeypatch):
        async def opened(order, provider, kit):
            return None

        async def address(customer_id, kit):
            return None

        def fail(error):
            async def call(*_):
                raise error

            transport = SimpleNamespace(submit=call, status=call, idempotent=True)
            monkeypatch.setattr(tasks, "_http_transport", lambda provider: transport)

        monkeypatch.setattr(tasks, "open_client", opened)
        monkeypatch.setattr(tasks, "fetch_address", address)
        return fail

    async def test_call_provider_says_what_was_wrong(self, responds):
        responds(UnreadableResponseError("the response is invalid: the body is empty"))

        result = await tasks.call_provider(task(), Kit())

        assert result == {"unknown": "no clear result from acme: the response is invalid: the body is empty"}

    async def test_call_provider_names_unexpected_errors_only(self, responds):
        responds(RuntimeError("Ann, Elm 1"))

        assert await tasks.call_provider(task(), Kit()) == {"unknown": "no clear result from acme: RuntimeError"}

    async def test_call_provider_keeps_an_unreadable_status_as_an_update(self, responds):
        responds(UnreadableResponseError("the response is invalid: the body is empty"))
        kit = Kit(State.UNKNOWN)
        kit.state = SimpleNamespace(get_or_create=lambda *_: None)
        kit.settings = SimpleNamespace(status_attempts=1)

        update = (await tasks.call_provider(task("status"), kit))["update"]

        assert (update.status, update.order_id) == ("unclear", "o1")
        assert [note.reason for note in update.notes] == ["the response is invalid: the body is empty"]
