"""Tests with an older dialect of DRS: version 1, wrapped messages, SHA-1, every message twice."""

import pytest

from tests.integration.order_dispatch.drs.environment import register

OLD = ("--signature-version", "1", "--notification-version", "1", "--wrapped", "--copies", "2", "--token-seconds", "60")


@pytest.fixture(scope="module")
async def old_dialect(environment):
    options = {"deregister_version": 1, "subscription_info_version": 1, "is_test_device": True, "country": "DE"}
    async with environment.shop("olden", *OLD, **options):
        await register(environment, "ann", "washer", 1)
        await environment.link("ann", "washer", "olden")
        yield environment


async def test_test_order_is_shipped_and_can_be_cancelled(old_dialect):
    await old_dialect.add_placing_order("t1", provider="olden")
    first = await old_dialect.call_provider("t1")
    await old_dialect.reaches("t1", "placed")
    await old_dialect.call_provider("t1", "cancel")
    await old_dialect.reaches("t1", "cancelled")
    await old_dialect.add_placing_order("t2", provider="olden")
    second = await old_dialect.call_provider("t2")
    await old_dialect.browser.post(f"{old_dialect.shop_url}/shop/ship", params={"instance": second.reference})

    shipped = await old_dialect.reaches("t2", "shipped")

    assert first.reference != second.reference
    assert shipped["shipped"] == {"quantity": "0", "unit": "C62"}  # a test order
    assert [line["test"] for line in old_dialect.shop_log("placed", "olden")] == [True, True]
    await old_dialect.wait_for_row("SELECT 1 FROM sns_message WHERE provider_id = 'olden' HAVING min(repeats) >= 1")
    assert (
        await old_dialect.fetch("SELECT outcome FROM provider_update WHERE provider_id = 'olden' AND repeats > 0") == []
    )


async def test_short_lived_token_is_renewed_before_each_call(old_dialect):
    # A lifetime of 60 s is below the renewal margin: every call renews the token first.
    before = len(old_dialect.shop_log("token", "olden"))

    await old_dialect.call_provider("t2", "status")
    await old_dialect.call_provider("t2", "status")

    assert len(old_dialect.shop_log("token", "olden")) == before + 2


async def test_deregister_by_version_1_path(old_dialect):
    (link,) = [one for one in await old_dialect.links("ann") if one["provider_id"] == "olden"]
    await old_dialect.unlink("ann", link["link_id"])

    await old_dialect.wait_for_row("SELECT 1 FROM link WHERE link_id = $1 AND state = 'ended'", link["link_id"])

    assert [line["serial"] for line in old_dialect.shop_log("deregistered", "olden")] == ["washer"]
