"""The rule by which something is ordered."""

import pytest

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import Outcome, Reason, Rules, Why, decide, find_obstacle, threshold_crossed
from services.reorder_decision.domain.policy import after_cancel, after_failure, compute_figures
from tests.support import decisions as a


def weighed(level, rate, **wishes):
    return compute_figures((a.slot(level=level, rate_per_day=rate),), 0, 0, a.subscription(**wishes))


class TestSevenDayRule:
    def test_two_and_a_half_a_day_make_exactly_seventeen_and_a_half(self):
        assert weighed(20, 2.5).threshold == 17.5

    @pytest.mark.parametrize(("level", "low"), [(17, True), (18, False)])
    def test_of_the_seeds_sample(self, level, low):
        assert weighed(level, 50 / 20).low is low

    @pytest.mark.parametrize(("level", "low"), [(14, True), (15, False)])
    def test_orders_at_equality(self, level, low):
        assert weighed(level, 2.0).low is low

    def test_orders_in_time_for_customer_a(self):
        figures = weighed(7, 1.0)

        assert figures.low
        assert figures.lasts_days == 7

    def test_orders_for_customer_b_long_before_seven_pods_are_left(self):
        at_seven_pods = weighed(7, 2.0)

        assert at_seven_pods.lasts_days == 3.5
        assert 5 - at_seven_pods.lasts_days == 1.5
        assert weighed(14, 2.0).low
        assert weighed(14, 2.0).lasts_days == 7

    def test_counts_the_shelf_and_what_is_on_order(self):
        figures = compute_figures((a.slot(level=6, rate_per_day=2.0),), 5, 4, a.subscription())

        assert (figures.position, figures.low) == (15, False)

    def test_asks_for_the_customers_own_level_where_that_is_more(self):
        figures = weighed(10, 1.0, at_level=10)

        assert (figures.threshold, figures.low) == (10.0, True)

    def test_knows_no_run_out_where_nothing_is_used(self):
        figures = weighed(3, 0.0)

        assert (figures.lasts_days, figures.low) == (None, False)

    def test_adds_up_the_slots_of_a_pool(self):
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
    def test_names_what_ends_it(self, facts, reason, wake_up):
        asked = {"slots": (a.slot(),), "subscription": a.subscription(), "offer": a.offer()} | facts

        found = find_obstacle(**asked)

        assert (found.reason, found.wake_up) == (reason, wake_up)

    @pytest.mark.parametrize(
        ("slot_scale", "pack", "offer_scale", "offered"),
        [(1, 10_000, 0, 1000), (0, 1000, 1, 10_000), (3, 1_000_000, 3, 1_000_000), (0, 1000, 0, 1000)],
    )
    def test_is_not_a_pack_told_in_other_steps(self, slot_scale, pack, offer_scale, offered):
        slots = (a.slot(unit="GRM", scale=slot_scale),)
        offer = a.offer(unit="GRM", scale=offer_scale, pack_size=offered)

        assert find_obstacle(slots, a.subscription(pack_size=pack), offer) is None

    def test_is_judged_by_the_number_alone_where_the_offers_unit_was_not_told(self):
        slots, wish = (a.slot(unit="GRM", scale=1),), a.subscription(pack_size=40)

        assert find_obstacle(slots, wish, a.offer(pack_size=40)) is None
        assert find_obstacle(slots, wish, a.offer(pack_size=4)).reason is Reason.PACK_SIZE_DIFFERS

    def test_is_not_the_offer_where_the_customer_is_only_told(self):
        assert find_obstacle((a.slot(),), a.subscription(mode=Mode.NOTIFY), None) is None


class TestBackOff:
    def test_of_a_first_cancel_lasts_five_days(self):
        assert after_cancel(1, a.NOON, Rules()).until == a.NOON + a.days(5)

    def test_of_a_second_cancel_lasts_until_the_slot_is_filled(self):
        hold = after_cancel(2, a.NOON, Rules())

        assert (hold.reason, hold.wake_up, hold.until) == (Reason.CANCELLED_AGAIN, "SlotFilled", None)

    def test_of_failures_doubles_up_to_a_limit(self):
        pauses = [(after_failure(count, a.NOON, Rules()).until - a.NOON).days for count in (1, 2, 3, 6, 7, 500)]

        assert pauses == [1, 2, 4, 32, 32, 32]


class TestDecide:
    def inputs(self, level=6, **wishes):
        ready = a.armed(subscription=a.subscription(**wishes))
        turn = threshold_crossed(ready, a.heard(level), ready.epoch, a.when())
        return turn.receipts[0].inputs

    def test_orders_from_the_chosen_provider_when_low(self):
        decision = decide(self.inputs(packs=2))

        assert decision.outcome is Outcome.ORDER
        assert (decision.provider_id, decision.packs, decision.quantity) == ("acme", 2, 80)
        assert decision.needed_by == a.NOON + a.days(3)

    def test_proposes_where_the_customer_wants_to_approve(self):
        decision = decide(self.inputs(mode=Mode.APPROVE))

        assert (decision.outcome, decision.wake_up) == (Outcome.PROPOSE, "approval")

    def test_only_tells_where_the_customer_wants_that(self):
        decision = decide(self.inputs(mode=Mode.NOTIFY))

        assert (decision.outcome, decision.reason) == (Outcome.HOLD, Reason.NOTIFY_ONLY)

    def test_looks_again_tomorrow_where_its_own_arithmetic_says_enough(self):
        decision = decide(self.inputs(level=20))

        assert (decision.reason, decision.reconsider_at) == (Reason.ENOUGH, a.NOON + a.days(1))

    def test_sends_an_order_to_the_emptiest_slot(self):
        slots = (a.slot("left", level=10, rate_per_day=1.0), a.slot("right", level=4, rate_per_day=1.5))
        inputs = self.inputs()

        decision = decide(type(inputs)(**{**fields(inputs), "slots": slots}))

        assert decision.device_id == "right"

    def test_names_why_it_was_asked(self):
        assert self.inputs().why is Why.CROSSED


def fields(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
