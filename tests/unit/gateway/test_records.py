import pytest

from replenish_contracts.catalogue import CATALOGUE
from replenish_contracts.wire import as_event, decoder, encode
from services.gateway.domain.records import SOURCE
from services.gateway.domain.records import encode as encode_record
from services.gateway.domain.validation import validate
from tests.unit.gateway import builders

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
REPORTS = [
    builders.usage(),
    builders.usage(boot=None, seq=None, id='ü"\\', occurred_at=builders.NOW.replace(microsecond=120)),
    builders.level(),
    builders.level(boot=None, seq=None),
    builders.refill(),
    builders.refill(quantity="30", id="r"),
]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("traceparent", [None, TRACE])
def test_encode_returns_the_same_bytes_as_wire_encode(report, traceparent):
    valid = validate(report, builders.device(), builders.NOW, builders.REPORT_LIMITS, from_person=False)

    record = encode_record(valid, traceparent)

    event = CATALOGUE[valid.type].model_validate(valid.data)
    assert record.value == encode(event, id=valid.id, source=SOURCE, time=builders.NOW, traceparent=traceparent)
    assert record.key == b"machine-1"
    assert as_event(decoder("usage")(record.value)) == event
