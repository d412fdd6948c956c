import pytest

from replenish_contracts.catalogue import CATALOGUE
from replenish_contracts.wire import as_event, decoder, encode
from services.gateway.domain.judging import judge
from services.gateway.domain.records import SOURCE, write
from tests.unit.gateway import a

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
DRAFTS = [
    a.used(),
    a.used(boot=None, seq=None, id='ü"\\', occurred_at=a.NOW.replace(microsecond=120)),
    a.measured(),
    a.measured(boot=None, seq=None),
    a.refilled(),
    a.refilled(quantity="30", id="r"),
]


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("traceparent", [None, TRACE])
def test_a_record_is_to_the_byte_what_the_contracts_would_write(draft, traceparent):
    report = judge(draft, a.device(), a.NOW, a.SENSE, person=False)

    record = write(report.type, report.id, report.said, traceparent)

    event = CATALOGUE[report.type].model_validate(report.said)
    assert record.value == encode(event, id=report.id, source=SOURCE, time=a.NOW, traceparent=traceparent)
    assert record.key == b"machine-1"
    assert as_event(decoder("usage")(record.value)) == event
