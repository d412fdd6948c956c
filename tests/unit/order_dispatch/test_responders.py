"""Orders that a person must accept: deadlines, answer links, terms of shops, carts."""

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


def submitted(responder=Responder.SHOP):
    return submit_to_person(a.drafted(), responder, a.TIMEOUTS, a.NOON).order


def placed(responder):
    return a.apply(submitted(responder), a.update("accepted")).order


class TestResponder:
    def test_next_step_submits_to_responder(self):
        decision = next_step(a.drafted(), FulfilmentPlan(responder=Responder.SHOP), a.TIMEOUTS, a.NOON)

        assert (decision.order.state, decision.requests) == (State.PLACING, (ProviderRequest.SUBMIT,))
        assert (decision.order.check_at, decision.order.answer_by) == (a.NOON + 24 * HOURS, a.NOON + 48 * HOURS)

    @pytest.mark.parametrize(("responder", "by"), [(Responder.SHOP, "deadline"), (Responder.CUSTOMER, "expired")])
    def test_check_due_order_reminds_once_then_withdraws(self, responder, by):
        reminded = check_due_order(submitted(responder), a.TIMEOUTS, a.NOON + 24 * HOURS)
        again = check_due_order(reminded.order, a.TIMEOUTS, a.NOON + 30 * HOURS)
        withdrawn = check_due_order(reminded.order, a.TIMEOUTS, a.NOON + 48 * HOURS)

        assert (reminded.requests, again.requests, withdrawn.requests) == ((ProviderRequest.STATUS,), (), ())
        assert reminded.order.check_at == a.NOON + 48 * HOURS
        assert (withdrawn.order.state, withdrawn.order.check_at) == (State.CANCELLED, None)
        assert [(type(event).__name__, event.by) for event in withdrawn.events] == [("OrderCancelled", by)]

    def test_decide_update_after_deadline_is_not_applied(self):
        withdrawn = check_due_order(submitted(), a.TIMEOUTS, a.NOON + 48 * HOURS).order

        decided = decide_update(withdrawn, a.update("accepted"), a.ACME, a.TIMEOUTS, a.NOON + 49 * HOURS)

        assert (decided.outcome, decided.decision) == ("not_applied", None)
        assert "was cancelled" in refusal_of(Step.ACKNOWLEDGE, withdrawn)

    def test_check_due_order_never_makes_responders_order_unknown(self):
        assert check_due_order(submitted(), a.TIMEOUTS, a.NOON + 24 * HOURS).order.state is State.PLACING

    def test_extend_deadline_postpones_withdrawal(self):
        order = extend_deadline(submitted(), a.TIMEOUTS, a.NOON + 40 * HOURS).order

        assert order.answer_by == a.NOON + 88 * HOURS
        assert check_due_order(order, a.TIMEOUTS, a.NOON + 48 * HOURS).order.state is State.PLACING

    def test_cancel_and_flag_fraud_before_acceptance_take_effect_at_once(self):
        cancellation = Cancellation("customer", "enough", a.NOON)

        assert cancel(submitted(), cancellation).order.state is State.CANCELLED
        assert flag_fraud(submitted(), "stolen", a.NOON).order.state is State.CANCELLED

    def test_cancel_after_acceptance_requests_it_except_own_purchase(self):
        cancellation = Cancellation("customer", "enough", a.NOON)

        assert cancel(placed(Responder.SHOP), cancellation).requests == (ProviderRequest.CANCEL,)
        assert cancel(placed(Responder.CUSTOMER), cancellation).order.state is State.CANCELLED
        assert cancel(placed(Responder.CUSTOMER), replace(cancellation, by="operator")).requests == (
            ProviderRequest.CANCEL,
        )


class TestUnansweredCancelRequest:
    @pytest.mark.parametrize("by", ["customer", "payment", "fraud"])
    def test_check_due_order_withdraws_at_shops_deadline(self, by):
        order = placed(Responder.SHOP)
        cancellation = Cancellation(by, "enough", a.NOON)
        cancelling = (flag_fraud(order, "enough", a.NOON) if by == "fraud" else cancel(order, cancellation)).order

        waiting = check_due_order(cancelling, a.TIMEOUTS, a.NOON)
        withdrawn = check_due_order(waiting.order, a.TIMEOUTS, a.NOON + 48 * HOURS)

        assert (cancelling.check_at, waiting.order.check_at) == (a.NOON, a.NOON + 48 * HOURS)
        assert (waiting.requests, waiting.events) == ((), ())
        assert (withdrawn.order.state, withdrawn.requests) == (State.CANCELLED, ())
        assert [(event.by, event.reason) for event in withdrawn.events] == [(by, "enough")] * len(withdrawn.events)
        assert refusal_of(Step.SHIP, withdrawn.order) == "The order is cancelled. Please do not send anything."

    def test_decide_update_before_deadline_is_applied(self):
        cancelling = cancel(placed(Responder.SHOP), Cancellation("customer", "enough", a.NOON)).order

        assert a.apply(cancelling, a.update("shipped")).order.state is State.SHIPPED
        assert a.apply(cancelling, a.update("refused")).order.state is State.CANCELLED


class TestDeliveryWithoutReport:
    def test_check_due_order_delivers_customers_order_on_its_date(self):
        order = placed(Responder.CUSTOMER)

        decision = check_due_order(order, a.TIMEOUTS, order.expected_at)

        assert [type(event).__name__ for event in decision.events] == ["OrderShipped", "OrderDelivered"]
        assert [step.to_state for step in decision.transitions] == [State.SHIPPED, State.DELIVERED]

    def test_check_due_order_requests_status_of_shops_order(self):
        order = placed(Responder.SHOP)

        assert check_due_order(order, a.TIMEOUTS, order.expected_at).requests == (ProviderRequest.STATUS,)


class TestSteps:
    @pytest.mark.parametrize("state", [State.PLACED, State.SHIPPED, State.DELIVERED])
    def test_step_repeated_is_accepted(self, state):
        assert is_done(Step.ACKNOWLEDGE, a.order(state))
        assert refusal_of(Step.ACKNOWLEDGE, a.order(state)) is None

    def test_step_after_shipping_is_refused(self):
        assert refusal_of(Step.REFUSE, a.order(State.SHIPPED)) == "The order has already been sent."
        assert refusal_of(Step.NO, a.order(State.DELIVERED)) == "The order has already arrived."


class TestAnswerLinks:
    def test_link_contains_what_it_was_signed_for(self):
        link = AnswerLink("o\n1", Step.SHIP)

        assert read_link([KEY], sign_link([KEY], link, 100), 99.9) == link

    def test_link_is_valid_after_key_rotation(self):
        word = sign_link([OTHER], AnswerLink("o1", Step.SHIP), 100)

        assert read_link([KEY, OTHER], word, 0) == AnswerLink("o1", Step.SHIP)
        with pytest.raises(InvalidLinkError):
            read_link([KEY], word, 0)

    def test_link_expires(self):
        with pytest.raises(ExpiredLinkError):
            read_link([KEY], sign_link([KEY], AnswerLink("o1", Step.SHIP), 100), 100)

    def test_link_is_bound_to_order_and_answer(self):
        one, two = (sign_link([KEY], AnswerLink("o1", step), 100).split(".") for step in (Step.SHIP, Step.REFUSE))

        for word in (f"{one[0]}.{two[1]}", f"{two[0]}.{one[1]}", f"{one[0]}.", f".{one[1]}", "", "ä.b", one[0]):
            with pytest.raises(InvalidLinkError):
                read_link([KEY], word, 0)

    def test_link_with_changed_character_is_invalid(self):
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
    def test_terms_serve_regions(self, regions, served):
        assert hosted.serves(self.terms(regions=regions), HOME) is served

    @pytest.mark.parametrize(
        ("country", "code", "region"), [("PL", "00-950", "PL-0095"), ("GB", "sw1a 1aa", "GB-SW1A1")]
    )
    def test_terms_normalise_postal_codes(self, country, code, region):
        home = HOME.model_copy(update={"country": country, "postal_code": code})

        assert hosted.serves(self.terms(regions=[region]), home)

    def test_terms_reject_unknown_currency(self):
        with pytest.raises(ValueError, match="ZZZ is no active ISO 4217 currency"):
            self.terms(currency="ZZZ")

    def test_terms_objection_names_minimum_and_price(self):
        assert hosted.objection(a.drafted(), self.shop(minimum="9.98"), HOME) is None
        assert hosted.objection(a.drafted(), self.shop(minimum="9.99"), HOME) == (
            "Acme has a minimum order of 9.99 USD; this order comes to 9.98"
        )

    def test_terms_objection_names_region(self):
        reason = hosted.objection(a.drafted(), self.shop(regions=["FR"]), HOME)

        assert reason == "Acme does not deliver to DE-89073, only to FR"
        assert hosted.objection(a.drafted(), self.shop(regions=["FR"], pick_up=True), HOME) is None

    def test_terms_next_day(self):
        sunday = a.NOON

        assert hosted.next_day(self.terms(), sunday) == sunday
        assert hosted.next_day(self.terms(days=["sun"]), sunday) == sunday
        assert hosted.next_day(self.terms(days=["tue", "sat"]), sunday) == sunday + a.days(2)


class TestCart:
    def test_cart_url_is_ascii(self):
        line = replace(a.only(a.drafted()), product_id='Käse & "Brot"/{x}?#\n')

        link = assisted.cart_url(line, {"cart_url": "https://s.example/?p={product}&n={packs}&q={quantity}"})

        assert link == "https://s.example/?p=K%C3%A4se%20%26%20%22Brot%22%2F%7Bx%7D%3F%23%0A&n=2&q=40"

    def test_cart_url_is_none_without_product_id(self):
        account = {"cart_url": "https://s.example/{product}", "products": {"soap": "1"}}

        assert assisted.cart_url(a.only(a.drafted()), account) is None
        assert assisted.cart_url(a.only(a.drafted()), {}) is None
