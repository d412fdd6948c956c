"""Events of an order with several lines: each line ends its own pool's order, also after the order was split."""

import asyncio

import pytest

from services.reorder_decision.handlers import count_results
from tests.support import decision_events as events
from tests.support import decisions as a

PART = "an order of filters only"


async def subscribe(desk, product_id="pods", **wishes):
    await desk.subscribe(product_id=product_id, subscription_id=f"of {product_id}", **{"days": 14.0, **wishes})


@pytest.fixture
async def approved(home):
    """Order pods and filters together; return the ReorderApproved."""
    await home.hear(events.offer(provider_id="globex", product_id="filters"))
    await subscribe(home, "filters", alternatives=("globex",), **a.COLLECTS)
    await subscribe(home)
    await home.cross("filters")
    (approved,) = await home.cross()
    return approved


async def order_of(desk, pool_id):
    order = (await desk.pool(pool_id)).order
    return order and order.order_id


async def scorecards(desk):
    await count_results(desk.store)
    return {one.product_id: one.record for one in await desk.store.list_scorecards("acme")}


class TestEndOfLines:
    async def test_refused_line_tries_next_provider_and_the_other_goes_on(self, home, approved):
        _, filters = approved.lines

        asked = await home.hear(events.lines_refused(approved.order_id, filters))
        (again,) = await home.cross("filters")

        assert a.names_of(asked) == ["TriggerSet"]
        assert (again.provider_id, [line.product_id for line in again.lines]) == ("globex", ["filters"])
        assert await order_of(home, "ann/pods") == approved.order_id
        assert await home.lines_of(approved.order_id) == [("ann/filters", 2, "ended"), ("ann/pods", 1, "open")]
        assert {product: record.broken for product, record in (await scorecards(home)).items()} == {"filters": 1}

    async def test_repeated_and_late_refusal_changes_nothing(self, home, approved):
        _, filters = approved.lines
        await home.hear(events.lines_refused(approved.order_id, filters))
        (again,) = await home.cross("filters")

        assert await home.hear(events.lines_refused(approved.order_id, filters)) == []
        assert await home.hear(events.refused(approved.order_id, pool_id="ann/filters")) == []

        assert await order_of(home, "ann/filters") == again.order_id

    async def test_cancelled_line_backs_off_alone(self, home, approved):
        pods, _ = approved.lines

        (held,) = await home.hear(events.lines_cancelled(approved.order_id, pods))

        assert (held.pool_id, held.reason, held.order_id) == ("ann/pods", "cancelled_once", approved.order_id)
        assert await order_of(home, "ann/filters") == approved.order_id

    @pytest.mark.parametrize(
        "end",
        [
            lambda one: events.refused(one.order_id, lines=[events.line(line) for line in one.lines]),
            lambda one: events.failed(one.order_id, lines=[events.line(line) for line in one.lines]),
            lambda one: events.lines_refused(one.order_id, *one.lines, complete=True),
        ],
        ids=["refused", "failed", "all lines refused"],
    )
    async def test_end_of_order_ends_all_its_lines(self, home, approved, end):
        said = await home.hear(end(approved))

        assert sorted((event.pool_id, type(event).__name__) for event in said) == [
            *(("ann/filters", "TriggerSet"), ("ann/pods", "ReorderHeld")),
        ]
        assert [await order_of(home, pool_id) for pool_id in ("ann/pods", "ann/filters")] == [None, None]

    async def test_lines_of_left_device_end_without_back_off(self, home, approved):
        said = await home.hear(events.lines_cancelled(approved.order_id, *approved.lines, by="deregistration"))

        assert a.names_of(said) == ["TriggerSet", "TriggerSet"]

    async def test_event_without_lines_ends_the_pool_it_names(self, home, approved):
        await home.hear(events.refused(approved.order_id))

        assert [await order_of(home, pool_id) for pool_id in ("ann/pods", "ann/filters")] == [None, approved.order_id]


class TestDelivery:
    async def test_each_arrived_line_closes_the_order_of_its_pool(self, home, approved):
        said = await home.hear(events.arrived(approved.order_id, line_id="2", product_id="filters"))
        again = await home.hear(events.arrived(approved.order_id, line_id="2", product_id="filters"))

        assert [(event.pool_id, event.epoch) for event in said] == [("ann/filters", 3)]
        assert again == []
        assert await order_of(home, "ann/pods") == approved.order_id
        assert await order_of(home, "ann/filters") is None

    async def test_scorecards_count_each_line_once(self, home, approved):
        pods, filters = approved.lines
        both = [events.line(pods), events.line(filters)]
        await home.hear(events.placed(approved.order_id, lines=both))
        await home.hear(events.delivered(approved.order_id, lines=both[:1], complete=False))
        await home.hear(events.delivered(approved.order_id, lines=[events.line(filters, 20)], quantity=20))
        await home.hear(events.delivered(approved.order_id, lines=both))

        found = await scorecards(home)

        assert {product: (one.delivered, one.filled) for product, one in found.items()} == {
            "pods": (1, 1.0),
            "filters": (1, 0.5),
        }

    async def test_accepted_quantities_are_stored_per_line(self, home, approved):
        pods, filters = approved.lines
        await home.hear(events.placed(approved.order_id, lines=[events.line(pods), events.line(filters, 80)]))

        assert ((await home.pool()).on_order, (await home.pool("ann/filters")).on_order) == (40, 80)


class TestSplitOrder:
    async def test_part_is_followed_by_pool_and_epoch(self, home, approved):
        pods, filters = approved.lines
        await home.hear(events.drafted(approved.order_id, pods))
        await home.hear(events.drafted(PART, filters))
        await home.hear(events.drafted(PART, filters))

        ids = [await order_of(home, pool_id) for pool_id in ("ann/pods", "ann/filters")]
        refused = await home.hear(events.refused(PART, lines=[events.line(filters)]))

        assert ids == [approved.order_id, PART]
        assert a.names_of(refused) == ["TriggerSet"]
        assert await order_of(home, "ann/pods") == approved.order_id
        assert (await scorecards(home))["filters"].broken == 1

    async def test_part_that_arrives_closes_its_pool(self, home, approved):
        _, filters = approved.lines
        await home.hear(events.drafted(PART, filters))

        await home.hear(events.arrived(approved.order_id, line_id="2", product_id="filters"))
        before = await order_of(home, "ann/filters")
        await home.hear(events.arrived(PART, line_id="2", product_id="filters"))

        assert (before, await order_of(home, "ann/filters")) == (PART, None)

    async def test_late_draft_does_not_move_the_next_order(self, home, approved):
        _, filters = approved.lines
        await home.hear(events.lines_refused(approved.order_id, filters))
        (again,) = await home.cross("filters")

        await home.hear(events.drafted(PART, filters))

        assert await order_of(home, "ann/filters") == again.order_id

    async def test_draft_of_unknown_or_old_order_changes_nothing(self, home, approved):
        _, filters = approved.lines
        unknown = filters.model_copy(update={"pool_id": "bob/filters"})
        old = events.drafted(PART, filters).model_copy(update={"lines": ()})

        assert await home.hear(events.drafted("an order of Bob", unknown)) == []
        assert await home.hear(old) == []

        assert await order_of(home, "ann/filters") == approved.order_id

    async def test_receipt_of_part_is_that_of_its_line(self, home, approved):
        _, filters = approved.lines
        await home.hear(events.drafted(PART, filters))

        whole = await home.store.list_receipts_of_order(approved.order_id)
        part = await home.store.list_receipts_of_order(PART)

        assert {row["receipt_id"] for row in whole} == {line.receipt_id for line in approved.lines}
        assert [(row["receipt_id"], row["pool_id"]) for row in part] == [(filters.receipt_id, "ann/filters")]


class TestStatements:
    """A decision, and an event about an order, need as many statements for several lines as for one."""

    DECISION = ("_save_orders", "_save_levels", "save_pool", "_add_receipts")
    END = ("save_provider_failure", "lock_pools_of_lines", "_with_parts", "_end_orders", "save_pool", "_add_receipts")

    @pytest.fixture
    def statements(self, home):
        """Return a function that handles an event, and returns the names of its statements and the events."""
        seen = []
        home.store.connection.add_query_logger(lambda query: seen.append(query.query))

        async def handled(event):
            await asyncio.sleep(0)  # loggers are called in the next round of the loop
            seen.clear()
            published = await home.hear(event)
            await asyncio.sleep(0)
            return tuple(query.split()[1] for query in seen if query.startswith("--")), published

        return handled

    async def test_one_line(self, home, statements):
        await subscribe(home)

        decided, (approved,) = await statements(events.crossed(1, level=26))
        drafted, _ = await statements(events.drafted(approved.order_id, *approved.lines))
        placed, _ = await statements(events.placed(approved.order_id))
        delivered, _ = await statements(events.delivered(approved.order_id))
        arrived, _ = await statements(events.arrived(approved.order_id))

        assert decided == ("lock_pool", "_with_parts", *self.DECISION)
        assert (drafted, placed, delivered) == ((), ("save_acceptance",), ("save_delivery",))
        assert arrived == ("lock_pool", "_with_parts", "_end_orders", "save_pool")

    async def test_refusal_of_one_line(self, home, statements):
        await subscribe(home)
        (approved,) = await home.cross()

        refused, _ = await statements(events.refused(approved.order_id))

        assert refused == self.END

    async def test_two_lines(self, home, statements):
        await subscribe(home, "filters", **a.COLLECTS)
        await subscribe(home)
        await home.cross("filters")

        decided, (approved,) = await statements(events.crossed(1, level=26))
        lines = [events.line(line) for line in approved.lines]
        placed, _ = await statements(events.placed(approved.order_id, lines=lines))
        refused, _ = await statements(events.refused(approved.order_id, lines=lines))

        assert decided == ("lock_pool", "_with_parts", "lock_collecting_pools", "_with_parts", *self.DECISION)
        assert placed == ("save_acceptance",)
        assert refused == self.END
