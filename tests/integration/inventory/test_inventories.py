"""Provider stock over HTTP."""

import asyncio

import pytest

from tests.integration.inventory.environment import open_environment, shortages


@pytest.fixture(scope="module")
async def shop(database, kafka_url, tmp_path_factory):
    async with open_environment(database, kafka_url, tmp_path_factory.mktemp("shop")) as shop:
        yield shop


class TestTransactions:
    async def test_transactions_move_total_available_and_allocated(self, shop):
        moves = (("increment", 10), ("allocate", 4), ("deallocate", 1), ("decrement", 2))
        told = [(await shop.move("tea", action, quantity)).json()["data"] for action, quantity in moves]

        assert [(one["type"], one["action"], one["quantity"]) for one in told] == [
            ("stock-transaction", action, quantity) for action, quantity in moves
        ]
        assert await shop.numbers("tea") == (8, 5, 3)
        assert told[0]["product_id"] == "tea"
        assert told[0]["timestamps"]["created_at"] == "2026-03-01T12:00:00Z"

    async def test_transactions_are_paginated_newest_first(self, shop):
        for quantity in (1, 2, 3):
            await shop.move("milk", "increment", quantity)
        path = "/v1/owners/acme/inventories/milk/transactions"

        page = (await shop.ask("GET", f"{path}?limit=2")).json()
        rest = (await shop.ask("GET", f"{path}?cursor={page['next']}")).json()
        alone = (await shop.ask("GET", f"{path}/{page['data'][0]['id']}")).json()
        none = await shop.ask("GET", path.replace("milk", "cream") + f"/{page['data'][0]['id']}")

        assert [one["quantity"] for one in page["data"] + rest["data"]] == [3, 2, 1]
        assert rest["next"] is None
        assert alone["data"] == page["data"][0]
        assert all(sum(one["entries"].values()) == 0 for one in page["data"])
        assert none.status_code == 404

    async def test_provider_path_uses_own_stock(self, shop):
        who = {"role": "provider", "provider_id": "nile"}
        body = {"data": {"type": "stock-transaction", "action": "increment", "quantity": 5}}

        for prefix in ("", "/v1"):
            assert (await shop.ask("POST", f"{prefix}/inventories/rice/transactions", body, **who)).status_code == 201
        mine = await shop.ask("GET", "/inventories/rice", **who)
        all_mine = await shop.ask("GET", "/inventories", **who)

        assert (mine.json()["data"]["owner_id"], mine.json()["data"]["total"]) == ("nile", 10)
        assert [(one["id"], one["total"]) for one in all_mine.json()["data"]] == [("rice", 10)]

    @pytest.mark.parametrize(
        ("who", "status"),
        [
            ({"role": "provider", "provider_id": "nile"}, 404),
            ({"role": "customer", "customer_id": "acme"}, 404),
            ({"role": "service"}, 404),
        ],
    )
    async def test_stock_of_other_owner_is_404(self, shop, who, status):
        answer = await shop.ask("GET", "/v1/owners/acme/inventories/unheard", **who)

        assert answer.status_code == status
        assert answer.json()["code"] == ("unknown_product" if who["role"] == "service" else "not_found")

    async def test_operator_must_name_owner(self, shop):
        assert (await shop.ask("GET", "/inventories/tea")).json()["code"] == "owner_missing"

    async def test_idempotency_key_books_once(self, shop):
        first, again = [await shop.move("salt", "increment", 5, key="k1") for _ in range(2)]
        other = await shop.move("salt", "increment", 6, key="k1")

        assert first.json() == again.json()
        assert other.status_code == 422
        assert (await shop.stock("salt"))["total"] == 5

    @pytest.mark.parametrize(
        "path",
        [
            *(f"/v1/owners/acme/inventories/salt/{what}" for what in ("transactions", "count", "returns")),
            *("/v1/carts", "/v1/carts/any/items", "/v1/carts/any/checkout"),
            *(f"/v1/checkouts/any/{step}" for step in ("pay", "payment", "ship", "cancel")),
            "/v1/customers/ann/stock/salt/count",
        ],
    )
    async def test_post_without_idempotency_key_is_refused(self, shop, path):
        answer = await shop.http.post(path, json={}, headers=shop.desk.headers("operator"))

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")

    @pytest.mark.parametrize("action", ["decrement", "allocate"])
    async def test_transaction_takes_only_available_goods(self, shop, action):
        await shop.move(f"oil-{action}", "increment", 3)
        at = "2026-04-01T08:00:00+02:00"
        await shop.ask("PUT", f"/v1/owners/acme/inventories/oil-{action}/restock", {"expected_at": at, "quantity": 9})

        answer = await shop.move(f"oil-{action}", action, 4)

        assert (answer.status_code, answer.json()["code"]) == (400, "insufficient_stock")
        assert shortages(answer) == [(f"oil-{action}", 4, 3)]
        assert answer.json()["shortages"][0]["restock_at"] == "2026-04-01T06:00:00Z"

    async def test_transaction_does_not_release_checkout_allocation(self, shop):
        await shop.move("soap", "increment", 5)
        await shop.checkout(("soap", 3), reserve=True)
        await shop.move("soap", "allocate", 1)

        answer = await shop.move("soap", "deallocate", 2)

        assert (answer.status_code, answer.json()["code"]) == (400, "not_allocated_by_hand")
        assert shortages(answer) == [("soap", 2, 1)]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"action": "ship"},
            {"quantity": 0},
            {"quantity": -1},
            {"quantity": 1.5},
            {"quantity": "1"},
            {"quantity": 2**53 + 1},
            {"type": "stock"},
            {"colour": "red"},
            {"action": "allocate", "expires_on": "2026-03-02"},
        ],
    )
    async def test_invalid_transaction_is_explained(self, shop, wrong):
        told = {"type": "stock-transaction", "action": "increment", "quantity": 1, **wrong}

        answer = await shop.ask("POST", "/v1/owners/acme/inventories/odd/transactions", {"data": told})

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")

    async def test_too_large_quantity_is_refused(self, shop):
        assert (await shop.move("sand", "increment", 2**53)).status_code == 201
        assert (await shop.move("sand", "increment", 1)).json()["code"] == "too_much"

    async def test_concurrent_transactions_do_not_oversell(self, shop):
        await shop.move("hot", "increment", 10)

        answers = await asyncio.gather(*(shop.move("hot", action, 1) for action in ("allocate", "decrement") * 20))

        assert sorted(answer.status_code for answer in answers) == [201] * 10 + [400] * 30
        assert (await shop.numbers("hot"))[1] == 0
        assert await shop.findings() == {}


class TestInvalidStock:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/v1/customers/a%00b/stock", None),
            ("GET", "/v1/customers/ann/stock/a%00b/transactions", None),
            ("GET", f"/v1/customers/ann/stock/tea/transactions?cursor={10**30}", None),
            (
                "PUT",
                "/v1/owners/acme/inventories/tea/restock",
                {"expected_at": "0001-01-01T00:00:00+14:00", "quantity": 1},
            ),
            ("PUT", "/v1/owners/acme/inventories/tea/restock", {"expected_at": "0001-01-01T00:00:00Z", "quantity": 1}),
            (
                "PUT",
                "/v1/owners/acme/inventories/tea/restock",
                {"expected_at": "9999-12-31T23:59:59-14:00", "quantity": 1},
            ),
        ],
    )
    async def test_refused_with_explanation(self, shop, method, path, body):
        answer = await shop.ask(method, path, body)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


class TestCount:
    async def test_count_sets_total_and_returns_difference(self, shop):
        await shop.move("jam", "increment", 10)
        await shop.move("jam", "allocate", 4)
        path = "/v1/owners/acme/inventories/jam/count"

        less = await shop.ask("POST", path, {"quantity": 7})
        same = await shop.ask("POST", path, {"quantity": 7})
        too_little = await shop.ask("POST", path, {"quantity": 3})

        assert (less.json()["difference"], same.json()["difference"]) == (-3, 0)
        assert await shop.numbers("jam") == (7, 3, 4)
        assert (too_little.status_code, too_little.json()["code"]) == (409, "less_than_allocated")
        log = (await shop.ask("GET", "/v1/owners/acme/inventories/jam/transactions")).json()["data"]
        assert (log[0]["action"], log[0]["entries"]) == ("correct", {"unexplained": 3, "available": -3})


class TestRestock:
    async def test_restock_is_announced_shown_and_withdrawn(self, shop):
        await shop.move("figs", "increment", 1)
        path = "/v1/owners/acme/inventories/figs/restock"

        await shop.ask("PUT", path, {"expected_at": "2026-03-05T00:00:00Z", "quantity": 40})
        announced = (await shop.stock("figs"))["restock_at"]
        gone = await shop.ask("DELETE", path)

        assert (announced, gone.status_code) == ("2026-03-05T00:00:00Z", 204)
        assert (await shop.stock("figs"))["restock_at"] is None
