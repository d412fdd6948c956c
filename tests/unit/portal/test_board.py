"""Cards of the customer's page and their HTML."""

import re
from datetime import UTC, date, datetime

import pytest

from services.portal.domain.board import LinkedSlot, Notice
from services.portal.domain.orders import OrderState
from services.portal.pages import render
from tests.unit.portal import builders as a
from tests.unit.portal.builders import DAY, NOW

PLACE = ("machine", "1")


def only_slot(**known):
    (card,) = a.board(**known).slots
    return card


class TestSlotCard:
    def test_shows_level_and_time_left(self):
        card = only_slot(slots={PLACE: a.slot_view()})

        assert (card.amount, card.capacity, card.percent) == ("30", "60", 50)
        assert (card.lasts, card.run_out, card.used) == ("about 15 days left", "Runs out Wed 25 Mar", "2 a day")

    def test_starts_with_registered_level(self):
        board = a.board(devices=[a.device(a.spec(level=48))])

        assert (board.slots[0].amount, board.slots[0].lasts, board.slots[0].seen) == ("48", "", "")

    @pytest.mark.parametrize(
        ("slots", "tone"),
        [
            (a.slot_view(run_out_at=NOW + 8 * DAY), "good"),
            (a.slot_view(run_out_at=NOW + 7 * DAY), "soon"),
            (a.slot_view(run_out_at=NOW + 3 * DAY), "low"),
            (a.slot_view(run_out_at=NOW - DAY), "low"),
            (a.slot_view(level=0), "empty"),
            (a.slot_view(level=-4), "empty"),
            (a.slot_view(run_out_at=None), "good"),
            (a.slot_view(run_out_at=None, level=18), "soon"),
            (a.slot_view(run_out_at=None, level=9), "low"),
        ],
    )
    def test_tone_depends_on_days_left_or_level(self, slots, tone):
        assert only_slot(slots={PLACE: slots}).tone == tone

    def test_clamps_level(self):
        assert only_slot(slots={PLACE: a.slot_view(level=70)}).percent == 100
        assert only_slot(slots={PLACE: a.slot_view(level=-7)}).amount == "0"

    def test_title_comes_from_chosen_shop(self):
        offers = {("globex", "pods"): a.OFFER, ("acme", "pods"): a.Offer("Acme pods", 40, 900, "EUR")}

        assert only_slot(offers=offers, subscriptions=(a.subscription(),)).title == "Lungo pods"
        assert only_slot().title == "Pods"

    def test_shows_subscription_with_price(self):
        card = only_slot(
            offers={("globex", "pods"): a.OFFER}, subscriptions=(a.subscription(),), providers={"globex": "Globex Ltd"}
        )

        assert card.plan.text == "2 \N{MULTIPLICATION SIGN} 50 from Globex Ltd for 39.80 EUR"
        assert not card.plan.paused

    def test_shows_shelf_and_open_order(self):
        card = only_slot(shelves={"pods": 50}, orders=(a.order(),))

        assert card.shelf == "50 more on the shelf"
        assert card.coming == "50 ordered, expected Thu 12 Mar"

    def test_shows_reason_for_waiting(self):
        assert only_slot(waits={"pods": a.wait()}).wait == "Automatic reordering is paused."

    def test_shows_approval_only_if_awaited(self):
        asking = only_slot(waits={"pods": a.wait(wake_up="approval", order_id="o", reason="awaiting_approval")})

        assert asking.approve_order_id == "o"
        assert only_slot(waits={"pods": a.wait(order_id="o")}).approve_order_id is None


class TestAccountAtShop:
    """What a linked shop reports about a slot."""

    PAUSED = LinkedSlot("globex", subscribed=False, items=(), changed_at=NOW - 2 * DAY)

    def known(self, linked, **more):
        return {"linked": {PLACE: (linked,)}, "subscriptions": (a.subscription(),), **more}

    def test_shows_a_pause_with_shop_and_day(self):
        assert only_slot(**self.known(self.PAUSED)).at_shop == "Paused at Globex since Sun 8 Mar"

    def test_shows_a_pause_once(self):
        wait = a.wait(reason="paused_at_provider", provider_id="globex", since=NOW - 2 * DAY)

        card = only_slot(**self.known(self.PAUSED, waits={"pods": wait}))

        assert card.wait == "Paused at Globex since Sun 8 Mar. You can resume it in your account there."
        assert card.at_shop == ""

    @pytest.mark.parametrize(
        ("reason", "since", "text"),
        [
            (
                "link_ended",
                NOW - DAY,
                "This device has not been linked to your account with Globex since yesterday. Please link it again.",
            ),
            ("not_linked", None, "This device is not linked to your account with Globex yet."),
            ("paused_at_provider", None, "Paused at Globex. You can resume it in your account there."),
        ],
    )
    def test_shows_why_nothing_is_ordered(self, reason, since, text):
        wait = a.wait(reason=reason, provider_id="globex", since=since)

        assert only_slot(waits={"pods": wait}).wait == text

    def test_shows_the_products_that_were_chosen(self):
        linked = LinkedSlot("globex", subscribed=True, items=(("B2", 50), ("B3", None)), changed_at=NOW)

        assert only_slot(**self.known(linked)).at_shop == "Chosen at Globex: B2 (50), B3"

    def test_shows_nothing_of_a_resumed_slot_without_products(self):
        linked = LinkedSlot("globex", subscribed=True, items=(), changed_at=NOW)

        assert only_slot(**self.known(linked)).at_shop == ""

    def test_is_on_the_page(self):
        html = render("board.html", board=a.board(**self.known(self.PAUSED)), csrf="csrf")

        assert '<li class="at-shop">Paused at Globex since Sun 8 Mar</li>' in html


class TestTestOrder:
    NOTE = "This is a test order: nothing is charged and nothing is delivered."

    def html(self, **known):
        return render("board.html", board=a.board(**known), csrf="csrf")

    def test_says_so(self):
        html = self.html(orders=(a.order(is_test=True),))

        assert "<h3>Test: Pods</h3>" in html
        assert self.NOTE in html

    def test_of_the_customers_own_says_what_not_to_do(self):
        html = self.html(orders=(a.order(is_test=True, own=True, state=OrderState.YOURS),))

        assert "Please answer as usual, but do not order or cancel anything at the shop." in html

    def test_brings_no_goods(self):
        assert only_slot(orders=(a.order(is_test=True),)).coming == ""

    def test_is_named_in_messages(self):
        notice = Notice("order_placed", "email", "pods", NOW, "order-1")

        (line,) = a.board(orders=(a.order(is_test=True),), notices=(notice,)).notices

        assert line.text == "Test: Order confirmation: Pods"

    def test_is_named_before_it_is_approved(self):
        wait = a.wait(wake_up="approval", order_id="o", reason="awaiting_approval", test=True)

        assert "This would be a test order" in self.html(waits={"pods": wait})

    def test_other_orders_do_not_say_so(self):
        assert "test" not in self.html(orders=(a.order(),)).lower()


class TestOrderCard:
    def test_shows_progress(self):
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
            ({"slots": {PLACE: a.slot_view()}}, "Everything is taken care of", "calm"),
            ({"slots": {PLACE: a.slot_view(run_out_at=NOW + DAY)}}, "Pods may run out", "worry"),
            (
                {"slots": {PLACE: a.slot_view(run_out_at=NOW + DAY)}, "orders": (a.order(),)},
                "Everything is taken care of",
                "calm",
            ),
            ({"slots": {PLACE: a.slot_view(anomaly="quarantined")}}, "Please check Pods", "ask"),
            ({"waits": {"pods": a.wait(wake_up="approval", order_id="o")}}, "Order more Pods?", "ask"),
        ],
    )
    def test_shows_most_urgent_supply(self, known, headline, mood):
        board = a.board(**known)

        assert (board.headline, board.mood) == (headline, mood)

    def test_without_devices(self):
        board = a.board(devices=[a.device(slots=())])

        assert board.headline == "No devices yet"

    def test_sorts_urgent_slots_first_and_keeps_order(self):
        board = a.board(
            devices=[a.device(*(a.spec(slot=name, level=level) for name, level in (("a", 60), ("b", 5), ("c", 50))))]
        )

        assert [card.slot for card in board.slots] == ["b", "a", "c"]


class TestHtml:
    HOSTILE = "<script>alert(1)</script>\"'&"

    def test_escapes_all_values(self):
        nasty = self.HOSTILE
        board = a.board(
            devices=[a.device(a.spec(slot=nasty, name=nasty, product_id=nasty), model=nasty, device_id=nasty)],
            orders=(a.order(product_id=nasty, order_id=nasty, tracking=(nasty,), reason=nasty, provider_id=nasty),),
            subscriptions=(a.subscription(product_id=nasty, subscription_id=nasty),),
            waits={nasty: a.wait(product_id=nasty, reason=nasty, order_id=nasty, wake_up="approval")},
            notices=(Notice(nasty, nasty, nasty, NOW),),
        )

        html = render("home.html", board=board, csrf=nasty, flash=None)

        assert html.count("<script") == 1
        assert 'src="/static/page.js?v=' in html
        assert "alert(1)</script>" not in html

    def test_has_no_inline_code(self):
        board = a.board(slots={PLACE: a.slot_view()}, orders=(a.order(),), subscriptions=(a.subscription(),))

        html = render("home.html", board=board, csrf="c", flash=None)

        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
        assert not re.search(r"(?:src|href|action)=\"(?!/|#)", html)

    def test_every_form_has_csrf_token(self):
        board = a.board(orders=(a.order(),), subscriptions=(a.subscription(),))

        html = render("home.html", board=board, csrf="the-proof", flash=None)

        assert html.count("<form") == html.count('name="csrf" value="the-proof"') > 3

    def test_labels_every_field(self):
        html = render("home.html", board=a.board(), csrf="c", flash=None)

        for name in re.findall(r'<input id="([^"]+)"', html):
            assert f'<label for="{name}"' in html


class TestPromisedDates:
    DAY = date(2026, 3, 12)

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
    def test_pages_show_the_promised_date(self, zone):
        order = a.order(expected_date=self.DAY, expected_at=datetime(2026, 3, 12, 10, tzinfo=UTC))
        board = a.board(orders=(order,), zone=zone)

        assert board.slots[0].coming == "50 ordered, expected Thu 12 Mar"
        assert board.orders[0].when == "expected Thu 12 Mar"
