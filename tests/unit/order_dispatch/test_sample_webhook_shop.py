"""The sample webhook shop: its second parcel, and a line that is cancelled before it leaves."""

import pytest

from deploy.samples.order_lines import parcels_of
from deploy.samples.shop_server import arguments
from deploy.samples.webhook_shop import Shop, change_lines

LINES = [{"line_id": line_id, "quantity": 10, "status": "accepted"} for line_id in ("1", "2")]


@pytest.fixture
def shop(tmp_path):
    command = ["--port", "1", "--provider", "acme", "--log", str(tmp_path / "acme.jsonl"), "--secret", "s"]
    shop = Shop(arguments("").parse_args(command))
    shop.log.write("accepted", "o1", order={"order_id": "o1", "status": "accepted", "lines": LINES})
    yield shop
    shop.log._file.close()


def shipped_lines(callback):
    return [line["line_id"] for line in callback.body["data"]["lines"]]


def test_second_parcel_leaves_once_the_first_is_reported(shop):
    shop.ship("o1", parcels_of("o1", LINES, part_shipments=True))
    first = shop.callbacks.get_nowait()
    assert shop.callbacks.empty()
    first.then()
    second = shop.callbacks.get_nowait()

    assert (shipped_lines(first), shipped_lines(second)) == (["2"], ["1"])
    assert [callback.body["data"]["shipment_id"] for callback in (first, second)] == ["o1-1", "o1-2"]
    assert second.then is None


def test_cancelled_line_does_not_leave(shop):
    shop.ship("o1", parcels_of("o1", LINES, part_shipments=True))
    first = shop.callbacks.get_nowait()
    shop.log.write("cancelled", "o1", order=change_lines(shop.log.orders["o1"], ["1"], status="cancelled"))
    first.then()

    assert shop.callbacks.empty()
    assert [line["status"] for line in shop.log.orders["o1"]["lines"]] == ["cancelled", "shipped"]
