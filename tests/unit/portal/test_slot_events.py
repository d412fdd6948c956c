"""Which anomalies of a slot ask the customer to check it."""

import pytest

from replenish_contracts.events import AnomalyCode, SlotAnomalyDetected
from services.portal.handlers.slots import on_slot_anomaly_detected


class Views:
    def __init__(self):
        self.saved = []

    async def save_slot_view(self, _place, _customer_id, view):
        self.saved.append(view.anomaly)


@pytest.mark.parametrize(
    ("code", "is_shown"),
    [
        (None, True),  # events of before the code
        (AnomalyCode.OVERDRAWN, True),
        (AnomalyCode.TOO_MANY_GAPS, True),
        (AnomalyCode.SHARED_COUNTER, False),
        (AnomalyCode.MISSING_REPORTS, False),
        (AnomalyCode.REPEATED_REPORTS, False),
    ],
)
async def test_only_doubts_about_the_level_are_shown_to_customers(code, is_shown):
    views = Views()
    event = SlotAnomalyDetected(
        device_id="brewer",
        slot="1",
        customer_id="ann",
        product_id="pods",
        reason="why",
        code=code,
        level=5,
        uncertainty=1.0,
        occurred_at="2026-01-01T12:00:00Z",
    )

    await on_slot_anomaly_detected(event, views)

    assert views.saved == (["why"] if is_shown else [])
