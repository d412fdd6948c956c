"""The reorder rule, obstacles, back-off and decisions."""

import pytest

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import Outcome, Reason, Rules, Why, decide, find_obstacle, threshold_crossed
from services.reorder_decision.domain.policy import after_cancel, after_failure, compute_figures
from tests.support import decisions as a


def weighed(level, rate, **wishes):
    return compute_figures((a.slot(level=level, rate_per_day=rate),), 0, 0, a.subscription(**wishes))


class TestSevenDayRule:
    def test_threshold_is_rate_times_days(self):
        assert weighed(20, 2.5).threshold == 17.5

    @pytest.mark.parametrize(("level", "low"), [(17, True), (18, False)])
    def test_sample_household(self, level, low):
        assert weighed(level, 50 / 20).low is low

    @pytest.mark.parametrize(("level", "low"), [(14, True), (15, False)])
    def test_order_at_threshold(self, level, low):
        assert weighed(level, 2.0).low is low

    def test_customer_a_is_ordered_in_time(self):
        figures = weighed(7, 1.0)

        assert figures.low
        assert figures.lasts_days == 7

    def test_customer_b_is_ordered_early(self):
        at_seven_pods = weighed(7, 2.0)

        assert at_seven_pods.lasts_days == 3.5
        assert 5 - at_seven_pods.lasts_days == 1.5
        assert weighed(14, 2.0).low
        assert weighed(14, 2.0).lasts_days == 7

    def test_position_includes_shelf_and_on_order(self):
        figures = compute_figures((a.slot(level=6, rate_per_day=2.0),), 5, 4, a.subscription())

        assert (figures.position, figures.low) == (15, False)

    def test_own_level_counts_if_higher(self):
        figures = weighed(10, 1.0, at_level=10)

        assert (figures.threshold, figures.low) == (10.0, True)

    def test_run_out_without_use_is_none(self):
        figures = weighed(3, 0.0)

        assert (figures.lasts_days, figures.low) == (None, False)

    def test_slots_of_pool_are_summed(self):
        slots = (a.slot("left", level=10, rate_per_day=1.0), a.slot("right", level=4, rate_per_day=1.5))

        assert compute_figures(slots, 0, 0, a.subscription()).threshold == 17.5


class TestObstacle:
    @pytest.mark.parametrize(
        ("facts", "reason", "wake_up"),
        [
            ({"subscription": None}, Reason.NO_SUBSCRIPTION, "SubscriptionChanged"),
            (
                {"subscription": a.subscription(status=SubscriptionStatus.PAUSED)},
                Reason.PAUSED,
                "SubscriptionChanged",
            ),
            ({"slots": ()}, Reason.NO_SLOTS, "DeviceRegistered"),
            ({"slots": (a.slot(), a.slot("jar", unit="GRM"))}, Reason.UNITS_DIFFER, "DeviceDeregistered"),
            ({"offer": None}, Reason.NO_OFFER, "OfferChanged"),
            ({"offer": a.offer(available=False)}, Reason.OFFER_UNAVAILABLE, "OfferChanged"),
            ({"offer": a.offer(provider_active=False)}, Reason.PROVIDER_INACTIVE, "ProviderChanged"),
            ({"offer": a.offer(pack_size=50)}, Reason.PACK_SIZE_DIFFERS, "SubscriptionChanged"),
            ({"offer": a.offer(unit="C62", scale=1)}, Reason.PACK_SIZE_DIFFERS, "SubscriptionChanged"),
            ({"offer": a.offer(unit="GRM")}, Reason.PACK_UNIT_DIFFERS, "OfferChanged"),
        ],
    )
    def test_obstacle_names_wake_up(self, facts, reason, wake_up):
        asked = {"slots": (a.slot(),), "subscription": a.subscription(), "offer": a.offer()} | facts

        found = find_obstacle(**asked)

        assert (found.reason, found.wake_up) == (reason, wake_up)

    @pytest.mark.parametrize(
        ("slot_scale", "pack", "offer_scale", "offered"),
        [(1, 10_000, 0, 1000), (0, 1000, 1, 10_000), (3, 1_000_000, 3, 1_000_000), (0, 1000, 0, 1000)],
    )
    def test_pack_in_other_scale_is_no_obstacle(self, slot_scale, pack, offer_scale, offered):
        slots = (a.slot(unit="GRM", scale=slot_scale),)
        offer = a.offer(unit="GRM", scale=offer_scale, pack_size=offered)

        assert find_obstacle(slots, a.subscription(pack_size=pack), offer) is None

    def test_offer_without_unit_is_compared_by_number(self):
        slots, wish = (a.slot(unit="GRM", scale=1),), a.subscription(pack_size=40)

        assert find_obstacle(slots, wish, a.offer(pack_size=40)) is None
        assert find_obstacle(slots, wish, a.offer(pack_size=4)).reason is Reason.PACK_SIZE_DIFFERS

    def test_offer_is_no_obstacle_in_notify_mode(self):
        assert find_obstacle((a.slot(),), a.subscription(mode=Mode.NOTIFY), None) is None


class TestBackOff:
    def test_back_off_of_first_cancel(self):
        assert after_cancel(1, a.NOON, Rules()).until == a.NOON + a.days(5)

    def test_back_off_of_second_cancel(self):
        hold = after_cancel(2, a.NOON, Rules())

        assert (hold.reason, hold.wake_up, hold.until) == (Reason.CANCELLED_AGAIN, "SlotFilled", None)

    def test_back_off_of_failures_doubles_up_to_limit(self):
        pauses = [(after_failure(count, a.NOON, Rules()).until - a.NOON).days for count in (1, 2, 3, 6, 7, 500)]

        assert pauses == [1, 2, 4, 32, 32, 32]


class TestDecide:
    def inputs(self, level=6, **wishes):
        ready = a.armed(subscription=a.subscription(**wishes))
        turn = threshold_crossed(ready, a.heard(level), ready.epoch, a.when())
        return turn.receipts[0].inputs

    def test_decide_orders_when_low(self):
        decision = decide(self.inputs(packs=2))

        assert decision.outcome is Outcome.ORDER
        assert (decision.provider_id, decision.packs, decision.quantity) == ("acme", 2, 80)
        assert decision.needed_by == a.NOON + a.days(3)

    def test_decide_proposes_in_approve_mode(self):
        decision = decide(self.inputs(mode=Mode.APPROVE))

        assert (decision.outcome, decision.wake_up) == (Outcome.PROPOSE, "approval")

    def test_decide_notifies_in_notify_mode(self):
        decision = decide(self.inputs(mode=Mode.NOTIFY))

        assert (decision.outcome, decision.reason) == (Outcome.HOLD, Reason.NOTIFY_ONLY)

    def test_decide_retries_tomorrow_if_not_low(self):
        decision = decide(self.inputs(level=20))

        assert (decision.reason, decision.reconsider_at) == (Reason.ENOUGH, a.NOON + a.days(1))

    def test_decide_orders_for_emptiest_slot(self):
        slots = (a.slot("left", level=10, rate_per_day=1.0), a.slot("right", level=4, rate_per_day=1.5))
        inputs = self.inputs()

        decision = decide(type(inputs)(**{**fields(inputs), "slots": slots}))

        assert decision.device_id == "right"

    def test_decide_names_reason(self):
        assert self.inputs().why is Why.CROSSED


def fields(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
