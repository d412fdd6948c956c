"""Times in requests and events that no datetime can hold."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from libs.kit.clock import NearMoment
from replenish_contracts.moments import settle_leap_second
from replenish_contracts.validation import MalformedError, parse

LEAP = datetime(2016, 12, 31, 23, 59, 59, 999_999, UTC)
MOMENT = TypeAdapter(NearMoment)


@pytest.mark.parametrize("text", ["2016-12-31T23:59:60Z", "2016-12-31t23:59:60.5z", "2016-12-31T15:59:60-08:00"])
def test_leap_second_is_the_last_microsecond_before_it(text):
    assert MOMENT.validate_python(text) == LEAP

    used = {"device_id": "m", "slot": "1", "quantity": 1, "boot": text, "seq": 1}
    event = parse("SlotUsed", used | {"occurred_at": text, "received_at": "2017-01-01T00:00:00Z"})

    assert event.occurred_at == LEAP
    assert event.boot == text  # a text that only looks like one


@pytest.mark.parametrize(
    "text", ["2016-12-31T22:59:60Z", "2016-12-31T23:59:61Z", "2016-12-31T23:59:60", "2016-02-31T23:59:60Z"]
)
def test_other_seconds_above_59_are_refused(text):
    assert settle_leap_second(text) is None
    with pytest.raises(ValidationError):
        MOMENT.validate_python(text)
    with pytest.raises(MalformedError):
        parse("SlotRefilled", {"device_id": "m", "slot": "1", "occurred_at": text, "received_at": text})
