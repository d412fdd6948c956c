"""What orders came to is added up, once each; lead times are learned from it and wake who they concern."""

import pytest

from services.reorder_decision.domain import Inputs, LeadTime, Scorecard, as_json, decide, from_json
from services.reorder_decision.handlers import apply_lead_times, count_results, reassess_due
from tests.integration.reorder_decision import events
from tests.support import decisions as a


async def one_order(desk, took_days, **changes):
    """Let the brewer run low and its order come after some days; return the order's id."""
    pool = await desk.pool()
    level = round(await asked_days(desk) * 2)
    (approved,) = await desk.hear(events.crossed(pool.epoch, level=min(level, 6)))
    await desk.hear(events.placed(approved.order_id, expected_at=desk.store.now + a.days(3)))
    desk.store.now += a.days(took_days)
    await desk.hear(events.delivered(approved.order_id, delivered_at=desk.store.now, **changes))
    await desk.hear(events.arrived(approved.order_id, shelf=0))
    return approved.order_id


async def asked_days(desk):
    return (await desk.pool()).trigger.at_days


async def record(desk, provider_id="acme"):
    await count_results(desk.store)
    found = await desk.store.list_scorecards(provider_id)
    return found[0] if found else None


class TestRecord:
    async def test_counts_each_order_once(self, desk):
        await desk.ready()
        await one_order(desk, 2)
        await one_order(desk, 5, quantity=30, price=400, billed=500, currency="USD")

        once = await record(desk)
        twice = await record(desk)

        assert once == twice
        assert once.record == Scorecard(2, promised=2, on_time=1, short=1, filled=1.75, priced=1, dearness=1.25)
        assert once.took_days == (2, 5)

    async def test_counts_an_order_once_whose_end_is_told_twice(self, desk):
        order_id = await desk.order()
        await desk.hear(events.delivered(order_id))
        await desk.hear(events.delivered(order_id, quantity=3))
        await record(desk)

        await desk.hear(events.delivered(order_id, quantity=0))
        await desk.hear(events.refused(order_id))

        assert (await record(desk)).record == Scorecard(1, filled=1)

    @pytest.mark.parametrize(
        ("event", "broken"),
        [
            (events.refused, 1),
            (events.failed, 1),
            (lambda order_id: events.cancelled(order_id, "provider"), 1),
            (lambda order_id: events.cancelled(order_id, "resolution"), 1),
            (events.cancelled, None),
            (lambda order_id: events.cancelled(order_id, "deregistration"), None),
            (lambda order_id: events.cancelled(order_id, "fraud"), None),
            (lambda order_id: events.failed(order_id, fault="payment"), None),
            (lambda order_id: events.failed(order_id, fault="fraud"), None),
            (lambda order_id: events.failed(order_id, fault="address"), None),
            (lambda order_id: events.refused(order_id, test=True), None),
            (lambda order_id: events.delivered(order_id, test=True, quantity=0), None),
        ],
        ids=[
            *("refused", "failed", "by the provider", "unsettled", "by the customer", "left", "fraud"),
            *("unpaid", "taken for fraud", "no address", "test", "came"),
        ],
    )
    async def test_blames_the_provider_for_what_is_its_doing(self, desk, event, broken):
        order_id = await desk.order()

        await desk.hear(event(order_id))

        found = await record(desk)
        assert (found and found.record.broken) == broken

    async def test_counts_what_was_accepted_as_ordered(self, desk):
        order_id = await desk.order()
        await desk.hear(events.placed(order_id, quantity=80, packs=2))

        await desk.hear(events.delivered(order_id))

        assert (await record(desk)).record.filled == 0.5

    async def test_is_in_the_next_receipt(self, desk):
        await desk.ready()
        await one_order(desk, 2)
        await record(desk)

        order_id = await one_order(desk, 2)

        (row,) = await desk.store.list_receipts_of_order(order_id)
        inputs = from_json(row["inputs"], Inputs)
        assert inputs.offer.record == Scorecard(1, promised=1, on_time=1, filled=1)
        assert as_json(decide(inputs)) == row["decision"]


class TestLearnedLeadTime:
    async def learned(self, desk, days, count=5):
        for _ in range(count):
            await one_order(desk, days)
        return (await record(desk)).learned_days

    async def test_takes_the_place_of_the_stated_one_once_there_are_enough(self, desk):
        await desk.hear(events.provider(lead_time_days=2))
        await desk.ready()

        too_few = await self.learned(desk, 9, 4)
        stated = (await desk.pool()).offer.lead
        enough = await self.learned(desk, 9, 1)

        assert (too_few, enough) == (None, 9)
        assert stated == LeadTime(2, learned=False, stated=2, observations=4)
        assert (await desk.pool()).offer.lead == LeadTime(9, learned=True, stated=2, observations=5)

    async def test_asks_those_anew_whom_it_makes_order_earlier(self, desk):
        await desk.ready()
        await self.learned(desk, 9)

        await apply_lead_times(desk.store)
        said = await reassess_due(desk.store)

        assert [event.at_days for event in said] == [9]
        assert await apply_lead_times(desk.store) == await reassess_due(desk.store) == []

    async def test_leaves_those_alone_who_order_early_enough(self, desk):
        await desk.ready(days=20.0)
        await self.learned(desk, 9)

        await apply_lead_times(desk.store)

        assert await desk.store.list_due(9) == []

    async def test_leaves_those_alone_who_named_a_level(self, desk):
        await desk.ready(days=0.0, at_level=6)
        await self.learned(desk, 9)

        await apply_lead_times(desk.store)

        assert await desk.store.list_due(9) == []

    async def test_is_not_learned_from_deliveries_that_were_only_estimated(self, desk):
        order_id = await desk.order()
        await desk.hear(events.delivered(order_id, evidence="estimated"))

        found = await record(desk)

        assert (found.record.delivered, found.took_days) == (1, ())

    async def test_that_is_stated_otherwise_is_heard(self, desk):
        await desk.hear(events.provider(lead_time_days=3))
        await desk.ready()

        said = await desk.hear(events.provider(lead_time_days=12))

        assert [event.at_days for event in said] == [12]
