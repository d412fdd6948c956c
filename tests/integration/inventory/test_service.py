"""Customer stock over HTTP."""

import pytest

from tests.support import inventory_events as goods
from tests.support.decision_environment import DEADLINE_SECONDS, of
from tests.support.decision_environment import world as opened
from tests.support.portal_server import until


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    async with opened(database, kafka_url, tmp_path_factory.mktemp("world")) as world:
        yield world


class TestStock:
    async def test_stock_is_shown_by_place_and_as_log(self, world):
        await world.moved_in("nora")
        delivery = {"customer_id": "nora", "order_id": "o-nora", "device_id": "brewer of nora"}
        await world.publish(goods.shipped(**delivery), goods.delivered(**delivery))
        await world.heard("stock", 1, owner_id="nora")
        await world.publish(of("nora", goods.filled(10)))
        await world.heard("stock", 2, owner_id="nora")
        who = {"role": "customer", "customer_id": "nora"}

        (stock,) = (await world.inventory("GET", "/v1/customers/nora/stock", **who)).json()["stock"]
        log = (await world.inventory("GET", "/v1/customers/nora/stock/pods/transactions?limit=2", **who)).json()
        rest = (
            await world.inventory("GET", f"/v1/customers/nora/stock/pods/transactions?cursor={log['next']}", **who)
        ).json()

        assert (stock["total"], stock["available"], stock["allocated"], stock["in_transit"]) == (30, 30, 0, 0)
        assert (stock["loaded"], stock["shelf"]) == (10, {"quantity": "30", "unit": "C62"})
        moves = [(one["action"], one["reason"], one["quantity"]) for one in log["data"] + rest["data"]]
        assert moves == [("decrement", "loaded", 10), ("increment", "delivered", 40), ("ship", "shipped", 40)]
        assert log["data"][0]["type"] == "stock-transaction"
        assert log["data"][0]["timestamps"]["created_at"].startswith("2026-03-")
        assert all(sum(one["entries"].values()) == 0 for one in log["data"] + rest["data"])

    async def test_count_books_difference(self, world):
        await world.moved_in("olga")
        path, who = "/v1/customers/olga/stock/pods/count", {"role": "customer", "customer_id": "olga"}
        await until(lambda: self.is_known(world, "olga"), "the product is known", DEADLINE_SECONDS)

        first = await world.inventory("POST", path, {"quantity": 12, "unit": "pods"}, key="c1", **who)
        again = await world.inventory("POST", path, {"quantity": 12, "unit": "pods"}, key="c1", **who)
        less = await world.inventory("POST", path, {"quantity": "9"}, **who)
        same = await world.inventory("POST", path, {"quantity": "9"}, **who)

        assert (first.status_code, first.json()["difference"]["quantity"]) == (201, "12")
        assert again.json() == first.json()
        assert (less.json()["difference"]["quantity"], same.json()["difference"]["quantity"]) == ("-3", "0")
        said = await world.heard("stock", 2, owner_id="olga")
        assert [one["data"]["shelf"] for one in said] == [12, 9]
        (stock,) = (await world.inventory("GET", "/v1/customers/olga/stock")).json()["stock"]
        assert (stock["total"], stock["unexplained"]) == (9, -9)
        armed = await world.heard("reorders", 4, customer_id="olga")
        assert [one["data"]["shelf_and_on_order"] for one in armed[1:]] == [0, 12, 9]

    @staticmethod
    async def is_known(world, customer_id):
        answer = await world.inventory("POST", f"/v1/customers/{customer_id}/stock/pods/count", {"quantity": "?"})
        return answer.status_code == 422

    async def test_invalid_count_is_refused_with_remedy(self, world):
        await world.moved_in("paul")
        await until(lambda: self.is_known(world, "paul"), "the product is known", DEADLINE_SECONDS)

        wrong = await world.inventory("POST", "/v1/customers/paul/stock/pods/count", {"quantity": 1, "unit": "kg"})
        absurd = await world.inventory("POST", "/v1/customers/paul/stock/pods/count", {"quantity": 2**53})
        unknown = await world.inventory("POST", "/v1/customers/paul/stock/tea/count", {"quantity": 1})
        foreign = await world.inventory(
            "POST", "/v1/customers/paul/stock/pods/count", {"quantity": 1}, role="customer", customer_id="bob"
        )

        assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_dimension")
        assert wrong.json()["errors"][0]["remedy"]
        assert (absurd.status_code, absurd.json()["code"]) == (422, "out_of_range")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_product")
        assert foreign.status_code == 404
