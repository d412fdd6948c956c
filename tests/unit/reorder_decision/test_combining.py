"""An order includes the customer's pools that collect for the same provider."""

import random
from dataclasses import replace

import pytest

from services.reorder_decision.domain import (
    Holiday,
    LeadTime,
    PoolDecision,
    Situation,
    as_json,
    combine_order,
    decide,
    explain,
    order_ended,
    order_id_of,
    reassess,
    stock_arrived,
    threshold_crossed,
)
from tests.support import decisions as a
from tests.support.decision_family import Family

SOON = a.offer(lead=LeadTime(2.0), provider_id="acme")
COLLECTS = a.subscription(**a.COLLECTS)


def collecting(product, hours=48.0, **changes):
    pool_id = f"ann/{product}"
    wish = replace(COLLECTS, collect_hours=hours)
    pool = a.armed(pool_id=pool_id, product_id=product, subscription=wish, **{"offer": SOON, **changes})
    return threshold_crossed(pool, a.heard(26), pool.epoch, a.when()).pool


def ordered():
    """Return the decision of a pool that orders at once."""
    pool = a.armed(subscription=a.subscription(days=14.0), offer=SOON)
    return PoolDecision(pool, threshold_crossed(pool, a.heard(26), pool.epoch, a.when()))


class TestTakeAlong:
    def test_order_without_collecting_pools_stays_as_it_is(self):
        first = ordered()

        assert combine_order(first, [], a.when()) == [first]

    def test_order_has_a_line_of_each_collecting_pool(self):
        first = ordered()

        order, other = combine_order(first, [collecting("filters")], a.when())

        (approved,) = order.decision.events
        (receipt,) = other.decision.receipts
        assert approved.order_id == order_id_of("ann/pods", 1)
        assert (approved.product_id, approved.pool_id, approved.quantity) == ("pods", "ann/pods", 40)
        assert [(line.line_id, line.pool_id, line.epoch) for line in approved.lines] == [
            *(("1", "ann/pods", 1), ("2", "ann/filters", 2)),
        ]
        assert approved.lines[1].receipt_id == receipt.receipt_id != approved.receipt_id
        assert (other.decision.events, other.decision.pool.situation) == ((), Situation.ORDERED)
        assert other.decision.pool.order.order_id == approved.order_id

    def test_pool_at_its_deadline_is_first_and_others_follow_by_deadline(self):
        pods, filters, beans = collecting("pods", 24), collecting("filters", 48), collecting("beans", 72)
        at = a.when(a.NOON + a.days(1))

        made = combine_order(PoolDecision(pods, reassess(pods, at)), [beans, filters], at)

        (approved,) = made[0].decision.events
        assert [line.product_id for line in approved.lines] == ["pods", "filters", "beans"]
        assert approved.order_id == order_id_of("ann/pods", 2)

    def test_needed_by_is_the_earliest_of_all_lines(self):
        first = ordered()
        hungry = replace(collecting("filters"), slots=(a.slot(level=4, rate_per_day=2.0),))

        order, _ = combine_order(first, [hungry], a.when())

        assert order.decision.events[0].needed_by == a.NOON + a.days(2)

    def test_pool_of_another_provider_goes_on_collecting(self):
        other = collecting("filters", offer=replace(SOON, provider_id="globex"))

        assert len(combine_order(ordered(), [other], a.when())) == 1

    def test_pool_that_stopped_collecting_is_not_taken_along(self):
        over = reassess(collecting("filters"), a.when(a.NOON + a.days(2))).pool

        assert len(combine_order(ordered(), [over], a.when())) == 1

    def test_pool_that_cannot_be_ordered_is_held(self):
        away = Holiday(a.NOON + a.days(1), a.NOON + a.days(20))

        order, other = combine_order(ordered(), [replace(collecting("filters"), holiday=away)], a.when())

        assert len(order.decision.events[0].lines) == 1
        assert (other.decision.pool.hold.reason, a.names(other.decision)) == ("away", ["ReorderHeld"])

    def test_receipt_names_the_order_that_took_it(self):
        _, other = combine_order(ordered(), [collecting("filters")], a.when())

        (receipt,) = other.decision.receipts
        assert receipt.inputs.order_id == order_id_of("ann/pods", 1)
        assert as_json(decide(receipt.inputs)) == as_json(receipt.decision)
        assert explain(receipt.inputs, receipt.decision)[-1] == (
            "So 1 x 40 from acme were ordered after waiting for other products: pods was ordered from the same provider."
        )


class TestLinesOfOneOrder:
    def both(self):
        order, other = combine_order(ordered(), [collecting("filters")], a.when())
        return order.decision.pool, other.decision.pool

    def test_refused_line_ends_only_the_order_of_its_pool(self):
        pods, filters = self.both()

        turn = order_ended(filters, filters.order.order_id, a.when(), by_customer=False)

        assert turn.events[0].reason == "not_delivered"
        assert pods.order.order_id == filters.order.order_id

    def test_goods_of_a_part_close_its_pool_before_the_split_is_known(self):
        _, filters = self.both()
        filters = replace(filters, order=replace(filters.order, order_id="0d3c9a3a-6f0b-5a39-8a54-6d2c4a1f5e10"))
        part = "7c36b8b3-a859-5daa-a993-55d9bcab26c3"  # uuid5 of this order and line 2

        closed = stock_arrived(filters, part, 40, 0, a.when(), "2")
        of_line_1 = stock_arrived(filters, part, 40, 0, a.when(), "1")
        without_line = stock_arrived(filters, part, 40, 0, a.when())

        assert closed.pool.order is None
        assert of_line_1.pool.order == without_line.pool.order == filters.order

    def test_ids_of_orders_need_not_be_uuids(self):
        _, filters = self.both()
        filters = replace(filters, order=replace(filters.order, order_id="an order"))

        assert stock_arrived(filters, "another order", 40, 0, a.when(), "2").pool.order == filters.order


PRODUCTS = ("pods", "filters", "beans", "milk")


@pytest.mark.parametrize("seed", range(200))
def test_no_line_is_lost_or_ordered_twice(seed):
    chance = random.Random(seed)
    family = Family(
        chance,
        {
            product: {
                "days": chance.choice([3.0, 7.0, 14.0]),
                "collect_hours": chance.choice([0.0, 24.0, 96.0]),
                "provider_id": chance.choice(["acme", "acme", "globex"]),
            }
            for product in PRODUCTS[: chance.randrange(2, 5)]
        },
    )

    for _ in range(150):
        pool_id = chance.choice(sorted(family.pools))
        doing = chance.randrange(6)
        if doing <= 1:
            family.levels[pool_id] = max(0, family.levels[pool_id] - chance.randrange(1, 6))
            family.cross(pool_id)
        elif doing == 2:
            family.deliver_message()
        elif doing == 3 and family.lines:
            family.end_line(chance.choice(sorted(family.lines)))
        elif doing == 4:
            family.tick(family.now + a.days(chance.choice([0.1, 0.5, 1.0])))
        elif chance.random() < 0.1:
            family.fill(pool_id, 50)
    for _ in range(40):  # every back-off and every time to collect ends
        while family.inbox:
            family.deliver_message()
        family.tick(family.now + a.days(40))
        for pool_id in family.pools:
            family.cross(pool_id)

    family.assert_nothing_is_forgotten()


def test_random_families_have_orders_of_several_lines():
    sizes = set()
    for seed in range(20):
        family = Family(random.Random(seed), {name: {"days": 14.0, "collect_hours": 24.0} for name in PRODUCTS})
        for pool_id in family.pools:
            family.levels[pool_id] = 13
            family.cross(pool_id)
        family.tick(a.NOON + a.days(1))
        sizes |= {len(approved.lines) for approved in family.approved}

    assert sizes == {4}
