"""Limit of request bodies: memory stays bounded and the client receives the 413."""

import pytest
from starlette.exceptions import HTTPException

from libs.kit.http import limits
from libs.kit.http.limits import LARGEST_BYTES, LimitedBodies

HTTP = {"type": "http"}


class Sender:
    """Sends a body in parts; `left` is the unread rest."""

    def __init__(self, *parts, endless=False):
        self.left = [{"type": "http.request", "body": b" " * size, "more_body": True} for size in parts]
        self.left[-1]["more_body"] = endless

    async def __call__(self):
        return self.left.pop(0)


async def read_all(sender):
    """Return how many bytes the application received."""
    given = []

    async def application(_scope, receive, _send):
        more = True
        while more:
            message = await receive()
            given.append(len(message["body"]))
            more = message["more_body"]

    await LimitedBodies(application)(HTTP, sender, None)
    return sum(given)


class TestBodies:
    async def test_that_are_not_too_large_are_read_whole(self):
        assert await read_all(Sender(LARGEST_BYTES - 1, 1)) == LARGEST_BYTES

    @pytest.mark.parametrize("parts", [(LARGEST_BYTES + 1,), (LARGEST_BYTES, 1), (1_000_000,) * 10])
    async def test_that_are_too_large_are_refused_after_their_sender_is_done(self, parts):
        sender = Sender(*parts)

        with pytest.raises(HTTPException) as refused:
            await read_all(sender)

        assert refused.value.status_code == 413
        assert refused.value.headers == {"Connection": "close"}
        assert sender.left == []

    async def test_that_have_no_end_are_read_no_further_than_a_bound(self, monkeypatch):
        monkeypatch.setattr(limits, "DISCARDED_BYTES", 10 * LARGEST_BYTES)
        sender = Sender(*(LARGEST_BYTES,) * 100, endless=True)

        with pytest.raises(HTTPException):
            await read_all(sender)

        assert len(sender.left) == 88

    async def test_are_counted_anew_for_each_request(self):
        for _ in range(3):
            assert await read_all(Sender(LARGEST_BYTES)) == LARGEST_BYTES

    async def test_of_other_protocols_are_left_alone(self):
        sender = Sender(LARGEST_BYTES, LARGEST_BYTES)
        heard = []

        async def application(_scope, receive, _send):
            heard.append(receive)

        await LimitedBodies(application)({"type": "websocket"}, sender, None)

        assert heard == [sender]
