"""Metrics of duplicates, gaps and quarantined slots."""

from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from libs.kit.testing import store_for
from services.consumption.handlers.accounts import on_device_registered
from services.consumption.handlers.usage import on_usage
from services.consumption.service import SERVICE
from services.consumption.store.measures import DUPLICATE_REPORTS
from tests.integration.consumption import reported
from tests.integration.consumption.reported import slot_of, used


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = reported.NOON
        await on_device_registered(reported.registered(), opened)
        yield opened


async def test_duplicate_report_is_counted(store):
    await on_usage([used(3, 1), used(4, 2)], store)
    await on_usage([used(3, 1), used(3, 1), used(4, 2)], store)

    assert store.counted == [(DUPLICATE_REPORTS, 1)] * 3


async def test_gaps_and_quarantined_slots_are_counted(store):
    await on_usage([used(1, 2), used(1, 4)], store)
    slot = await slot_of(store)
    await store.save_slots({("brewer", "1"): slot}, [replace(slot, quarantined=True)])

    for measure in SERVICE.measures:
        await measure.take(store)

    shown = {name: REGISTRY.get_sample_value(f"consumption_{name}") for name in ("gaps", "quarantined_slots")}
    assert shown == {"gaps": 2, "quarantined_slots": 1}
