"""Another provider is asked only where the customer accepts it, and the first order's end is known."""

import pytest

from replenish_contracts.events import Mode
from services.reorder_decision.domain import (
    Holiday,
    LeadTime,
    Scorecard,
    Situation,
    explain,
    holiday_changed,
    order_ended,
    proposal_approved,
    reassess,
    slot_filled,
    slot_level_changed,
    stock_arrived,
    subscription_changed,
    threshold_crossed,
)
from tests.support import decisions as a

WELL, BADLY = Scorecard(delivered=20, filled=20.0), Scorecard(delivered=5, broken=15, filled=5.0)
GLOBEX = a.offer(provider_id="globex", record=BADLY)
INITECH = a.offer(provider_id="initech", record=WELL)


def ordered(*rivals, **wishes):
    """A low pool whose order is under way at acme, and which may be ordered from these too."""
    names = tuple(one.provider_id for one in rivals)
    wish = a.subscription(alternatives=names, **wishes)
    return a.ordered(subscription=wish, rivals=rivals, offer=a.offer(provider_id="acme"))


def refused(pool, now=a.NOON, **how):
    return order_ended(pool, pool.order.order_id, a.when(now), by_customer=False, **how)


def low_again(pool, now=a.NOON):
    return threshold_crossed(pool, a.heard(), pool.epoch, a.when(now))


class TestAfterAnEndThatIsKnown:
    def test_the_best_of_the_accepted_is_asked_at_once(self):
        asked = refused(ordered(GLOBEX, INITECH))

        again = low_again(asked.pool)

        assert a.names(asked) == ["TriggerSet"]
        assert (again.events[0].provider_id, again.pool.order.provider_id) == ("initech", "initech")
        assert again.receipts[0].inputs.avoided == ("acme",)
        sentence = "The order from acme was not delivered, so initech is used instead."
        assert sentence in explain(again.receipts[0].inputs, again.receipts[0].decision)

    def test_the_first_named_of_equals_is_asked(self):
        rivals = tuple(a.offer(provider_id=name) for name in ("globex", "initech"))
        pool = a.ordered(
            subscription=a.subscription(alternatives=("initech", "globex")),
            rivals=rivals,
            offer=a.offer(provider_id="acme"),
        )

        assert low_again(refused(pool).pool).events[0].provider_id == "initech"

    def test_nobody_else_is_asked_without_the_customers_consent(self):
        turn = refused(ordered())

        assert turn.events[0].reason == "not_delivered"

    @pytest.mark.parametrize(
        "unfit",
        [{"available": False}, {"provider_active": False}, {"pack_size": 50}, {"unit": "GRM"}],
        ids=["sold out", "closed", "another pack", "another unit"],
    )
    def test_nobody_is_asked_who_cannot_deliver(self, unfit):
        turn = refused(ordered(a.offer(provider_id="globex", **unfit)))

        assert turn.events[0].reason == "not_delivered"

    def test_each_is_asked_once_and_then_the_pool_backs_off(self):
        pool = refused(ordered(GLOBEX, INITECH)).pool
        pool = refused(low_again(pool).pool).pool
        third = low_again(pool)

        last = refused(third.pool)

        assert third.events[0].provider_id == "globex"
        assert (last.events[0].reason, last.events[0].reconsider_at) == ("not_delivered", a.NOON + a.days(4))

    def test_the_first_one_has_its_turn_again_when_the_back_off_is_over(self):
        pool = refused(low_again(refused(ordered(GLOBEX)).pool).pool).pool

        pool = reassess(pool, a.when(a.NOON + a.days(2))).pool

        again = low_again(pool, a.NOON + a.days(2))
        assert again.events[0].provider_id == "acme"
        assert low_again(refused(again.pool).pool).events[0].provider_id == "globex"

    def test_the_first_one_has_its_turn_again_when_goods_came(self):
        pool = low_again(refused(ordered(GLOBEX)).pool).pool
        pool = stock_arrived(pool, pool.order.order_id, 40, 0, a.when()).pool

        assert low_again(pool).events[0].provider_id == "acme"

    def test_who_wants_to_approve_is_asked_first(self):
        pool = a.armed(
            subscription=a.subscription(alternatives=("globex",), mode=Mode.APPROVE),
            rivals=(GLOBEX,),
            offer=a.offer(provider_id="acme"),
        )
        pool = proposal_approved(threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool, "ann", a.when()).pool

        proposed = low_again(refused(pool).pool)

        assert proposed.events[0].reason == "awaiting_approval"
        assert proposal_approved(proposed.pool, "ann", a.when()).events[0].provider_id == "globex"

    def test_a_new_lead_time_counts(self):
        pool = refused(ordered(a.offer(provider_id="globex", lead=LeadTime(12.0)))).pool

        assert pool.trigger.at_days == 12.0

    def test_a_holiday_counts(self):
        pool = refused(ordered(GLOBEX)).pool
        pool = holiday_changed(pool, Holiday(a.NOON, a.NOON + a.days(30)), a.when()).pool

        waiting = low_again(pool)
        assert waiting.events[0].reason == "away"
        assert reassess(waiting.pool, a.when(a.NOON + a.days(1))).events == ()

    def test_nobody_is_asked_where_the_first_one_is_not_to_blame(self):
        turn = refused(ordered(GLOBEX), blamed=False)

        assert turn.events[0].reason == "not_delivered"

    def test_nobody_is_asked_again_where_the_second_one_is_not_to_blame(self):
        second = low_again(refused(ordered(GLOBEX, INITECH)).pool).pool

        turn = refused(second, blamed=False)

        assert turn.events[0].reason == "not_delivered"

    def test_nobody_is_asked_where_the_customer_cancelled(self):
        pool = ordered(GLOBEX)

        turn = order_ended(pool, pool.order.order_id, a.when(), by_customer=True)

        assert turn.events[0].reason == "cancelled_once"
        pool = reassess(turn.pool, a.when(a.NOON + a.days(5))).pool
        assert low_again(pool, a.NOON + a.days(5)).events[0].provider_id == "acme"

    def test_who_sells_out_meanwhile_is_not_asked_and_the_back_off_holds(self):
        pool = refused(ordered(GLOBEX)).pool

        turn = low_again(type(pool)(**{**fields(pool), "rivals": ()}))

        assert (turn.events[0].reason, turn.events[0].reconsider_at) == ("not_delivered", a.NOON + a.days(1))

    def test_a_customer_may_accept_somebody_while_the_pool_backs_off(self):
        held = refused(ordered()).pool
        held = type(held)(**{**fields(held), "rivals": (GLOBEX,)})

        turn = subscription_changed(held, a.subscription(alternatives=("globex",)), a.when())

        assert a.names(turn) == ["SubscriptionChanged", "TriggerSet"]
        assert low_again(turn.pool).events[0].provider_id == "globex"


class TestWhileNobodyKnows:
    def test_nobody_else_is_asked_whatever_happens(self):
        pool = ordered(GLOBEX)

        for turn in (
            reassess(pool, a.when(a.NOON + a.days(900))),
            threshold_crossed(pool, a.heard(0), pool.epoch, a.when()),
            slot_level_changed(pool, a.heard(0), a.when()),
            slot_filled(pool, a.heard(1), a.when()),
            a.offered(pool, None, a.when()),
            holiday_changed(pool, Holiday(a.NOON, a.NOON + a.days(3)), a.when()),
            subscription_changed(pool, a.subscription(provider_id="globex"), a.when()),
            order_ended(pool, "another order", a.when(), by_customer=False),
        ):
            assert "ReorderApproved" not in a.names(turn)
            assert "TriggerSet" not in a.names(turn)
            assert (turn.pool.situation, turn.pool.order) == (Situation.ORDERED, pool.order)


class TestChangedProviderWithAnOrderOpen:
    def test_leaves_the_order_where_it_is_and_counts_it(self):
        turn = subscription_changed(a.ordered(), a.subscription(provider_id="globex"), a.when())

        assert a.names(turn) == ["SubscriptionChanged"]
        assert (turn.pool.order.provider_id, turn.pool.on_order) == ("acme", 40)

    def test_orders_next_from_the_new_one(self):
        pool = subscription_changed(a.ordered(), a.subscription(provider_id="globex"), a.when()).pool
        pool = stock_arrived(pool, pool.order.order_id, 40, 0, a.when()).pool

        assert low_again(pool).events[0].provider_id == "globex"

    def test_orders_from_the_new_one_at_once_where_the_old_one_fails(self):
        pool = subscription_changed(a.ordered(), a.subscription(provider_id="globex"), a.when()).pool

        turn = refused(pool)

        assert a.names(turn) == ["TriggerSet"]
        assert low_again(turn.pool).events[0].provider_id == "globex"


def fields(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
