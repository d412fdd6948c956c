import re

import pytest

from services.portal.domain.board import Notice, OrderState
from services.portal.pages import render
from tests.unit.portal import a
from tests.unit.portal.a import DAY, NOW

PLACE = ("machine", "1")


def only_slot(**known):
    (card,) = a.board(**known).slots
    return card


class TestSlotCard:
    def test_says_what_is_there_and_how_long_it_lasts(self):
        card = only_slot(told={PLACE: a.told()})

        assert (card.amount, card.capacity, card.percent) == ("30", "60", 50)
        assert (card.lasts, card.run_out, card.used) == ("about 15 days left", "Runs out Wed 25 Mar", "2 a day")

    def test_begins_with_what_the_device_was_registered_with(self):
        board = a.board(devices=[a.device(a.spec(level=48))])

        assert (board.slots[0].amount, board.slots[0].lasts, board.slots[0].seen) == ("48", "", "")

    @pytest.mark.parametrize(
        ("told", "tone"),
        [
            (a.told(run_out_at=NOW + 8 * DAY), "good"),
            (a.told(run_out_at=NOW + 7 * DAY), "soon"),
            (a.told(run_out_at=NOW + 3 * DAY), "low"),
            (a.told(run_out_at=NOW - DAY), "low"),
            (a.told(level=0), "empty"),
            (a.told(level=-4), "empty"),
            (a.told(run_out_at=None), "good"),
            (a.told(run_out_at=None, level=18), "soon"),
            (a.told(run_out_at=None, level=9), "low"),
        ],
    )
    def test_is_coloured_by_the_days_left_or_else_by_the_level(self, told, tone):
        assert only_slot(told={PLACE: told}).tone == tone

    def test_never_shows_more_than_full_or_less_than_nothing(self):
        assert only_slot(told={PLACE: a.told(level=70)}).percent == 100
        assert only_slot(told={PLACE: a.told(level=-7)}).amount == "0"

    def test_is_called_what_its_shop_calls_it(self):
        offers = {("globex", "pods"): a.OFFER, ("acme", "pods"): a.Offer("Acme pods", 40, 900, "EUR")}

        assert only_slot(offers=offers, subscriptions=(a.subscription(),)).title == "Lungo pods"
        assert only_slot().title == "Pods"

    def test_says_what_is_reordered_and_for_how_much(self):
        card = only_slot(
            offers={("globex", "pods"): a.OFFER}, subscriptions=(a.subscription(),), providers={"globex": "Globex Ltd"}
        )

        assert card.plan.text == "2 \N{MULTIPLICATION SIGN} 50 from Globex Ltd for 39.80 EUR"
        assert not card.plan.paused

    def test_says_what_is_on_the_shelf_and_what_is_coming(self):
        card = only_slot(shelves={"pods": 50}, orders=(a.order(),))

        assert card.shelf == "50 more on the shelf"
        assert card.coming == "50 ordered, expected Thu 12 Mar"

    def test_says_why_nothing_is_ordered(self):
        assert only_slot(waits={"pods": a.wait()}).wait == "Automatic reordering is paused."

    def test_asks_for_approval_only_where_somebody_waits_for_it(self):
        asking = only_slot(waits={"pods": a.wait(wake_up="approval", order_id="o", reason="awaiting_approval")})

        assert asking.approve_order_id == "o"
        assert only_slot(waits={"pods": a.wait(order_id="o")}).approve_order_id is None


class TestOrderCard:
    def test_shows_how_far_it_is(self):
        (card,) = a.board(orders=(a.order(state=OrderState.SHIPPED),)).orders

        assert [(stop.name, stop.mark) for stop in card.road] == [
            ("Preparing", "done"),
            ("Ordered", "done"),
            ("Shipped", "here"),
            ("Arrived", "ahead"),
        ]
        assert (card.what, card.when, card.cancellable) == ("50 · 19.90 EUR", "expected Thu 12 Mar", False)

    @pytest.mark.parametrize("state", ["due", "drafted", "placed", "unknown"])
    def test_can_be_cancelled_until_it_is_shipped(self, state):
        (card,) = a.board(orders=(a.order(state=OrderState(state)),)).orders

        assert card.cancellable

    @pytest.mark.parametrize("state", ["delivered", "refused", "cancelled", "failed"])
    def test_is_past_once_it_has_ended(self, state):
        board = a.board(orders=(a.order(state=OrderState(state), reason="sold out"),))

        assert not board.orders
        assert (board.past[0].road, board.past[0].reason) == ((), "Sold out.")


class TestHeadline:
    @pytest.mark.parametrize(
        ("known", "headline", "mood"),
        [
            ({"told": {PLACE: a.told()}}, "Everything is taken care of", "calm"),
            ({"told": {PLACE: a.told(run_out_at=NOW + DAY)}}, "Pods may run out", "worry"),
            (
                {"told": {PLACE: a.told(run_out_at=NOW + DAY)}, "orders": (a.order(),)},
                "Everything is taken care of",
                "calm",
            ),
            ({"told": {PLACE: a.told(doubted="quarantined")}}, "Please check Pods", "ask"),
            ({"waits": {"pods": a.wait(wake_up="approval", order_id="o")}}, "Order more Pods?", "ask"),
        ],
    )
    def test_names_what_matters_most(self, known, headline, mood):
        board = a.board(**known)

        assert (board.headline, board.mood) == (headline, mood)

    def test_of_an_empty_household_says_what_to_expect(self):
        board = a.board(devices=[a.device(slots=())])

        assert board.headline == "No devices yet"

    def test_puts_what_is_urgent_first_and_leaves_the_rest_in_place(self):
        board = a.board(
            devices=[a.device(*(a.spec(slot=name, level=level) for name, level in (("a", 60), ("b", 5), ("c", 50))))]
        )

        assert [card.slot for card in board.slots] == ["b", "a", "c"]


class TestHtml:
    HOSTILE = "<script>alert(1)</script>\"'&"

    def test_escapes_whatever_anybody_wrote(self):
        nasty = self.HOSTILE
        board = a.board(
            devices=[a.device(a.spec(slot=nasty, name=nasty, product_id=nasty), model=nasty, device_id=nasty)],
            orders=(a.order(product_id=nasty, order_id=nasty, tracking=nasty, reason=nasty, provider_id=nasty),),
            subscriptions=(a.subscription(product_id=nasty, subscription_id=nasty),),
            waits={nasty: a.wait(product_id=nasty, reason=nasty, order_id=nasty, wake_up="approval")},
            notices=(Notice(nasty, nasty, nasty, NOW),),
        )

        html = render("home.html", board=board, csrf=nasty, flash=None)

        assert html.count("<script") == 1
        assert 'src="/static/page.js?v=' in html
        assert "alert(1)</script>" not in html

    def test_has_nothing_inline_that_the_policy_forbids(self):
        board = a.board(told={PLACE: a.told()}, orders=(a.order(),), subscriptions=(a.subscription(),))

        html = render("home.html", board=board, csrf="c", flash=None)

        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
        assert not re.search(r"(?:src|href|action)=\"(?!/|#)", html)

    def test_gives_every_form_its_proof(self):
        board = a.board(orders=(a.order(),), subscriptions=(a.subscription(),))

        html = render("home.html", board=board, csrf="the-proof", flash=None)

        assert html.count("<form") == html.count('name="csrf" value="the-proof"') > 3

    def test_labels_every_field(self):
        html = render("home.html", board=a.board(), csrf="c", flash=None)

        for name in re.findall(r'<input id="([^"]+)"', html):
            assert f'<label for="{name}"' in html
