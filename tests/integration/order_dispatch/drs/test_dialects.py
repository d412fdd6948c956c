"""Tests with an older dialect of DRS: version 1, wrapped messages, SHA-1, every message twice."""

import pytest

from tests.integration.order_dispatch.drs.conftest import register

OLD = ("--signature-version", "1", "--notification-version", "1", "--wrapped", "--copies", "2", "--token-seconds", "60")


@pytest.fixture(scope="module")
async def olden(town):
    options = {"deregister_version": 1, "subscription_info_version": 1, "is_test_device": True, "country": "DE"}
    async with town.shop("olden", *OLD, **options):
        await register(town, "ann", "washer", 1)
        await town.link("ann", "washer", "olden")
        yield town


async def test_test_order_is_shipped_and_can_be_cancelled(olden):
    await olden.placing("t1", provider="olden")
    first = await olden.ask("t1")
    await olden.reaches("t1", "placed")
    await olden.ask("t1", "cancel")
    await olden.reaches("t1", "cancelled")
    await olden.placing("t2", provider="olden")
    second = await olden.ask("t2")
    await olden.browser.post(f"{olden.shop_url}/shop/ship", params={"instance": second.reference})

    shipped = await olden.reaches("t2", "shipped")

    assert first.reference != second.reference
    assert shipped["shipped"] == {"quantity": "20", "unit": "C62"}
    assert [line["test"] for line in olden.book("placed", "olden")] == [True, True]
    await olden.comes_true("SELECT 1 FROM sns_message WHERE provider_id = 'olden' HAVING min(repeats) >= 1")
    assert await olden.sql("SELECT outcome FROM provider_update WHERE provider_id = 'olden' AND repeats > 0") == []


async def test_short_lived_token_is_renewed_before_each_call(olden):
    # A lifetime of 60 s is below the renewal margin: every call renews the token first.
    before = len(olden.book("token", "olden"))

    await olden.ask("t2", "status")
    await olden.ask("t2", "status")

    assert len(olden.book("token", "olden")) == before + 2


async def test_deregister_by_version_1_path(olden):
    (link,) = [one for one in await olden.links("ann") if one["provider_id"] == "olden"]
    await olden.unlink("ann", link["link_id"])

    await olden.comes_true("SELECT 1 FROM link WHERE link_id = $1 AND state = 'ended'", link["link_id"])

    assert [line["serial"] for line in olden.book("deregistered", "olden")] == ["washer"]
