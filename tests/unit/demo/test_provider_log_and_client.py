"""Reading of provider logs, and requests when a server closes the connection."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from deploy.demo.diary import Diary, Reading
from deploy.demo.door import Door, NoAnswerError
from deploy.demo.parcels import ProviderLog

NOON = datetime(2021, 1, 5, 12, tzinfo=UTC)


def log(tmp_path, *lines, reports_delivery=True):
    path = tmp_path / "shop.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = ProviderLog(path, reports_delivery)
    read.catch_up()
    return read


def line(op, **update):
    update = {"update_id": f"o1-{op}", "status": op, "expected_at": "2021-01-05T10:00:00+00:00", "quantity": 9} | update
    return {"op": op, "order_id": "o1", "update": update}


READ = {"op": "read", "id": "e1", "order_id": "o1"}


def said(op):
    return {"op": "said", "order_id": "o1", "update_id": f"o1-{op}"}


class TestProviderLog:
    def test_provider_is_busy_until_last_update(self, tmp_path):
        story = [READ, line("accepted"), said("accepted"), line("shipped"), said("shipped")]

        idle = [log(tmp_path, *story[:n], reports_delivery=False).is_idle(NOON) for n in range(6)]

        assert idle == [True, False, False, False, False, True]

    def test_provider_is_busy_when_delivery_is_due(self, tmp_path):
        story = [READ, line("accepted"), said("accepted"), line("shipped"), said("shipped")]

        assert log(tmp_path, *story).is_idle(NOON.replace(hour=9))
        assert not log(tmp_path, *story).is_idle(NOON)
        assert log(tmp_path, *story, line("delivered"), said("delivered")).is_idle(NOON)

    def test_parcel_arrives_once_on_promised_day(self, tmp_path):
        read = log(tmp_path, READ, line("accepted"), line("shipped"))

        assert list(read.arriving(NOON.replace(hour=9))) == []
        assert [(parcel.order_id, parcel.steps) for parcel in read.arriving(NOON)] == [("o1", 9)]
        assert list(read.arriving(NOON)) == []


class TestDiary:
    def test_log_is_read_while_it_is_written(self, tmp_path):
        diary, reading = Diary(tmp_path / "a" / "b.jsonl"), Reading(tmp_path / "a" / "b.jsonl")

        call = diary.invoke(what="report")
        first = reading.new_lines()
        diary.write(op="ok", call=call)
        with (tmp_path / "a" / "b.jsonl").open("ab") as killed:
            killed.write(b'{"op": "cut')

        assert [one["op"] for one in first] == ["invoke"]
        assert [one["op"] for one in reading.new_lines()] == ["ok"]
        diary.close()


@asynccontextmanager
async def server(answer):
    """Answer each request with the next bytes; empty bytes close the connection."""

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


class TestDoor:
    async def test_client_reuses_connection(self):
        async with server(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}") as url:
            door = Door(url)

            answers = [await door.post("/x", b"[]", {"A": "b"}) for _ in range(3)]

            assert answers == [(202, b"{}")] * 3
            assert len(door._idle) == 1
            await door.close()

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 202 Accepted\r\ncontent-length: 20\r\n\r\n{}"])
    async def test_client_reports_missing_answer(self, answer, monkeypatch):
        monkeypatch.setattr("deploy.demo.door.ANSWER_WITHIN_SECONDS", 0.2)
        async with server(answer) as url:
            door = Door(url)

            with pytest.raises(NoAnswerError):
                await door.post("/x", b"[]", {})

            await door.close()
