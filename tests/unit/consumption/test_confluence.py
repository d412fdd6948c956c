"""Level and books do not depend on the order or repetition of reports.

Here no reading is a jump: whether one waits depends on what is known when it arrives (test_jumps.py).
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replenish_contracts.events import Fill, Loading, SlotCorrected, SlotFilled
from services.consumption.domain import readings
from services.consumption.domain.apply import apply_report
from services.consumption.domain.booking import Outcome
from services.consumption.domain.report import ReadingKind, plausible_use_time
from tests.unit.consumption import builders as a
from tests.unit.consumption.ledger import Ledger

quantities = st.integers(0, 40)


@pytest.fixture(scope="module", autouse=True)
def _no_jumps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readings, "is_jump", lambda *_: False)
        yield


@st.composite
def reports(draw, counted=None):
    boot = draw(st.sampled_from(["b1", "b2", "b3"]))
    seq = draw(st.integers(1, 12)) if counted is None else counted
    kind = draw(st.sampled_from(["use", "use", "use", "refill", "look"]))
    if kind == "use":
        return a.use(draw(quantities), seq, boot)
    if kind == "refill":
        return a.refill(draw(st.integers(1, 40)), seq, boot)
    return a.measured(draw(quantities), seq, boot, kind=draw(st.sampled_from(list(ReadingKind))))


uncounted = reports().map(lambda report: replace(report, boot=None, seq=None))
anything = st.lists(st.one_of(reports(), reports(), reports(), uncounted), max_size=30)


def sums_of(slot):
    books = slot.books
    return books.opening, slot.level, books.received, books.used_total, books.unreported, books.unexplained


def told_of(said):
    """Return the quantity added by events: fills and corrections."""
    fills = sum(event.quantity for event in said if isinstance(event, SlotFilled))
    return fills + sum(event.difference for event in said if isinstance(event, SlotCorrected))


def heard(slot, story):
    said = []
    for report in story:
        decision = apply_report(slot, report)
        slot = decision.slot
        said += decision.events
    return slot, said


class TestAnyReports:
    @settings(max_examples=300)
    @given(anything, st.sampled_from(list(Loading)), st.sampled_from([0, 100]))
    def test_result_equals_reports_in_order(self, story, loading, cartridge):
        by_hand = loading is Loading.BY_HAND
        slot, said = a.slot(30, loading=loading, fill=Fill.REPLACE if cartridge else Fill.ADD), []
        ledger = Ledger(30, cartridge if by_hand else 0)

        for report in story:
            decision = apply_report(slot, report)
            slot, said = decision.slot, [*said, *decision.events]
            assert decision.outcome is (Outcome.APPLIED if ledger.hear(report) else Outcome.DUPLICATE)
            expected = ledger.sums()
            assert sums_of(slot) == (30, *expected[:5])
            assert told_of(said) == expected.received + expected.corrected + by_hand * expected.inferred

    @settings(max_examples=100)
    @given(anything)
    def test_each_sequence_is_known_as_received_or_missing(self, story):
        slot, _ = heard(a.slot(30), story)

        told = {(report.boot, report.seq) for report in story if report.seq is not None}
        missing = {(gap.boot, seq) for gap in slot.gaps for seq in range(gap.first, (gap.last or 12) + 1)}
        still_to_come = {(slot.boot, seq) for seq in range(slot.last_seq + 1, 13)}
        assert told.isdisjoint(missing)
        assert told | missing | still_to_come >= {(boot, seq) for boot, _ in told for seq in range(1, 13)}


class TestPermutations:
    """The final slot does not depend on the order or repetition of reports."""

    @settings(max_examples=150)
    @given(st.data())
    def test_permuted_and_repeated_reports_give_same_slot(self, data):
        story = [data.draw(reports(counted=seq)) for seq in range(1, data.draw(st.integers(1, 12)) + 1)]
        story = [replace(report, boot="b1") for report in story]
        shuffled = data.draw(st.permutations(story + data.draw(st.lists(st.sampled_from(story), max_size=6))))

        in_order, said_in_order = heard(a.slot(30), story)
        as_it_came, said_as_it_came = heard(a.slot(30), shuffled)

        assert as_it_came.books == in_order.books
        assert told_of(said_as_it_came) == told_of(said_in_order)
        assert as_it_came.gaps == ()

    @settings(max_examples=60)
    @given(st.data())
    def test_wrong_device_clock_gives_same_level(self, data):
        story = [data.draw(reports()) for _ in range(data.draw(st.integers(1, 15)))]
        years = data.draw(st.sampled_from([-10, 10])) * 365 * a.DAY
        in_time = [replace(report, received_at=a.START + n, used_at=a.START + n) for n, report in enumerate(story)]
        off_time = [
            replace(report, used_at=plausible_use_time(report.used_at + years, report.received_at))
            for report in in_time
        ]

        right, said = heard(a.slot(30), in_time)
        off, said_off = heard(a.slot(30), off_time)

        assert off == right
        assert said_off == said
