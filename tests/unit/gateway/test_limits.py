import pytest

from services.gateway.domain.limits import Bucket, Buckets, Limit, take

LIMIT = Limit(per_second=10, burst=50)


class TestTake:
    def test_gives_a_burst_at_once_and_then_the_rate(self):
        bucket, wait = take(Bucket(50, 0.0), 50, 0.0, LIMIT)
        _, too_soon = take(bucket, 10, 0.5, LIMIT)
        after, in_time = take(bucket, 10, 1.0, LIMIT)

        assert (wait, too_soon, in_time) == (0.0, 0.5, 0.0)
        assert after == Bucket(0, 1.0)

    def test_fills_no_further_than_the_burst(self):
        bucket, _ = take(Bucket(0, 0.0), 1, 1000.0, LIMIT)

        assert bucket.tokens == 49

    def test_takes_nothing_when_it_is_not_enough(self):
        bucket, wait = take(Bucket(5, 0.0), 6, 0.0, LIMIT)

        assert bucket.tokens == 5
        assert wait == pytest.approx(0.1)


class TestBuckets:
    def test_one_sender_does_not_drain_anothers(self):
        buckets = Buckets(LIMIT, room=10)

        assert buckets.take("a", 50, 0.0) == 0
        assert buckets.take("a", 1, 0.0) > 0
        assert buckets.take("b", 1, 0.0) == 0

    def test_asking_takes_nothing(self):
        buckets = Buckets(Limit(1, 1), room=10)

        assert [buckets.wait("a", 0.0) for _ in range(3)] == [0, 0, 0]
        buckets.take("a", 1, 0.0)
        assert buckets.wait("a", 0.0) == 1

    def test_remember_only_so_many(self):
        buckets = Buckets(LIMIT, room=2)

        for sender in "abc":
            buckets.take(sender, 50, 0.0)

        assert buckets.take("a", 50, 0.0) == 0
        assert buckets.take("c", 1, 0.0) > 0
