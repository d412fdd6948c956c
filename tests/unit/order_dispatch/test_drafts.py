"""From an approval to a drafted order."""

import pytest

from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain import DeviceStatus, Provider, ProviderRequest, State, draft, price_of, submit
from tests.support import orders as a


def names(decision):
    return [type(event).__name__ for event in decision.events]


class TestDraft:
    def test_says_what_is_ordered_and_what_it_costs(self):
        decision = a.draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON)

        assert decision.order.state is State.DRAFTED
        (said,) = decision.events
        assert (said.packs, said.quantity, said.price, said.currency) == (2, 40, 998, "USD")

    def test_asks_nobody_yet(self):
        assert draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON).requests == ()

    def test_goes_to_the_slot_that_took_over(self):
        decision = draft(a.approved(), a.slot(device_id="new", slot="2"), a.ACME, a.offer(), a.NOON)

        assert (decision.order.device_id, decision.order.slot) == ("new", "2")

    @pytest.mark.parametrize(
        ("provider", "reason"),
        [(None, "there is no provider acme"), (Provider("acme", "Acme", "kafka", active=False), "Acme is not active")],
    )
    def test_fails_at_once_where_nobody_can_be_asked(self, provider, reason):
        decision = draft(a.approved(), a.slot(), provider, None, a.NOON)

        assert names(decision) == ["OrderDrafted", "OrderFailed"]
        assert decision.order.state is State.FAILED
        assert decision.events[1].reason == reason

    @pytest.mark.parametrize("gone", [{"device": DeviceStatus.LEFT}, {"customer_id": "bob"}])
    def test_is_cancelled_at_once_where_the_device_left(self, gone):
        decision = draft(a.approved(), a.slot(**gone), a.ACME, a.offer(), a.NOON)

        assert names(decision) == ["OrderDrafted", "OrderCancelled"]
        assert [step.to_state for step in decision.transitions] == [State.DRAFTED, State.CANCELLED]


class TestPriceOf:
    def test_counts_packs_of_the_offered_size(self):
        assert price_of(3, 20, a.slot(), a.offer()) == 3 * 499

    def test_sees_that_1000_grams_are_1000000_steps_of_a_milligram(self):
        slot, offer = a.slot(unit=BaseUnit.GRAM, scale=3), a.offer(unit=BaseUnit.GRAM, pack_size=1000)

        assert price_of(1, 1_000_000, slot, offer) == 499

    @pytest.mark.parametrize("other", [{"pack_size": 21}, {"unit": BaseUnit.GRAM}, {"scale": 1}])
    def test_does_not_guess_for_another_pack(self, other):
        assert price_of(1, 20, a.slot(), a.offer(**other)) is None

    def test_names_no_sum_that_no_reader_can_hold(self):
        assert price_of(2, 20, a.slot(), a.offer(price=2**53)) is None
        assert draft(a.approved(), a.slot(), a.ACME, a.offer(price=2**53), a.NOON).order.price is None


class TestSent:
    def test_asks_the_provider_once_and_waits_for_its_answer(self):
        decision = submit(a.drafted(), a.PATIENCE, a.NOON)

        assert decision.order.state is State.PLACING
        assert decision.requests == (ProviderRequest.SUBMIT,)
        assert decision.order.check_at == a.NOON + a.days(1)
