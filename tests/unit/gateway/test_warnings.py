from datetime import timedelta

import msgspec
import pytest

from replenish_contracts.events import AnomalyCode
from services.gateway.domain.devices import SlotWarning
from services.gateway.domain.warnings import UNCLASSIFIED, warnings_of
from tests.unit.gateway import builders


def device_with(**warnings):
    return msgspec.structs.replace(builders.device(), warnings=warnings)


def test_warnings_have_code_slot_problem_and_remedy():
    at = builders.NOW - timedelta(hours=1)
    device = device_with(shared_counter=SlotWarning("pods", "gaps in all slots", at))

    (warning,) = warnings_of([device, builders.device()], builders.NOW)

    assert warning == {
        "code": "shared_counter",
        "device_id": "machine-1",
        "slot": "pods",
        "problem": "gaps in all slots",
        "remedy": "count seq for each slot by itself: 1, 2, 3 ... within a boot",
        "at": "2026-01-31T07:00:00+00:00",
    }


@pytest.mark.parametrize(("hours", "shown"), [(0, True), (23.9, True), (24, False), (-1, True)])
def test_warnings_end_after_a_day_without_repeat(hours, shown):
    at = builders.NOW - timedelta(hours=hours)

    assert bool(warnings_of([device_with(overdrawn=SlotWarning("pods", "why", at))], builders.NOW)) is shown


@pytest.mark.parametrize("code", [*AnomalyCode, UNCLASSIFIED, "of_a_later_version"])
def test_every_code_has_a_remedy(code):
    (warning,) = warnings_of([device_with(**{code: SlotWarning("pods", "why", builders.NOW)})], builders.NOW)

    assert warning["remedy"]
