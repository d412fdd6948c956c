"""Cards of orders with several lines, and their HTML."""

import re

import pytest

from services.portal.domain.board import Notice, Offer
from services.portal.domain.orders import LineState, OrderState
from services.portal.pages import render
from tests.unit.portal import builders as a
from tests.unit.portal.builders import NOW

TIMES = "\N{MULTIPLICATION SIGN}"
BEANS = {"product_id": "beans", "unit": "GRM", "quantity": 1000, "packs": 1, "pack_size": 1000, "unit_price": 1200}
OFFERS = {("globex", "pods"): a.OFFER, ("globex", "decaf"): Offer("Decaf pods", 50, 1990, "EUR")}


def pods(**changes):
    return a.line(**{"quantity": 100, "packs": 2, "unit_price": 500} | changes)


def beans(**changes):
    return a.line("2", **BEANS | changes)


def shown(*lines, **order):
    """Return the board of a household with this order of pods and beans."""
    usual = {"price": 2490, "fee": 290}
    return a.board(orders=(a.order(*lines or (pods(), beans()), **usual | order),), offers=OFFERS)


def card_of(*lines, **order):
    board = shown(*lines, **order)
    (card,) = (*board.orders, *board.past)
    return card


def html_of(*lines, **order):
    return render("home.html", board=shown(*lines, **order), csrf="csrf", flash=None)


class TestOrderCard:
    def test_names_number_of_things_and_shop(self):
        card = card_of()

        assert (card.title, card.what, card.shop) == ("2 things from Globex", "24.90 EUR", "Globex")
        assert (card.fee, card.total) == ("2.90 EUR", "24.90 EUR")

    def test_shows_each_line(self):
        first, second = card_of().lines

        assert (first.title, first.amount, first.price) == ("Lungo pods", f"100 (2 {TIMES} 50)", "5.00 EUR each")
        assert (second.title, second.amount, second.price) == ("Beans", "1 kg", "12.00 EUR")

    def test_of_one_line_is_as_before(self):
        card = card_of(a.line(), price=1990, fee=None)

        assert (card.title, card.what, card.fee, card.total) == ("Lungo pods", "50 · 19.90 EUR", "", "")

    def test_total_excludes_cancelled_lines(self):
        assert card_of(pods(), beans(state=LineState.CANCELLED)).total == "12.90 EUR"


class TestLineStates:
    @pytest.mark.parametrize(
        ("order", "line", "text", "tone"),
        [
            ("due", "ordered", "Being prepared", "busy"),
            ("drafted", "ordered", "Being prepared", "busy"),
            ("placed", "ordered", "Ordered", "busy"),
            ("shipped", "ordered", "Not shipped yet", "busy"),
            ("shipped", "shipped", "On its way", "busy"),
            ("placed", "cancelled", "Cancelled", "quiet"),
            ("placed", "refused", "Declined by the shop", "low"),
            ("delivered", "delivered", "Arrived", "good"),
            ("delivered", "short", "Incomplete delivery", "soon"),
            ("delivered", "substituted", "Replacement arrived", "good"),
            ("delivered", "returned", "Returned", "quiet"),
            ("failed", "failed", "Not delivered", "low"),
        ],
    )
    def test_are_shown_in_words(self, order, line, text, tone):
        card = card_of(pods(), beans(state=LineState(line)), state=OrderState(order)).lines[1]

        assert (card.state, card.tone) == (text, tone)

    @pytest.mark.parametrize(
        ("line", "order", "facts"),
        [
            ({"state": LineState.SHIPPED, "shipped": 40}, {}, ("40 of 100 shipped, 60 not shipped yet",)),
            (
                {"state": LineState.SHIPPED, "shipped": 40},
                {"is_all_shipped": True},
                ("40 of 100 shipped, 60 will not be shipped",),
            ),
            ({"state": LineState.SHIPPED, "shipped": 100}, {}, ()),
            ({"state": LineState.SHORT, "delivered": 90}, {}, ("90 of 100 arrived",)),
            (
                {"state": LineState.SUBSTITUTED, "delivered": 100, "substitute": "decaf"},
                {},
                ("Replacement: Decaf pods",),
            ),
            ({"state": LineState.RETURNED, "delivered": 100, "returned": 100}, {}, ("100 returned",)),
            ({"state": LineState.RETURNED, "delivered": 100, "returned": 20}, {}, ("20 of 100 returned",)),
        ],
    )
    def test_explain_quantities_that_differ(self, line, order, facts):
        assert card_of(pods(**line), beans(), state=OrderState.SHIPPED, **order).lines[0].facts == facts

    def test_show_why_a_line_ended(self):
        assert card_of(pods(), beans(state=LineState.REFUSED, reason="sold out")).lines[1].reason == "Sold out."


class TestActions:
    @pytest.mark.parametrize(
        ("order", "line", "cancellable"),
        [
            ("due", "ordered", True),
            ("placed", "ordered", True),
            ("shipped", "ordered", True),
            ("yours", "ordered", False),
            ("shipped", "shipped", False),
            ("placed", "cancelled", False),
        ],
    )
    def test_a_line_can_be_cancelled_until_it_has_left(self, order, line, cancellable):
        card = card_of(pods(), beans(state=LineState(line)), state=OrderState(order))

        assert card.lines[1].cancellable is cancellable

    def test_the_only_line_is_cancelled_with_its_order(self):
        card = card_of(a.line())

        assert (card.cancellable, card.lines[0].cancellable) == (True, False)

    @pytest.mark.parametrize(
        ("line", "received", "returnable"),
        [
            ({"state": LineState.ORDERED}, None, None),
            ({"state": LineState.SHIPPED, "shipped": 500}, "500", None),
            ({"state": LineState.DELIVERED, "delivered": 1000}, "1000", "1000"),
            ({"state": LineState.SHORT, "delivered": 900}, None, "900"),
            ({"state": LineState.SHORT, "delivered": 0}, None, None),
            ({"state": LineState.RETURNED, "delivered": 1000}, None, None),
        ],
    )
    def test_what_arrived_can_be_reported_and_returned(self, line, received, returnable):
        card = card_of(pods(), beans(**line), state=OrderState.SHIPPED).lines[1]

        assert (card.received and card.received.most, card.returnable and card.returnable.most) == (
            received,
            returnable,
        )

    def test_forms_offer_larger_units(self):
        arrived = card_of(pods(state=LineState.DELIVERED, delivered=9), beans(state=LineState.DELIVERED, delivered=9))

        assert [line.returnable.units for line in arrived.lines] == [(), ("g", "kg", "oz", "lb")]


class TestSlotCard:
    def test_counts_open_lines_of_all_orders(self):
        orders = (
            a.order(pods(quantity=50), beans(), order_id="first", state=OrderState.PLACED),
            a.order(beans(product_id="pods", quantity=30, state=LineState.SHIPPED), order_id="second"),
        )

        (card,) = a.board(orders=orders).slots

        assert card.coming == "80 in 2 orders, the first expected Thu 12 Mar"

    @pytest.mark.parametrize(
        ("line", "order", "coming"),
        [
            ({"state": LineState.SHIPPED, "shipped": 40}, {}, "100 ordered, expected Thu 12 Mar"),
            ({"state": LineState.SHIPPED, "shipped": 40}, {"is_all_shipped": True}, "40 ordered, expected Thu 12 Mar"),
            ({"state": LineState.DELIVERED, "delivered": 100}, {}, ""),
            ({"state": LineState.CANCELLED}, {}, ""),
        ],
    )
    def test_expects_only_what_is_still_to_arrive(self, line, order, coming):
        only = a.order(pods(**line), beans(), state=OrderState.SHIPPED, **order)

        assert a.board(orders=(only,)).slots[0].coming == coming


class TestNotices:
    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("order_shipped", "Shipping notice: 2 things from Globex"),
            ("claim_raised", "Incomplete delivery: Lungo pods"),
        ],
    )
    def test_name_the_order_or_the_product(self, kind, text):
        notice = Notice(kind, "email", "pods", NOW, "order-1")

        board = a.board(orders=(a.order(pods(), beans()),), offers=OFFERS, notices=(notice,))

        assert board.notices[0].text == text

    def test_of_one_line_name_its_product(self):
        notice = Notice("order_shipped", "email", "pods", NOW, "order-1")

        assert a.board(orders=(a.order(),), notices=(notice,)).notices[0].text == "Shipping notice: Pods"


class TestHtml:
    ARRIVED = (pods(state=LineState.DELIVERED, delivered=100), beans(state=LineState.SHIPPED, shipped=500))

    def test_names_the_shop_of_several_things_once(self):
        html = re.sub(r"<[^>]+>", " ", html_of())

        assert re.search(r"2 things from Globex\s+24\.90 EUR\s+Ordered", html)

    def test_forms_name_the_line_of_an_order_with_several(self):
        html = html_of(*self.ARRIVED, state=OrderState.SHIPPED)

        assert re.findall(r'name="line_id" value="(.)"', html) == ["1", "1", "2"]
        assert 'name="line_id"' not in html_of(self.ARRIVED[0], state=OrderState.DELIVERED)

    def test_cancels_line_or_order(self):
        html = html_of()

        assert re.findall(r'aria-label="(Cancel [^"]*)"', html) == [
            "Cancel Lungo pods",
            "Cancel Beans",
            "Cancel the order for 2 things from Globex",
        ]

    def test_offers_a_cart_per_line(self):
        several, single = html_of(state=OrderState.YOURS), html_of(a.line(), state=OrderState.YOURS)

        assert re.findall(r'href="(/page/[^"]*cart[^"]*)"', several) == [
            "/page/orders/order-1/cart?line_id=1",
            "/page/orders/order-1/cart?line_id=2",
        ]
        assert re.findall(r'href="(/page/[^"]*cart[^"]*)"', single) == ["/page/orders/order-1/cart"]

    def test_labels_every_field_once(self):
        html = html_of(*self.ARRIVED, state=OrderState.SHIPPED)

        names = re.findall(r'<input id="([^"]+)"', html)
        assert len(names) == len(set(names)) > 3
        assert all(f'<label for="{name}"' in html for name in names)

    def test_escapes_lines(self):
        nasty = "<script>alert(1)</script>\"'&"
        line = pods(
            line_id=nasty, product_id=nasty, substitute=nasty, reason=nasty, state=LineState.DELIVERED, delivered=1
        )

        html = html_of(line, beans(), state=OrderState.DELIVERED)

        assert html.count("<script") == 1
        assert "alert(1)</script>" not in html

    def test_every_form_has_csrf_token(self):
        html = html_of(*self.ARRIVED, state=OrderState.SHIPPED)

        assert html.count("<form") == html.count('name="csrf" value="csrf"') > 6


class TestReasons:
    def test_are_shown_by_line(self):
        sections = [("Lungo pods", ["There were 14."]), ("Beans", ["There were 200 g."])]
        sections = [dict(zip(("title", "sentences"), section, strict=True)) for section in sections]

        html = render("why_page.html", sections=sections, instead="")

        assert html.index("Lungo pods") < html.index("There were 14.") < html.index("Beans") < html.index("200 g")
