"""Provider logs, the event log, and the HTTP client of the demo."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from deploy.demo.event_log import EventLog, JsonLinesReader
from deploy.demo.http_client import HttpClient, NoResponseError
from deploy.demo.parcels import ProviderLog

NOON = datetime(2021, 1, 5, 12, tzinfo=UTC)


def log(tmp_path, *lines, reports_delivery=True, part_shipments=False):
    path = tmp_path / "shop.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = ProviderLog(path, reports_delivery, part_shipments)
    read.catch_up()
    return read


def line(op, **update):
    update = {"update_id": f"o1-{op}", "status": op, "expected_at": "2021-01-05T10:00:00+00:00", "quantity": 9} | update
    return {"op": op, "order_id": "o1", "update": update}


READ = {"op": "read", "id": "e1", "order_id": "o1"}


def said(op):
    return {"op": "said", "order_id": "o1", "update_id": f"o1-{op}"}


class TestProviderLog:
    def test_is_busy_from_first_read_to_last_update(self, tmp_path):
        story = [READ, line("accepted"), said("accepted"), line("shipped"), said("shipped")]

        idle = [log(tmp_path, *story[:n], reports_delivery=False).is_idle(NOON) for n in range(6)]

        assert idle == [True, False, False, False, False, True]

    def test_who_reports_deliveries_is_busy_once_one_is_due(self, tmp_path):
        story = [READ, line("accepted"), said("accepted"), line("shipped"), said("shipped")]

        assert log(tmp_path, *story).is_idle(NOON.replace(hour=9))
        assert not log(tmp_path, *story).is_idle(NOON)
        assert log(tmp_path, *story, line("delivered"), said("delivered")).is_idle(NOON)

    def test_parcel_arrives_once_at_its_promised_time(self, tmp_path):
        read = log(tmp_path, READ, line("accepted"), line("shipped"))

        assert list(read.arriving(NOON.replace(hour=9))) == []
        assert [(parcel.order_id, parcel.steps) for parcel in read.arriving(NOON)] == [("o1", 9)]
        assert list(read.arriving(NOON)) == []

    def test_order_of_two_lines_leaves_in_two_parcels(self, tmp_path):
        accepted = line("accepted", occurred_at="2021-01-04T20:00:00+00:00", lines=[{"line_id": "1"}, {"line_id": "2"}])
        one, two = (
            line("shipped", update_id=f"o1-shipped-{n}", lines=[{"line_id": n, "quantity": 9 * int(n)}]) for n in "21"
        )
        story = [accepted, said("accepted"), one, said("shipped-2")]
        first = log(tmp_path, READ, *story, reports_delivery=False, part_shipments=True)
        both = log(tmp_path, *story, two, said("shipped-1"), part_shipments=True)

        assert first.is_idle(NOON)
        assert not first.is_idle(NOON.replace(hour=20))
        assert [(parcel.line_id, parcel.steps) for parcel in first.arriving(NOON)] == [("2", 18)]
        assert [parcel.line_id for parcel in both.arriving(NOON)] == ["2", "1"]

    def test_refused_and_cancelled_lines_are_not_waited_for(self, tmp_path):
        accepted = line("accepted", lines=[{"line_id": "1"}, {"line_id": "2", "status": "refused"}])
        cancelled = line("cancelled", lines=[{"line_id": "1"}])
        story = [READ, accepted, said("accepted")]

        assert not log(tmp_path, *story).is_idle(NOON)
        assert log(tmp_path, *story, cancelled, said("cancelled")).is_idle(NOON)


class TestEventLog:
    def test_reader_returns_complete_lines_of_growing_file(self, tmp_path):
        event_log, reader = EventLog(tmp_path / "a" / "b.jsonl"), JsonLinesReader(tmp_path / "a" / "b.jsonl")

        call = event_log.invoke(what="report")
        first = reader.new_lines()
        event_log.write(op="ok", call=call)
        with (tmp_path / "a" / "b.jsonl").open("ab") as killed:
            killed.write(b'{"op": "cut')

        assert [one["op"] for one in first] == ["invoke"]
        assert [one["op"] for one in reader.new_lines()] == ["ok"]
        event_log.close()


@asynccontextmanager
async def server(answer):
    """Answer every request with these bytes; close the connection if there are none."""

    async def serve(reader, writer):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = next(int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.startswith(b"Content-Length"))
            await reader.readexactly(length)
            if not answer:
                break
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


class TestHttpClient:
    async def test_post_reuses_its_connection(self):
        async with server(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}") as url:
            client = HttpClient(url)

            answers = [await client.post("/x", b"[]", {"A": "b"}) for _ in range(3)]

            assert answers == [(202, b"{}")] * 3
            assert len(client._idle) == 1
            await client.close()

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 202 Accepted\r\ncontent-length: 20\r\n\r\n{}"])
    async def test_post_raises_if_there_is_no_response(self, answer, monkeypatch):
        monkeypatch.setattr("deploy.demo.http_client.TIMEOUT_SECONDS", 0.2)
        async with server(answer) as url:
            client = HttpClient(url)

            with pytest.raises(NoResponseError):
                await client.post("/x", b"[]", {})

            await client.close()
