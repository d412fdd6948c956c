"""Orders that a person is asked about."""

from dataclasses import replace
from datetime import timedelta

import pytest

from replenish_contracts.events import ShipTo
from services.order_dispatch.answers.answering import Step, is_done, refusal_of
from services.order_dispatch.answers.links import AnswerLink, ExpiredLinkError, InvalidLinkError, read_link, sign_link
from services.order_dispatch.domain import (
    Cancellation,
    FulfilmentPlan,
    ProviderRequest,
    Responder,
    State,
    cancel,
    check_due_order,
    decide_update,
    extend_deadline,
    flag_fraud,
    next_step,
    submit_to_person,
)
from services.order_dispatch.providers import assisted, hosted
from tests.support import orders as a

HOURS = timedelta(hours=1)
KEY, OTHER = b"k" * 32, b"o" * 32
HOME = ShipTo(name="Ann", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")


def asked(responder=Responder.SHOP):
    return submit_to_person(a.drafted(), responder, a.PATIENCE, a.NOON).order


def placed(responder):
    return a.heard(asked(responder), a.update("accepted")).order


class TestAPerson:
    def test_is_asked_instead_of_a_program(self):
        decision = next_step(a.drafted(), FulfilmentPlan(responder=Responder.SHOP), a.PATIENCE, a.NOON)

        assert (decision.order.state, decision.requests) == (State.PLACING, (ProviderRequest.SUBMIT,))
        assert (decision.order.check_at, decision.order.answer_by) == (a.NOON + 24 * HOURS, a.NOON + 48 * HOURS)

    @pytest.mark.parametrize(("responder", "by"), [(Responder.SHOP, "deadline"), (Responder.CUSTOMER, "expired")])
    def test_is_reminded_once_and_then_loses_the_order(self, responder, by):
        reminded = check_due_order(asked(responder), a.PATIENCE, a.NOON + 24 * HOURS)
        again = check_due_order(reminded.order, a.PATIENCE, a.NOON + 30 * HOURS)
        over = check_due_order(reminded.order, a.PATIENCE, a.NOON + 48 * HOURS)

        assert (reminded.requests, again.requests, over.requests) == ((ProviderRequest.STATUS,), (), ())
        assert reminded.order.check_at == a.NOON + 48 * HOURS
        assert (over.order.state, over.order.check_at) == (State.CANCELLED, None)
        assert [(type(event).__name__, event.by) for event in over.events] == [("OrderCancelled", by)]

    def test_who_says_yes_after_that_is_not_heard(self):
        over = check_due_order(asked(), a.PATIENCE, a.NOON + 48 * HOURS).order

        verdict = decide_update(over, a.update("accepted"), a.ACME, a.PATIENCE, a.NOON + 49 * HOURS)

        assert (verdict.outcome, verdict.decision) == ("not_applied", None)
        assert "was cancelled" in refusal_of(Step.ACKNOWLEDGE, over)

    def test_never_makes_an_order_unknown(self):
        assert check_due_order(asked(), a.PATIENCE, a.NOON + 24 * HOURS).order.state is State.PLACING

    def test_may_need_longer(self):
        order = extend_deadline(asked(), a.PATIENCE, a.NOON + 40 * HOURS).order

        assert order.answer_by == a.NOON + 88 * HOURS
        assert check_due_order(order, a.PATIENCE, a.NOON + 48 * HOURS).order.state is State.PLACING

    def test_loses_an_order_that_is_cancelled_or_taken_for_fraud_before_a_yes(self):
        wish = Cancellation("customer", "enough", a.NOON)

        assert cancel(asked(), wish).order.state is State.CANCELLED
        assert flag_fraud(asked(), "stolen", a.NOON).order.state is State.CANCELLED

    def test_is_asked_to_cancel_after_a_yes_unless_it_is_the_customers_own(self):
        wish = Cancellation("customer", "enough", a.NOON)

        assert cancel(placed(Responder.SHOP), wish).requests == (ProviderRequest.CANCEL,)
        assert cancel(placed(Responder.CUSTOMER), wish).order.state is State.CANCELLED
        assert cancel(placed(Responder.CUSTOMER), replace(wish, by="operator")).requests == (ProviderRequest.CANCEL,)


class TestAShopThatDoesNotAnswerACancel:
    @pytest.mark.parametrize("by", ["customer", "payment", "fraud"])
    def test_loses_the_order_at_its_deadline(self, by):
        order = placed(Responder.SHOP)
        wish = Cancellation(by, "enough", a.NOON)
        asked_back = (flag_fraud(order, "enough", a.NOON) if by == "fraud" else cancel(order, wish)).order

        waits = check_due_order(asked_back, a.PATIENCE, a.NOON)
        over = check_due_order(waits.order, a.PATIENCE, a.NOON + 48 * HOURS)

        assert (asked_back.check_at, waits.order.check_at) == (a.NOON, a.NOON + 48 * HOURS)
        assert (waits.requests, waits.events) == ((), ())
        assert (over.order.state, over.requests) == (State.CANCELLED, ())
        assert [(event.by, event.reason) for event in over.events] == [(by, "enough")] * len(over.events)
        assert refusal_of(Step.SHIP, over.order) == "The order is cancelled. Please do not send anything."

    def test_is_heard_until_then(self):
        asked_back = cancel(placed(Responder.SHOP), Cancellation("customer", "enough", a.NOON)).order

        assert a.heard(asked_back, a.update("shipped")).order.state is State.SHIPPED
        assert a.heard(asked_back, a.update("refused")).order.state is State.CANCELLED


class TestGoodsThatNobodyReports:
    def test_arrive_on_their_date(self):
        order = placed(Responder.CUSTOMER)

        decision = check_due_order(order, a.PATIENCE, order.expected_at)

        assert [type(event).__name__ for event in decision.events] == ["OrderShipped", "OrderDelivered"]
        assert [step.to_state for step in decision.transitions] == [State.SHIPPED, State.DELIVERED]

    def test_of_a_shop_are_asked_about(self):
        order = placed(Responder.SHOP)

        assert check_due_order(order, a.PATIENCE, order.expected_at).requests == (ProviderRequest.STATUS,)


class TestSteps:
    @pytest.mark.parametrize("state", [State.PLACED, State.SHIPPED, State.DELIVERED])
    def test_twice_is_no_mistake(self, state):
        assert is_done(Step.ACKNOWLEDGE, a.order(state))
        assert refusal_of(Step.ACKNOWLEDGE, a.order(state)) is None

    def test_come_too_late_once_goods_left(self):
        assert refusal_of(Step.REFUSE, a.order(State.SHIPPED)) == "The order has already been sent."
        assert refusal_of(Step.NO, a.order(State.DELIVERED)) == "The order has already arrived."


class TestLinks:
    def test_say_what_they_were_made_for(self):
        link = AnswerLink("o\n1", Step.SHIP)

        assert read_link([KEY], sign_link([KEY], link, 100), 99.9) == link

    def test_outlive_a_change_of_keys(self):
        word = sign_link([OTHER], AnswerLink("o1", Step.SHIP), 100)

        assert read_link([KEY, OTHER], word, 0) == AnswerLink("o1", Step.SHIP)
        with pytest.raises(InvalidLinkError):
            read_link([KEY], word, 0)

    def test_end(self):
        with pytest.raises(ExpiredLinkError):
            read_link([KEY], sign_link([KEY], AnswerLink("o1", Step.SHIP), 100), 100)

    def test_of_one_order_or_answer_are_no_others(self):
        one, two = (sign_link([KEY], AnswerLink("o1", step), 100).split(".") for step in (Step.SHIP, Step.REFUSE))

        for word in (f"{one[0]}.{two[1]}", f"{two[0]}.{one[1]}", f"{one[0]}.", f".{one[1]}", "", "ä.b", one[0]):
            with pytest.raises(InvalidLinkError):
                read_link([KEY], word, 0)

    def test_change_with_every_letter(self):
        word = sign_link([KEY], AnswerLink("o1", Step.SHIP), 100)
        said = word.index(".")

        for place in range(len(word) - 1):  # the last letter of each part carries spare bits
            if place in (said, said - 1):
                continue
            changed = word[:place] + ("A" if word[place] != "A" else "B") + word[place + 1 :]
            with pytest.raises(InvalidLinkError):
                read_link([KEY], changed, 0)


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
