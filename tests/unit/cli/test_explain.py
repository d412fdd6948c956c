"""`replenish explain`: receipts, lines, shipments and money of an order."""

import json

import httpx
import pytest
import typer
from typer.testing import CliRunner

from deploy.cli.commands import explain
from deploy.cli.refusals import message_of
from deploy.local.errors import StackError

EUR = "EUR"


def receipt(receipt_id, pool_id, sentence, earlier=(), **more):
    return {
        "receipt_id": receipt_id,
        "order_id": "order-1",
        "pool_id": pool_id,
        "epoch": 3,
        "outcome": "order",
        "reason": "low",
        "decided_at": "2026-03-01T09:00:00+00:00",
        "words": [sentence],
        "figures": {"threshold": 14.0},
        "inputs": {"rule": "days", "why": "crossed", "subscription": None, "slots": [], "shelf_event": None}
        | {"offer": None, "cause": "event-1"},
        "decision_sha256": "0" * 64,
        "earlier": list(earlier),
    } | more


PROPOSAL = receipt("proposal-pods", "ann/pods", "The pods were proposed.")
PODS = receipt("receipt-pods", "ann/pods", "There were 14 pods.", earlier=[PROPOSAL])
BEANS = receipt("receipt-beans", "ann/beans", "There were 200 g of beans.")


def pieces(number):
    return {"quantity": str(number), "unit": "C62"}


def money(amount):
    return {"amount": amount, "currency": EUR}


def line(line_id, product_id, **changes):
    usual = {
        "line_id": line_id,
        "product_id": product_id,
        "device_id": "machine",
        "slot": line_id,
        "packs": 2,
        "pack_size": pieces(50),
        "quantity": pieces(100),
        "unit_price": money("5.00"),
        "state": "ordered",
        "receipt_id": f"receipt-{product_id}",
        "shipped": None,
        "remaining": None,
        "counted": None,
        "returned": None,
        "substitute": None,
        "delivered_at": None,
        "evidence": None,
        "cancellation": None,
        "refunded": None,
    }
    return usual | changes


def order(*lines, **changes):
    usual = {"order_id": "order-1", "provider_id": "acme", "state": "shipped", "lines": lines, "shipments": []}
    return usual | {"price": money("24.90"), "fee": money("2.90")} | changes


PAYMENT = {
    "service": "sandbox",
    "state": "captured",
    "authorized": money("24.90"),
    "captured": money("12.90"),
    "refunded": money("0.00"),
}


class Services:
    """Answers of reorder_decision and order_dispatch by path; all others are 404."""

    def __init__(self):
        self.answers = {}
        self.paths = []

    def get(self, url, **_):
        self.paths.append(url)
        request = httpx.Request("GET", url)
        if url in self.answers:
            return httpx.Response(200, json=self.answers[url], request=request)
        return httpx.Response(404, json={"title": "There is no receipt for this order"}, request=request)


@pytest.fixture
def services(monkeypatch):
    services = Services()
    services.answers["http://decision/v1/orders/order-1/receipt"] = PODS | {"other_lines": [BEANS]}
    monkeypatch.setattr(httpx, "get", services.get)
    return services


def explained(*options, tmp_path, order_id="order-1"):
    app = typer.Typer()
    explain.register(app)
    known = ["--url", "http://decision", "--token", "token", "--home", str(tmp_path)]
    done = CliRunner().invoke(app, [order_id, *known, *options])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return [text.rstrip() for text in done.output.splitlines()]


WITH_ORDERS = ("--orders-url", "http://orders")


class TestRefusal:
    """A refusal of the API is shown with problem and remedy."""

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (
                {
                    "title": "This token does not permit the request",
                    "errors": [
                        {
                            "code": "forbidden",
                            "field": "header.authorization",
                            "problem": "the token has the role customer; the role operator is required",
                            "remedy": "send the request with a token of the role operator",
                        }
                    ],
                },
                (
                    "This token does not permit the request\n"
                    "  header.authorization: the token has the role customer; the role operator is required; "
                    "send the request with a token of the role operator"
                ),
            ),
            (
                {"title": "Try again shortly", "errors": [{"field": None, "problem": "busy", "remedy": "wait"}]},
                "Try again shortly\n  busy; wait",
            ),
            ({"title": "Gone"}, "Gone"),
            ([], "http://x answered 403"),
        ],
        ids=["field", "no field", "title only", "no problem document"],
    )
    def test_message(self, body, message):
        assert message_of(403, "http://x", json.dumps(body)) == message

    def test_of_an_unknown_order_is_shown(self, services, tmp_path):
        with pytest.raises(StackError, match="There is no receipt for this order"):
            explained(order_id="nonsense", tmp_path=tmp_path)


class TestTestOrder:
    def test_is_named(self, services, tmp_path):
        services.answers["http://orders/v1/orders/order-1"] = order(line("1", "pods"), test=True)

        shown = explained(*WITH_ORDERS, tmp_path=tmp_path)

        assert "  test order: nothing is charged and nothing is delivered" in shown


class TestSlotAtProvider:
    @pytest.mark.parametrize(
        ("link", "text"),
        [
            ({"subscribed": False}, "paused since 2026-02-27"),
            ({"subscribed": True, "items": ["B1", "B2"]}, "subscribed to B1, B2 since 2026-02-27"),
            ({"subscribed": None}, "linked since 2026-02-01"),
            ({"active": False}, "not linked since 2026-02-01"),
        ],
        ids=["paused", "subscribed", "not reported", "ended"],
    )
    def test_is_shown_with_the_inputs(self, link, text, services, tmp_path):
        usual = {"provider_id": "amazon", "active": True, "changed_at": "2026-02-01", "items": []}
        known = usual | {"subscribed_at": "2026-02-27"} | link
        slot = {"device_id": "brewer", "slot": "1", "level": 6, "uncertainty": 0.5, "level_at": "2026-03-01"}
        slot |= {"level_event": "event-1", "links": [known]}
        inputs = PODS["inputs"] | {"slots": [slot]}
        services.answers["http://decision/v1/orders/order-1/receipt"] = PODS | {"inputs": inputs}

        shown = " ".join(" ".join(explained(tmp_path=tmp_path)).split())

        assert f"slot brewer/1 at amazon {text}" in shown


class TestSeveralLines:
    @pytest.fixture
    def shown(self, services, tmp_path):
        pods = line("1", "pods", state="shipped", shipped=pieces(40), remaining=pieces(60))
        beans = line(
            *("2", "beans"),
            state="delivered",
            shipped=pieces(100),
            returned=pieces(20),
            substitute="decaf",
            delivered_at="2026-03-04",
            evidence="reported",
            refunded=money("2.00"),
            unit_price=None,
        )
        tea = line("3", "tea", state="cancelled", cancellation={"by": "customer", "reason": ""})
        parts = [pieces(40) | {"line_id": "1"}, pieces(100) | {"line_id": "2"}]
        parcel = {"shipment_id": "parcel-1", "tracking": "AC-1", "arrived": True, "lines": parts}
        services.answers |= {
            "http://orders/v1/orders/order-1": order(pods, beans, tea, shipments=[parcel]),
            "http://orders/v1/orders/order-1/payment": PAYMENT,
        }
        return explained(*WITH_ORDERS, tmp_path=tmp_path)

    def test_are_explained_by_their_own_receipts(self, shown):
        about = [text.strip() for text in shown]

        parts = (
            *("order order-1 from acme: shipped", "line 1: 2 x 50 of pods at 5.00 EUR each for machine/1: shipped"),
            *("There were 14 pods.", "The pods were proposed."),
            *("line 2: 2 x 50 of beans for machine/2: delivered", "There were 200 g of beans."),
            *("line 3: 2 x 50 of tea at 5.00 EUR each for machine/3: cancelled",),
            "receipt receipt-tea was not found",
        )
        places = [about.index(part) for part in parts]
        assert places == sorted(places)
        assert about.count("There were 14 pods.") == 1

    def test_show_what_became_of_them(self, shown):
        about = [text.strip() for text in shown]

        assert "ordered 100, shipped 40, to follow 60" in about
        assert "ordered 100, shipped 100, returned 20" in about
        assert "replaced with decaf" in about
        assert "delivered on 2026-03-04 (reported)" in about
        assert "cancellation requested by customer: no reason given" in about

    def test_show_shipments_and_money(self, shown):
        assert [text.strip() for text in shown[-4:]] == [
            "shipment parcel-1: 40 of line 1, 100 of line 2, tracking AC-1, arrived",
            "price 24.90 EUR, of which 2.90 EUR is the delivery fee",
            "refunds requested: 2.00 EUR for line 2",
            "payment by sandbox: captured; authorized 24.90 EUR, captured 12.90 EUR, refunded 0.00 EUR",
        ]


class TestOneLine:
    def test_starts_with_its_receipts(self, services, tmp_path):
        services.answers["http://decision/v1/orders/order-1/receipt"] = PODS
        without_order = explained(tmp_path=tmp_path)
        services.answers["http://orders/v1/orders/order-1"] = order(line("1", "pods"), fee=None)

        shown = explained(*WITH_ORDERS, tmp_path=tmp_path)

        assert shown[: len(without_order)] == without_order
        assert [text.strip() for text in shown[len(without_order) :]] == [
            "order order-1 from acme: shipped",
            "line 1: 2 x 50 of pods at 5.00 EUR each for machine/1: ordered",
            "ordered 100",
            "price 24.90 EUR",
        ]

    def test_of_an_order_without_lines_shows_receipts_only(self, services, tmp_path):
        old = order()
        del old["lines"]
        services.answers["http://orders/v1/orders/order-1"] = old

        assert explained(*WITH_ORDERS, tmp_path=tmp_path) == explained(tmp_path=tmp_path)


class TestWithoutOrder:
    def test_shows_receipts_of_all_lines(self, services, tmp_path):
        """A proposal has no order yet."""
        shown = [text.strip() for text in explained(*WITH_ORDERS, tmp_path=tmp_path)]

        assert all(sentence in shown for sentence in (*PODS["words"], *PROPOSAL["words"], *BEANS["words"]))
        assert not any(text.startswith("line ") for text in shown)

    def test_asks_no_other_stack_if_an_address_is_given(self, services, tmp_path):
        explained(tmp_path=tmp_path)

        assert services.paths == ["http://decision/v1/orders/order-1/receipt"]

    def test_without_receipt_is_an_error(self, services, tmp_path):
        with pytest.raises(StackError, match="There is no receipt for this order"):
            explained(tmp_path=tmp_path, order_id="unknown")


@pytest.mark.parametrize(
    ("promise", "shown"),
    [
        ({"expected_at": "2026-12-06T07:59:59Z", "expected_date": "2026-12-05"}, "  expected on 2026-12-05"),
        ({"expected_at": "2026-12-06T07:59:59Z", "expected_date": None}, "  expected at 2026-12-06T07:59:59Z"),
        ({"expected_at": None, "expected_date": None}, None),
    ],
)
def test_line_shows_when_it_is_expected(promise, shown):
    texts = list(explain.describe_line(line("1", "pods", **promise)))

    assert [text for text in texts if "expected" in text] == ([shown] if shown else [])


def test_line_shows_that_its_quantity_is_unclear():
    assert any("unclear quantity" in text for text in explain.describe_line(line("1", "pods", unclear=True)))


def test_explanation_shows_what_the_provider_reported(services, tmp_path):
    note = {"field": "quantity", "value": "many", "reason": "not a whole number"}
    update = {"update_id": "u1", "status": "shipped", "word": None, "outcome": "applied", "reason": "", "asks": True}
    unclear = {"update_id": "u2", "status": "unclear", "word": "backordered", "outcome": "unclear", "asks": True}
    step = {"occurred_at": "2026-03-01T12:00:00Z", "to_state": "unknown", "because": "the body is empty"}
    services.answers["http://orders/v1/orders/order-1"] = order(
        line("1", "pods"),
        history=[step],
        updates=[update | {"notes": [note]}, unclear | {"reason": "acme reported the word", "notes": []}],
    )

    shown = explained(*WITH_ORDERS, tmp_path=tmp_path)

    assert "  2026-03-01T12:00:00Z unknown: the body is empty" in shown
    assert "  update u1: shipped, applied; an operator must read it" in shown
    assert "    quantity 'many' is not used: not a whole number" in shown
    assert "  update u2: unclear (backordered), unclear: acme reported the word; an operator must read it" in shown
