"""Where one provider's order came to nothing the next one is asked: not before that is known, never both at once."""

from services.reorder_decision.handlers import count_results, reassess_due
from tests.integration.reorder_decision import events
from tests.support import decisions as a


async def order(desk, **wishes):
    """Let Ann's brewer run low; she accepts globex and initech beside acme."""
    for provider_id in ("globex", "initech"):
        await desk.hear(events.offer(provider_id=provider_id))
    await desk.ready(alternatives=("globex", "initech"), **wishes)
    return await next_order(desk)


async def next_order(desk):
    (approved,) = await desk.hear(events.crossed((await desk.pool()).epoch))
    return approved


async def open_orders(desk):
    rows = await desk.store.connection.fetch("SELECT provider_id FROM reorder WHERE state = 'open'")
    return [row["provider_id"] for row in rows]


class TestTheNextOne:
    async def test_is_asked_when_the_first_one_refused(self, desk):
        first = await order(desk)

        asked = await desk.hear(events.refused(first.order_id))
        second = await next_order(desk)

        assert a.names_of(asked) == ["TriggerSet"]
        assert (first.provider_id, second.provider_id) == ("acme", "globex")
        assert await open_orders(desk) == ["globex"]
        assert await count_results(desk.store) == []
        assert (await desk.store.list_scorecards("acme"))[0].record.broken == 1

    async def test_is_asked_when_the_first_one_let_its_deadline_pass(self, desk):
        first = await order(desk)

        await desk.hear(events.cancelled(first.order_id, by="deadline"))
        await desk.hear(events.cancelled(first.order_id, by="deadline"))

        assert (await next_order(desk)).provider_id == "globex"
        assert await open_orders(desk) == ["globex"]

    async def test_is_asked_as_soon_as_it_can_deliver(self, desk):
        first = await order(desk)
        for provider_id in ("globex", "initech"):
            assert await desk.hear(events.offer(provider_id=provider_id, available=False)) == []
        (held,) = await desk.hear(events.refused(first.order_id))
        (closed,) = await desk.hear(events.provider(active=False))

        asked = await desk.hear(events.offer(provider_id="initech"))

        assert (held.reason, closed.reason) == ("not_delivered", "provider_inactive")
        assert a.names_of(asked) == ["TriggerSet"]
        assert (await next_order(desk)).provider_id == "initech"

    async def test_is_the_better_one(self, desk):
        await desk.hear(events.offer(provider_id="initech"))
        await desk.ready(provider_id="initech")
        good = await next_order(desk)
        await desk.hear(events.delivered(good.order_id, provider_id="initech"))
        await desk.hear(events.arrived(good.order_id, shelf=0))
        await count_results(desk.store)
        await desk.hear(events.offer(provider_id="globex"))
        await desk.subscribe(alternatives=("globex", "initech"))
        first = await next_order(desk)

        await desk.hear(events.refused(first.order_id))

        assert (await next_order(desk)).provider_id == "initech"

    async def test_is_not_asked_while_the_first_order_may_still_come(self, desk):
        first = await order(desk)
        epoch = (await desk.pool()).epoch
        desk.store.now += a.days(100)

        said = [
            *await reassess_due(desk.store),
            *await desk.hear(events.crossed(epoch, level=0)),
            *await desk.hear(events.level_changed(0)),
            *await desk.hear(events.refused("another order")),
        ]

        assert said == []
        assert (await desk.pool()).order.order_id == first.order_id
        assert await open_orders(desk) == ["acme"]

    async def test_is_remembered_until_goods_come(self, desk):
        first = await order(desk)
        await desk.hear(events.refused(first.order_id))
        second = await next_order(desk)

        await desk.hear(events.refused(second.order_id, provider_id="globex"))
        third = await next_order(desk)
        await desk.hear(events.arrived(third.order_id, shelf=0))

        assert third.provider_id == "initech"
        assert (await next_order(desk)).provider_id == "acme"

    async def test_is_tried_after_the_last_one_when_a_back_off_is_over(self, desk):
        for provider_id in ("acme", "globex", "initech"):
            approved = await (order(desk) if provider_id == "acme" else next_order(desk))
            said = await desk.hear(events.refused(approved.order_id, provider_id=provider_id))

        (held,) = said
        desk.store.now = held.reconsider_at

        assert held.reason == "not_delivered"
        assert a.names_of(await reassess_due(desk.store)) == ["TriggerSet"]
        assert (await next_order(desk)).provider_id == "acme"


class TestTwoOrdersAtOnce:
    async def test_would_be_found(self, desk):
        first = await order(desk)
        await desk.hear(events.refused(first.order_id))
        second = await next_order(desk)
        await desk.store.connection.execute(
            "UPDATE reorder SET ended_at = ended_at + interval '1 day' WHERE order_id = $1", first.order_id
        )

        desk.expected = {
            "check_next_order_waits_for_the_end_of_the_last": [
                (second.order_id, f"decided in epoch 2 while {first.order_id} was open")
            ]
        }
