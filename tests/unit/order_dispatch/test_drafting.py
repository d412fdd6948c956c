"""Drafted orders and their prices."""

import pytest

from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain import DeviceStatus, Provider, ProviderRequest, State, price_of, submit
from tests.support import orders as a


def names(decision):
    return [type(event).__name__ for event in decision.events]


class TestDraft:
    def test_draft_publishes_quantity_and_price(self):
        decision = a.draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON)

        assert decision.order.state is State.DRAFTED
        (event,) = decision.events
        assert (event.packs, event.quantity, event.price, event.currency) == (2, 40, 998, "USD")

    def test_draft_requests_nothing(self):
        assert a.draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON).requests == ()

    def test_draft_uses_slot_of_replacement_device(self):
        decision = a.draft(a.approved(), a.slot(device_id="new", slot="2"), a.ACME, a.offer(), a.NOON)

        assert (a.only(decision.order).device_id, a.only(decision.order).slot) == ("new", "2")

    @pytest.mark.parametrize(
        ("provider", "reason"),
        [(None, "there is no provider acme"), (Provider("acme", "Acme", "kafka", active=False), "Acme is not active")],
    )
    def test_draft_fails_if_provider_is_missing_or_inactive(self, provider, reason):
        decision = a.draft(a.approved(), a.slot(), provider, None, a.NOON)

        assert names(decision) == ["OrderDrafted", "OrderFailed"]
        assert decision.order.state is State.FAILED
        assert decision.events[1].reason == reason

    @pytest.mark.parametrize("changes", [{"device": DeviceStatus.LEFT}, {"customer_id": "bob"}])
    def test_draft_is_cancelled_if_device_left(self, changes):
        decision = a.draft(a.approved(), a.slot(**changes), a.ACME, a.offer(), a.NOON)

        assert names(decision) == ["OrderDrafted", "OrderCancelled"]
        assert [step.to_state for step in decision.transitions] == [State.DRAFTED, State.CANCELLED]


class TestPriceOf:
    def test_price_of_counts_packs_of_offered_size(self):
        assert price_of(3, 20, a.slot(), a.offer()) == 3 * 499

    def test_price_of_compares_sizes_in_other_scales(self):
        slot, offer = a.slot(unit=BaseUnit.GRAM, scale=3), a.offer(unit=BaseUnit.GRAM, pack_size=1000)

        assert price_of(1, 1_000_000, slot, offer) == 499

    @pytest.mark.parametrize("other", [{"pack_size": 21}, {"unit": BaseUnit.GRAM}, {"scale": 1}])
    def test_price_of_another_pack_is_none(self, other):
        assert price_of(1, 20, a.slot(), a.offer(**other)) is None

    def test_price_of_excess_amount_is_none(self):
        assert price_of(2, 20, a.slot(), a.offer(price=2**53)) is None
        assert a.draft(a.approved(), a.slot(), a.ACME, a.offer(price=2**53), a.NOON).order.price is None


class TestSubmit:
    def test_submit_sends_one_request_and_sets_deadline(self):
        decision = submit(a.drafted(), a.TIMEOUTS, a.NOON)

        assert decision.order.state is State.PLACING
        assert decision.requests == (ProviderRequest.SUBMIT,)
        assert decision.order.check_at == a.NOON + a.days(1)
