"""Repeated, reordered and contradictory updates of a provider credit the goods once."""

from tests.support import households as a


async def test_repeated_and_reordered_updates_credit_once(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()

    for status in ("delivered", "shipped", "accepted", "delivered"):
        for _ in range(2):
            await world.provider.publishes(order, status, update_id=f"{order}-{status}")
    await world.settled()

    told = await home.order(order)
    assert [step["to_state"] for step in told["history"]] == ["drafted", "placing", "placed", "shipped", "delivered"]
    assert {
        one["update_id"].removeprefix(f"{order}-"): (one["outcome"], one["repeats"]) for one in told["updates"]
    } == {
        "delivered": ("applied", 3),
        "shipped": ("not_applied", 1),
        "accepted": ("not_applied", 1),
    }
    assert await home.level() == 53
    assert (await home.stock())["loaded"] == 50
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.orders() == [order]
    assert await home.orders_again() != order


async def test_repeated_statuses_with_new_update_ids_credit_once(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()

    for status in ("shipped", "accepted", "shipped", "delivered", "cancelled", "delivered", "refused"):
        await world.provider.publishes(order, status)
    await world.settled()

    assert await home.state(order) == "delivered"
    assert await home.level() == 53
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.orders() == [order]


async def test_other_status_with_known_update_id_becomes_dead_letter(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()

    await world.provider.reports(order, "accepted", update_id=f"{order}-1")
    await world.provider.reports(order, "refused", update_id=f"{order}-1")
    listed = world.command("dead-letters", "list", "--service", "order-dispatch")

    assert await home.state(order) == "placed"
    reason = f"update {order}-1 of acme was first received with different content"
    assert "".join(reason.split()) in "".join(listed.stdout.split())  # the table breaks lines inside the order id


async def test_update_of_unknown_order_is_unmatched(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()

    await world.provider.reports("no-such-order", "delivered")
    answer = await world.ask("order_dispatch", "GET", "/v1/providers/acme/updates")

    assert await home.state(order) == "placing"
    assert ("no-such-order", "unmatched") in [(one["order_id"], one["outcome"]) for one in answer["updates"]]
