"""Links with providers, and slots that the customer paused or changed there."""

from dataclasses import replace

import pytest

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import (
    Situation,
    SlotLink,
    explain,
    links_changed,
    order_blocked,
    proposal_approved,
    subscription_changed,
    threshold_crossed,
)
from services.reorder_decision.domain.policy import decide
from tests.support import decisions as a

SINCE = a.NOON - a.days(2)


def link(provider_id="acme", **changes):
    return replace(SlotLink(provider_id, active=True, changed_at=a.NOON - a.days(9), subscribed=True), **changes)


PAUSED = link(subscribed=False, subscribed_at=SINCE)
ENDED = link(active=False, changed_at=SINCE, subscribed=None)


def with_links(pool, *links, device_id="brewer"):
    slots = tuple(replace(slot, links=links) if slot.device_id == device_id else slot for slot in pool.slots)
    return replace(pool, slots=slots)


def changed(pool, *links, device_id="brewer", now=a.NOON):
    return links_changed(pool, with_links(pool, *links, device_id=device_id), a.when(now))


def sentences(decision):
    receipt = decision.receipts[-1]
    return explain(receipt.inputs, receipt.decision)


class TestBlocked:
    @pytest.mark.parametrize(
        ("blocked", "reason", "wake_up"),
        [
            (PAUSED, "paused_at_provider", "ProviderSubscriptionChanged"),
            (ENDED, "link_ended", "LinkCreated"),
        ],
        ids=["paused", "link ended"],
    )
    def test_pool_is_held_with_provider_and_time(self, blocked, reason, wake_up):
        held = changed(a.armed(), blocked)

        assert held.pool.situation is Situation.HELD
        (event,) = held.events
        assert (event.reason, event.wake_up, event.provider_id, event.since) == (reason, wake_up, "acme", SINCE)

    def test_pool_of_unlinked_device_is_held_if_the_provider_needs_a_link(self):
        pool = a.armed(offer=a.offer(needs_link=True))

        assert (pool.situation, pool.hold.reason) == (Situation.HELD, "not_linked")
        assert changed(pool, link()).pool.situation is Situation.ARMED

    def test_explanation_names_provider_and_time(self):
        held = changed(a.armed(), PAUSED)

        assert sentences(held)[-1] == (
            "Nothing was ordered: it is paused in the customer's account with acme since 2026-02-27 12:00 UTC. "
            "It will be reconsidered upon ProviderSubscriptionChanged."
        )

    def test_pause_at_another_provider_has_no_effect(self):
        pool = a.armed()

        assert changed(pool, link("globex", subscribed=False)).events == ()

    def test_unknown_subscription_blocks_nothing(self):
        pool = a.armed()

        assert changed(pool, link(subscribed=None)).events == ()

    def test_reminders_need_no_link(self):
        pool = a.armed(subscription=a.subscription(mode=Mode.NOTIFY))

        assert changed(pool, PAUSED).events == ()

    def test_crossing_of_the_epoch_before_the_pause_orders_nothing(self):
        pool = a.armed()
        held = changed(pool, PAUSED).pool

        late = threshold_crossed(held, a.heard(), pool.epoch, a.when())

        assert late.events == ()
        assert late.pool.order is None

    def test_repeated_pause_is_decided_once(self):
        held = changed(a.armed(), PAUSED).pool

        assert changed(held, PAUSED).events == ()

    def test_open_order_goes_on(self):
        ordered = a.ordered()

        assert changed(ordered, PAUSED).pool.order == ordered.order

    def test_receipt_of_a_hold_can_be_replayed(self):
        receipt = changed(a.armed(), PAUSED).receipts[-1]

        assert decide(receipt.inputs) == receipt.decision

    def test_changed_subscription_names_the_hold_again(self):
        held = changed(a.armed(), PAUSED).pool

        again = subscription_changed(held, replace(held.subscription, packs=2), a.when())

        assert a.names(again) == ["SubscriptionChanged", "ReorderHeld"]

    def test_pause_of_the_subscription_comes_first(self):
        pool = a.armed(subscription=a.subscription(status=SubscriptionStatus.PAUSED))

        assert changed(pool, PAUSED).pool.hold.reason == "paused"

    def test_blocked_alternative_is_not_chosen(self):
        globex, initech = a.offer(provider_id="globex"), a.offer(provider_id="initech", needs_link=True)
        wish = a.subscription(alternatives=("initech", "globex"))
        offers = {"offer": a.offer(provider_id="acme"), "rivals": (globex, initech)}
        pool = replace(a.armed(subscription=wish, **offers), avoided=("acme",))

        placed = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert placed.events[0].provider_id == "globex"


class TestResumed:
    @pytest.mark.parametrize("blocked", [PAUSED, ENDED], ids=["paused", "link ended"])
    def test_threshold_is_checked_again_at_once(self, blocked):
        held = changed(a.armed(), blocked).pool

        resumed = changed(held, link())

        assert a.names(resumed) == ["TriggerSet"]
        assert resumed.events[0].epoch > held.epoch
        crossed = threshold_crossed(resumed.pool, a.heard(), resumed.pool.epoch, a.when())
        assert a.names(crossed) == ["ReorderApproved"]

    def test_back_offs_end(self):
        held = replace(changed(a.armed(), PAUSED).pool, failures=2, avoided=("acme",))

        resumed = changed(held, link()).pool

        assert (resumed.failures, resumed.avoided, resumed.wait) == (0, (), None)


class TestOneSlotOfSeveral:
    def pool(self):
        slots = (a.slot("left", level=1), a.slot("right", level=9))
        return a.armed(slots=slots)

    def test_pool_goes_on_and_orders_for_the_other_slot(self):
        pool = self.pool()
        paused = changed(pool, PAUSED, device_id="left").pool

        one = threshold_crossed(paused, a.heard(1, device_id="left"), paused.epoch, a.when())
        placed = threshold_crossed(one.pool, a.heard(9, device_id="right"), paused.epoch, a.when())

        (approved,) = placed.events
        assert approved.device_id == "right"
        assert "Nothing is ordered for left/1: it is paused in the customer's account with acme since " in "".join(
            sentences(placed)
        )

    def test_pool_is_held_when_all_are_paused_since_the_last_pause(self):
        later = replace(PAUSED, subscribed_at=SINCE + a.days(1))
        paused = changed(self.pool(), PAUSED, device_id="left").pool

        held = changed(paused, later, device_id="right")

        assert held.events[-1].since == SINCE + a.days(1)


class TestProposal:
    def proposed(self):
        pool = with_links(a.armed(subscription=a.subscription(mode=Mode.APPROVE)), link(items=("B1",)))
        return threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool

    def test_is_withdrawn_by_a_pause(self):
        held = changed(self.proposed(), PAUSED)

        assert a.names(held) == ["ReorderDeclined", "ReorderHeld"]
        assert held.pool.order is None

    def test_is_withdrawn_by_other_products_and_made_again(self):
        other = changed(self.proposed(), link(items=("B2",)))

        assert a.names(other) == ["ReorderDeclined", "TriggerSet"]
        again = threshold_crossed(other.pool, a.heard(), other.pool.epoch, a.when())
        assert again.events[0].reason == "awaiting_approval"
        assert "The customer chose B2 for brewer/1 at acme." in sentences(again)

    def test_stays_if_the_products_are_first_reported(self):
        pool = with_links(self.proposed(), link())

        assert changed(pool, link(items=("B1",))).events == ()

    def test_approval_places_it_for_a_slot_that_is_not_paused(self):
        approved = proposal_approved(self.proposed(), "ann", a.when())

        assert a.names(approved) == ["ReorderApproved"]


class TestEndedOrder:
    def test_of_a_paused_slot_is_no_failure(self):
        pool = with_links(a.ordered(), PAUSED)

        held = order_blocked(pool, pool.order.order_id, a.when())

        assert (held.pool.hold.reason, held.pool.failures, held.pool.avoided) == ("paused_at_provider", 0, ())

    def test_of_a_slot_that_is_not_paused_any_more_backs_off(self):
        pool = with_links(a.ordered(), link())

        held = order_blocked(pool, pool.order.order_id, a.when())

        assert (held.pool.hold.reason, held.pool.failures, held.pool.avoided) == ("not_delivered", 1, ())


class TestTestOrders:
    def test_are_named_in_the_explanation(self):
        pool = a.armed(offer=a.offer(test=True))

        placed = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert sentences(placed)[-1] == "It is a test order: nothing is charged and nothing is delivered."

    def test_are_named_in_the_proposal(self):
        pool = a.armed(offer=a.offer(test=True), subscription=a.subscription(mode=Mode.APPROVE))

        (held,) = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).events

        assert held.test

    def test_others_are_not(self):
        pool = a.armed(subscription=a.subscription(mode=Mode.APPROVE))

        (held,) = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).events

        assert not held.test
