"""Dropping repeated records and detecting gaps."""

import pytest

from libs.kit.checkpoints import Checkpoint, advance, check_joint
from libs.kit.errors import RecordLossError
from libs.kit.records import Undecodable

FRESH = Checkpoint(next_offset=0, last_sequence=None, last_id=None)


def read(offset, sequence=None, topic="accounts"):
    return Undecodable("", topic, 3, offset, "k", b"", sequence, id=f"id {offset}")


def offsets(records):
    return [record.offset for record in records]


class TestOfAnyTopic:
    def test_drops_what_was_applied(self):
        checkpoint = Checkpoint(5, None, "id 4", 4)

        new, moved = advance(checkpoint, [read(offset, topic="usage") for offset in (3, 4, 5, 6)])

        assert offsets(new) == [5, 6]
        assert moved == Checkpoint(7, None, "id 6", 6)

    def test_stays_where_it_is_without_news(self):
        checkpoint = Checkpoint(9, None, "id 8", 8)

        assert advance(checkpoint, [read(7, topic="usage"), read(8, topic="usage")]) == ([], checkpoint)

    def test_takes_offsets_with_holes(self):
        new, moved = advance(FRESH, [read(offset, topic="usage") for offset in (2, 5, 11)])

        assert offsets(new) == [2, 5, 11]
        assert moved.next_offset == 12

    def test_finds_a_batch_that_was_read_and_never_applied(self):
        known = {("usage", 3): Checkpoint(10, None, "id 9", 9)}

        check_joint(known, {("usage", 3): 10})
        check_joint(known, {("usage", 3): 4})
        with pytest.raises(RecordLossError, match="records 10 to 11"):
            check_joint(known, {("usage", 3): 12})


class TestOfOurOwnTopics:
    def test_takes_the_first_sequence_it_sees_as_the_base(self):
        new, moved = advance(FRESH, [read(0, 41), read(1, 42)])

        assert offsets(new) == [0, 1]
        assert moved.last_sequence == 42

    def test_drops_what_a_relay_sent_twice(self):
        checkpoint = Checkpoint(10, 7, "id 9", 9)

        new, moved = advance(checkpoint, [read(10, 6), read(11, 7), read(12, 8), read(13, 8), read(14, 9)])

        assert offsets(new) == [12, 14]
        assert moved == Checkpoint(15, 9, "id 14", 14)

    def test_moves_over_repeats_so_that_they_are_not_read_again(self):
        new, moved = advance(Checkpoint(10, 7, "id 9", 9), [read(10, 7)])

        assert offsets(new) == []
        assert moved == Checkpoint(11, 7, "id 10", 10)

    def test_finds_a_missing_event(self):
        with pytest.raises(RecordLossError, match=r"accounts/3: sequence 9 at offset 10 after 7"):
            advance(Checkpoint(10, 7, "id 9", 9), [read(10, 9)])

    def test_judges_what_carries_no_number_like_any_other(self):
        new, moved = advance(Checkpoint(10, 7, "id 9", 9), [read(10), read(11, 8)])

        assert offsets(new) == [10, 11]
        assert moved.last_sequence == 8
