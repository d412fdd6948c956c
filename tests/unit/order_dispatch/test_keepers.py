"""Orders that a person is asked about."""

from dataclasses import replace
from datetime import timedelta

import pytest

from replenish_contracts.events import ShipTo
from services.order_dispatch.domain import (
    Ask,
    Cancellation,
    Keeper,
    State,
    Way,
    ask_to_cancel,
    entrust,
    flag,
    hear,
    look,
    proceed,
    put_off,
)
from services.order_dispatch.hosting import (
    ExpiredLinkError,
    InvalidLinkError,
    Link,
    Step,
    is_there,
    read,
    sign,
    why_not,
)
from services.order_dispatch.providers import assisted, hosted
from tests.support import orders as a

HOURS = timedelta(hours=1)
KEY, OTHER = b"k" * 32, b"o" * 32
HOME = ShipTo(name="Ann", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")


def asked(responder=Keeper.SHOP):
    return entrust(a.drafted(), responder, a.PATIENCE, a.NOON).order


def placed(responder):
    return a.heard(asked(responder), a.update("accepted")).order


class TestAPerson:
    def test_is_asked_instead_of_a_program(self):
        turn = proceed(a.drafted(), Way(responder=Keeper.SHOP), a.PATIENCE, a.NOON)

        assert (turn.order.state, turn.asks) == (State.PLACING, (Ask.DELIVER,))
        assert (turn.order.check_at, turn.order.answer_by) == (a.NOON + 24 * HOURS, a.NOON + 48 * HOURS)

    @pytest.mark.parametrize(("responder", "by"), [(Keeper.SHOP, "deadline"), (Keeper.CUSTOMER, "expired")])
    def test_is_reminded_once_and_then_loses_the_order(self, responder, by):
        reminded = look(asked(responder), a.PATIENCE, a.NOON + 24 * HOURS)
        again = look(reminded.order, a.PATIENCE, a.NOON + 30 * HOURS)
        over = look(reminded.order, a.PATIENCE, a.NOON + 48 * HOURS)

        assert (reminded.asks, again.asks, over.asks) == ((Ask.STATUS,), (), ())
        assert reminded.order.check_at == a.NOON + 48 * HOURS
        assert (over.order.state, over.order.check_at) == (State.CANCELLED, None)
        assert [(type(event).__name__, event.by) for event in over.events] == [("OrderCancelled", by)]

    def test_who_says_yes_after_that_is_not_heard(self):
        over = look(asked(), a.PATIENCE, a.NOON + 48 * HOURS).order

        verdict = hear(over, a.update("accepted"), a.ACME, a.PATIENCE, a.NOON + 49 * HOURS)

        assert (verdict.fate, verdict.turn) == ("not_applied", None)
        assert "taken back" in why_not(Step.ACKNOWLEDGE, over)

    def test_never_makes_an_order_unknown(self):
        assert look(asked(), a.PATIENCE, a.NOON + 24 * HOURS).order.state is State.PLACING

    def test_may_need_longer(self):
        order = put_off(asked(), a.PATIENCE, a.NOON + 40 * HOURS).order

        assert order.answer_by == a.NOON + 88 * HOURS
        assert look(order, a.PATIENCE, a.NOON + 48 * HOURS).order.state is State.PLACING

    def test_loses_an_order_that_is_cancelled_or_taken_for_fraud_before_a_yes(self):
        wish = Cancellation("customer", "enough", a.NOON)

        assert ask_to_cancel(asked(), wish).order.state is State.CANCELLED
        assert flag(asked(), "stolen", a.NOON).order.state is State.CANCELLED

    def test_is_asked_to_cancel_after_a_yes_unless_it_is_the_customers_own(self):
        wish = Cancellation("customer", "enough", a.NOON)

        assert ask_to_cancel(placed(Keeper.SHOP), wish).asks == (Ask.CANCEL,)
        assert ask_to_cancel(placed(Keeper.CUSTOMER), wish).order.state is State.CANCELLED
        assert ask_to_cancel(placed(Keeper.CUSTOMER), replace(wish, by="operator")).asks == (Ask.CANCEL,)


class TestAShopThatDoesNotAnswerACancel:
    @pytest.mark.parametrize("by", ["customer", "payment", "fraud"])
    def test_loses_the_order_at_its_deadline(self, by):
        order = placed(Keeper.SHOP)
        wish = Cancellation(by, "enough", a.NOON)
        asked_back = (flag(order, "enough", a.NOON) if by == "fraud" else ask_to_cancel(order, wish)).order

        waits = look(asked_back, a.PATIENCE, a.NOON)
        over = look(waits.order, a.PATIENCE, a.NOON + 48 * HOURS)

        assert (asked_back.check_at, waits.order.check_at) == (a.NOON, a.NOON + 48 * HOURS)
        assert (waits.asks, waits.events) == ((), ())
        assert (over.order.state, over.asks) == (State.CANCELLED, ())
        assert [(event.by, event.reason) for event in over.events] == [(by, "enough")] * len(over.events)
        assert why_not(Step.SHIP, over.order) == "The order is cancelled. Please do not send anything."

    def test_is_heard_until_then(self):
        asked_back = ask_to_cancel(placed(Keeper.SHOP), Cancellation("customer", "enough", a.NOON)).order

        assert a.heard(asked_back, a.update("shipped")).order.state is State.SHIPPED
        assert a.heard(asked_back, a.update("refused")).order.state is State.CANCELLED


class TestGoodsThatNobodyReports:
    def test_arrive_on_their_date(self):
        order = placed(Keeper.CUSTOMER)

        turn = look(order, a.PATIENCE, order.expected_at)

        assert [type(event).__name__ for event in turn.events] == ["OrderShipped", "OrderDelivered"]
        assert [step.to_state for step in turn.steps] == [State.SHIPPED, State.DELIVERED]

    def test_of_a_shop_are_asked_about(self):
        order = placed(Keeper.SHOP)

        assert look(order, a.PATIENCE, order.expected_at).asks == (Ask.STATUS,)


class TestSteps:
    @pytest.mark.parametrize("state", [State.PLACED, State.SHIPPED, State.DELIVERED])
    def test_twice_is_no_mistake(self, state):
        assert is_there(Step.ACKNOWLEDGE, a.order(state))
        assert why_not(Step.ACKNOWLEDGE, a.order(state)) is None

    def test_come_too_late_once_goods_left(self):
        assert why_not(Step.REFUSE, a.order(State.SHIPPED)) == "The order has been sent already."
        assert why_not(Step.NO, a.order(State.DELIVERED)) == "The order has arrived already."


class TestLinks:
    def test_say_what_they_were_made_for(self):
        link = Link("o\n1", Step.SHIP)

        assert read([KEY], sign([KEY], link, 100), 99.9) == link

    def test_outlive_a_change_of_keys(self):
        word = sign([OTHER], Link("o1", Step.SHIP), 100)

        assert read([KEY, OTHER], word, 0) == Link("o1", Step.SHIP)
        with pytest.raises(InvalidLinkError):
            read([KEY], word, 0)

    def test_end(self):
        with pytest.raises(ExpiredLinkError):
            read([KEY], sign([KEY], Link("o1", Step.SHIP), 100), 100)

    def test_of_one_order_or_answer_are_no_others(self):
        one, two = (sign([KEY], Link("o1", step), 100).split(".") for step in (Step.SHIP, Step.REFUSE))

        for word in (f"{one[0]}.{two[1]}", f"{two[0]}.{one[1]}", f"{one[0]}.", f".{one[1]}", "", "ä.b", one[0]):
            with pytest.raises(InvalidLinkError):
                read([KEY], word, 0)

    def test_change_with_every_letter(self):
        word = sign([KEY], Link("o1", Step.SHIP), 100)
        said = word.index(".")

        for place in range(len(word) - 1):  # the last letter of each part carries spare bits
            if place in (said, said - 1):
                continue
            changed = word[:place] + ("A" if word[place] != "A" else "B") + word[place + 1 :]
            with pytest.raises(InvalidLinkError):
                read([KEY], changed, 0)


class TestTerms:
    def terms(self, **changes):
        return hosted.read_terms({"email": "a@b.example"} | changes)

    def shop(self, **changes):
        return replace(a.ACME, protocol="hosted", account={"email": "a@b.example", "currency": "USD"} | changes)

    @pytest.mark.parametrize(
        ("regions", "served"),
        [([], True), (["DE"], True), (["DE-89"], True), (["DE-8907"], True), (["DE-9"], False), (["AT", "CH"], False)],
    )
    def test_say_where_a_shop_delivers(self, regions, served):
        assert hosted.serves(self.terms(regions=regions), HOME) is served

    @pytest.mark.parametrize(
        ("country", "code", "region"), [("PL", "00-950", "PL-0095"), ("GB", "sw1a 1aa", "GB-SW1A1")]
    )
    def test_know_postal_codes_however_they_are_spelled(self, country, code, region):
        home = HOME.model_copy(update={"country": country, "postal_code": code})

        assert hosted.serves(self.terms(regions=[region]), home)

    def test_are_in_a_currency_there_is(self):
        with pytest.raises(ValueError, match="ZZZ is no active ISO 4217 currency"):
            self.terms(currency="ZZZ")

    def test_name_the_minimum_and_the_order(self):
        assert hosted.objection(a.drafted(), self.shop(minimum="9.98"), HOME) is None
        assert hosted.objection(a.drafted(), self.shop(minimum="9.99"), HOME) == (
            "Acme delivers from 9.99 USD, and this order is 9.98"
        )

    def test_name_the_place(self):
        reason = hosted.objection(a.drafted(), self.shop(regions=["FR"]), HOME)

        assert reason == "Acme does not deliver to DE-89073, only to FR"
        assert hosted.objection(a.drafted(), self.shop(regions=["FR"], pick_up=True), HOME) is None

    def test_know_the_next_day(self):
        sunday = a.NOON

        assert hosted.next_day(self.terms(), sunday) == sunday
        assert hosted.next_day(self.terms(days=["sun"]), sunday) == sunday
        assert hosted.next_day(self.terms(days=["tue", "sat"]), sunday) == sunday + a.days(2)


class TestCart:
    def test_is_ascii_whatever_a_product_is_called(self):
        order = replace(a.drafted(), product_id='Käse & "Brot"/{x}?#\n')

        link = assisted.cart_url(order, {"cart_url": "https://s.example/?p={product}&n={packs}&q={quantity}"})

        assert link == "https://s.example/?p=K%C3%A4se%20%26%20%22Brot%22%2F%7Bx%7D%3F%23%0A&n=2&q=40"

    def test_is_a_list_where_the_shop_has_no_name_for_it(self):
        account = {"cart_url": "https://s.example/{product}", "products": {"soap": "1"}}

        assert assisted.cart_url(a.drafted(), account) is None
        assert assisted.cart_url(a.drafted(), {}) is None
