"""Parsers of the Postgres, Kafka and HTTP protocols: requests and their replies."""

import re
import struct
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One message; `name` is its request, `within` the earlier statements of its transaction."""

    raw: bytes
    name: str = ""
    within: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reply:
    """Part of a reply; `ends` is the request it completes, if it is the last part."""

    raw: bytes
    ends: Frame | None = None


class Postgres:
    """Names statements by their first line (`-- save_checkpoints`).

    Frames are named `COMMIT` or, for each Bind of a named statement, `<statement>`.
    """

    def __init__(self):
        self._asked, self._answered = bytearray(), bytearray()
        self._statements: dict[bytes, str] = {}
        self._done: set[str] = set()
        self._bound: list[Frame] = []
        self._pending: deque[list[Frame]] = deque()
        self._started = False

    def requests(self, data):
        self._asked += data
        while frame := self._next_request():
            yield frame

    def _next_request(self):
        head = 1 if self._started else 0  # the first message has no type
        if len(self._asked) < head + 4:
            return None
        length = head + struct.unpack_from(">i", self._asked, head)[0]
        if len(self._asked) < length:
            return None
        raw = bytes(self._asked[:length])
        del self._asked[:length]
        if not self._started:
            self._started = True
            self._pending.append([])
            return Frame(raw)
        return self._named(raw)

    def _named(self, raw):
        kind, body = raw[:1], raw[5:]
        if kind == b"P":
            name, query = body.split(b"\0", 2)[:2]
            self._statements[name] = _title(query)
            return Frame(raw)
        if kind == b"B":
            statement = self._statements.get(body.split(b"\0", 2)[1], "")
            self._done.add(statement)
            self._bound.append(frame := Frame(raw, statement, frozenset(self._done)))
            return frame
        if kind == b"Q":
            title = _title(body)
            frame = Frame(raw, title, frozenset(self._done))
            self._pending.append([*self._bound, frame])
            self._bound = []
            self._done = set() if title in {"BEGIN", "COMMIT", "ROLLBACK"} else self._done | {title}
            return frame
        if kind == b"S":
            self._pending.append(self._bound)
            self._bound = []
        return Frame(raw)

    def replies(self, data):
        self._answered += data
        while len(self._answered) >= 5:
            length = 1 + struct.unpack_from(">i", self._answered, 1)[0]
            if len(self._answered) < length:
                return
            raw = bytes(self._answered[:length])
            del self._answered[:length]
            ended = self._pending.popleft() if raw[:1] == b"Z" and self._pending else []
            yield from [Reply(b"", frame) for frame in ended]
            yield Reply(raw)


def _title(query):
    text = query.rstrip(b"\0").decode(errors="replace").strip()
    named = re.match(r"-- (\w+)", text)
    return named[1] if named else text.split(None, 1)[0].rstrip(";").upper() if text else ""


KAFKA_NAMES = {
    0: "Produce",
    1: "Fetch",
    3: "Metadata",
    8: "OffsetCommit",
    10: "FindCoordinator",
    11: "JoinGroup",
    12: "Heartbeat",
    60: "DescribeCluster",
}
#: Replies that contain the broker's address.
PLACES = {"Metadata", "FindCoordinator", "DescribeCluster"}


class Kafka:
    """Names requests by their API key and replaces the broker's address by the proxy's."""

    def __init__(self, upstream, port):
        host, real = upstream
        self._real = host.encode() + struct.pack(">i", real)
        self._ours = host.encode() + struct.pack(">i", port)
        self._asked, self._answered = bytearray(), bytearray()
        self._pending: dict[int, Frame] = {}

    def requests(self, data):
        self._asked += data
        for raw in _sized(self._asked):
            key, _, correlation = struct.unpack_from(">hhi", raw, 4)
            self._pending[correlation] = frame = Frame(raw, KAFKA_NAMES.get(key, str(key)))
            yield frame

    def replies(self, data):
        self._answered += data
        for raw in _sized(self._answered):
            frame = self._pending.pop(struct.unpack_from(">i", raw, 4)[0], None)
            if frame is not None and frame.name in PLACES:
                raw = raw.replace(self._real, self._ours)  # noqa: PLW2901  # as long as it was
            yield Reply(b"", frame)
            yield Reply(raw)


def _sized(stream):
    while len(stream) >= 4:
        length = 4 + struct.unpack_from(">i", stream)[0]
        if len(stream) < length:
            return
        yield bytes(stream[:length])
        del stream[:length]


class Http:
    """Names requests by method and path; assumes that a request's head is in one packet."""

    def __init__(self):
        self._pending: deque[Frame] = deque()

    def requests(self, data):
        line = re.match(rb"([A-Z]+ [^ ?]+)[^\r]* HTTP/1", data)
        frame = Frame(data, line[1].decode() if line else "")
        if line:
            self._pending.append(frame)
        yield frame

    def replies(self, data):
        if data.startswith(b"HTTP/1") and self._pending:
            yield Reply(b"", self._pending.popleft())
        yield Reply(data)
