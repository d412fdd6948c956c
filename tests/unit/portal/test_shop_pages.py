"""Pages of hosted shops and of links in mails, for orders with one and several lines."""

import re

import pytest

from services.portal.api.shop_forms import AnswerForm, answer_of
from services.portal.pages import render

TIMES = "\N{MULTIPLICATION SIGN}"
SHOP = {"name": "Corner shop", "active": True, "offers": [], "account": {}, "lead_time_days": 3}


def line(line_id, product_id, **changes):
    usual = {
        "line_id": line_id,
        "product_id": product_id,
        "packs": 2,
        "state": "ordered",
        "shipped": None,
        "quantity": {"quantity": "100", "unit": "C62"},
        "unit_price": {"amount": "5.00", "currency": "EUR"},
        "remaining": None,
        "substitute": None,
        "cancellation": None,
    }
    return usual | changes


def order(*lines, **changes):
    usual = {
        "order_id": "o-1",
        "state": "placed",
        "answer_by": None,
        "cancellation": None,
        "ship_to": None,
        "lines": lines,
        "price": {"amount": "24.90", "currency": "EUR"},
        "fee": {"amount": "2.90", "currency": "EUR"},
    }
    return usual | changes


def two(pods="ordered", tea="ordered", **changes):
    """Order of two lines in these states."""
    return order(line("1", "pods", state=pods), line("2", "tea", state=tea), **changes)


def words_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def shown(order):
    return render("shop_order.html", order=order, csrf="csrf")


def buttons_of(html):
    """Return per form: the step, the line and the button's text."""
    forms = re.findall(r'<form method="post" action="/shop/orders/(\w+)">(.*?)</form>', html, re.DOTALL)
    lines = [re.search(r'name="line_id" value="(\w+)"', form) for _, form in forms]
    return [(step, found and found[1]) for (step, _), found in zip(forms, lines, strict=True)]


class TestOrder:
    def test_shows_each_line_and_the_total(self):
        words = words_of(shown(two("shipped", "refused", state="shipped")))

        assert "2 things Sent" in words
        assert f"2 {TIMES} pods 100 · 5.00 EUR each Sent" in words
        assert f"2 {TIMES} tea 100 · 5.00 EUR each Declined" in words
        assert "Delivery fee 2.90 EUR Total 24.90 EUR" in words

    def test_shows_what_is_to_follow_and_replacements(self):
        part = {"shipped": {"quantity": "40", "unit": "C62"}, "remaining": {"quantity": "60", "unit": "C62"}}
        lines = line("1", "pods", state="shipped", **part), line("2", "tea", substitute="mate")

        html = shown(order(*lines, state="shipped"))

        words = words_of(html)
        assert "2 things Partly sent" in words
        assert ("deliver", "1") not in buttons_of(html)
        assert "40 sent, 60 to follow" in words
        assert "Replacement: mate" in words

    @pytest.mark.parametrize("lines", [(), (line("1", "pods"),)])
    def test_of_one_product_names_it(self, lines):
        """Older responses have no lines."""
        only = order(*lines, packs=2, product_id="pods")

        assert f"<h1>2 {TIMES} pods</h1>" in shown(only)
        assert buttons_of(shown(only)) == [("ship", None), ("refuse", None)]
        shop = render("shop.html", shop=SHOP, orders=[only], stock={}, csrf="csrf")
        assert f"2 {TIMES} pods" in shop
        assert "lines" not in shop

    @pytest.mark.parametrize(
        ("states", "state", "buttons"),
        [
            (
                ("ordered", "ordered"),
                "placing",
                [("refuse", "1"), ("refuse", "2"), ("acknowledge", None), ("ship", None), ("refuse", None)],
            ),
            (
                ("ordered", "refused"),
                "placed",
                [("ship", "1"), ("refuse", "1"), ("ship", None), ("refuse", None)],
            ),
            (("shipped", "ordered"), "shipped", [("deliver", "1"), ("ship", "2"), ("refuse", "2"), ("ship", None)]),
            (("shipped", "delivered"), "shipped", [("deliver", "1"), ("deliver", None)]),
            (("delivered", "refused"), "delivered", []),
        ],
    )
    def test_can_be_answered_as_a_whole_or_by_line(self, states, state, buttons):
        assert buttons_of(shown(two(*states, state=state))) == buttons

    def test_list_shows_lines(self):
        html = render("shop.html", shop=SHOP, orders=[two(), order(line("1", "pods"))], stock={}, csrf="csrf")

        assert words_of(html).count("2 things") == 1
        assert html.count('<li class="line">') == 2


@pytest.mark.parametrize(
    ("line_id", "answer"), [("", {"tracking": None}), ("2", {"tracking": None, "lines": [{"line_id": "2"}]})]
)
def test_answer_names_the_line(line_id, answer):
    assert answer_of(AnswerForm(csrf="csrf", order_id="o-1", line_id=line_id, tracking=" ")) == answer


ABOUT = {
    "shop": "Acme",
    "step": "ordered",
    "price": {"amount": "24.90", "currency": "EUR"},
    "cart_url": None,
    "packs": None,
    "title": None,
    "fee": {"amount": "2.90", "currency": "EUR"},
}


class TestMailLink:
    @staticmethod
    def line(**changes):
        usual = {"title": "Lungo pods", "packs": 2, "state": "ordered", "cart_url": "https://acme.example/pods"}
        return usual | {"price": {"amount": "10.00", "currency": "EUR"}} | changes

    def shown(self, *lines, **changes):
        values = {"token": "token", "title": "Did you place this order?", "button": "Yes", "ship_to": None}
        return render("answer.html", about=ABOUT | {"lines": lines} | changes, message=None, **values)

    def test_shows_each_line_with_its_cart(self):
        html = self.shown(self.line(), self.line(title="Tea", packs=1, cart_url=None, state="cancelled"))

        words = words_of(html)
        assert "2 things from Acme · 24.90 EUR" in words
        assert f"2 {TIMES} Lungo pods 10.00 EUR Open Lungo pods at Acme 1 {TIMES} Tea 10.00 EUR Cancelled" in words
        assert "Includes a delivery fee of 2.90 EUR" in words
        assert html.count('href="https://acme.example/pods"') == 1

    def test_of_one_line_is_as_before(self):
        about = {"packs": 2, "title": "Lungo pods", "cart_url": "https://acme.example/pods"}

        for html in (self.shown(self.line(), **about), self.shown(**about)):
            assert f"2 {TIMES} Lungo pods · 24.90 EUR · Acme" in words_of(html)
            assert html.count('href="https://acme.example/pods"') == 1


@pytest.mark.parametrize("missing", [{}, {"postal_code": ""}, {"postal_code": None}])
def test_address_without_postal_code_has_no_gap(missing):
    ship_to = {"name": "Ann", "line1": "1 Nathan Road", "city": "Tsim Sha Tsui", "country": "HK"} | missing
    about = {"step": "ship", "shop": "Corner", "price": None, "fee": None, "lines": [line("1", "pods", title="Pods")]}

    pages = (
        shown(order(line("1", "pods"), ship_to=ship_to)),
        render("answer.html", about=about, token="t", title="t", button="b", message="m", ship_to=ship_to),
    )

    for html in pages:
        (found,) = re.findall(r"<address>(.*?)</address>", html, re.DOTALL)
        assert found == "Ann<br>1 Nathan Road<br>Tsim Sha Tsui<br>HK<br>"


@pytest.mark.parametrize(("field", "sent"), [("2026-12-05", {"expected_date": "2026-12-05"}), (" ", {}), ("", {})])
def test_shop_may_name_the_day_of_delivery(field, sent):
    form = AnswerForm(csrf="csrf", order_id="o-1", expected_date=field)

    assert answer_of(form) == {"tracking": None} | sent


class TestTestOrder:
    NOTE = "This is a test order: please answer it as usual, but do not charge or ship anything."

    def test_of_a_shop_says_so(self):
        words = words_of(shown(order(line("1", "pods"), test=True)))

        assert self.NOTE in words
        assert f"Test: 2 {TIMES} pods" in words

    def test_in_the_list_says_so(self):
        html = render("shop.html", shop=SHOP, orders=[two(test=True)], stock={}, csrf="csrf")

        assert self.NOTE in words_of(html)
        assert "Test: 2 things" in words_of(html)

    def test_other_orders_do_not_say_so(self):
        assert "test" not in words_of(shown(two())).lower()
