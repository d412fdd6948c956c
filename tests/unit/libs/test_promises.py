"""Promised dates in OrderUpdated, as providers write it."""

import json
from datetime import UTC, date, datetime

import pytest

from replenish_contracts.wire import as_event, decoder

AT = "2026-12-01T08:00:00Z"
DATA = {"provider_id": "acme", "update_id": "u1", "order_id": "o1", "status": "accepted", "occurred_at": AT}


def read(**promise):
    envelope = {"type": "OrderUpdated", "specversion": "1.0", "id": "1", "source": "/acme", "subject": "o1", "time": AT}
    value = json.dumps(envelope | {"data": DATA | promise}).encode()
    update = as_event(decoder("provider-updates-acme")(value))
    return update.expected_at, update.expected_date, [note.field for note in update.notes]


@pytest.mark.parametrize(
    "promise", [{"expected_at": "2026-12-05"}, {"expected_date": "2026-12-05"}, {"expected_at": " 2026-12-05 "}]
)
def test_date_without_a_time_is_a_date(promise):
    assert read(**promise) == (None, date(2026, 12, 5), [])


def test_midnight_stays_a_time_because_the_event_has_a_field_for_dates():
    assert read(expected_at="2026-12-05T00:00:00Z") == (datetime(2026, 12, 5, tzinfo=UTC), None, [])


@pytest.mark.parametrize(
    ("promise", "field"),
    [
        ({"expected_at": "2026-02-30"}, "expected_date"),
        ({"expected_date": "soon"}, "expected_date"),
        ({"expected_at": ""}, "expected_at"),
        ({"expected_at": 1796428800}, "expected_at"),
    ],
)
def test_what_is_no_date_is_left_out_with_a_note(promise, field):
    assert read(**promise) == (None, None, [field])
