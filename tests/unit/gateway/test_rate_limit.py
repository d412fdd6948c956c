import pytest

from services.gateway.domain.rate_limit import Bucket, RateLimit, RateLimiter, take

LIMIT = RateLimit(per_second=10, burst=50)


class TestTake:
    def test_allows_burst_then_rate(self):
        bucket, wait = take(Bucket(50, 0.0), 50, 0.0, LIMIT)
        _, too_soon = take(bucket, 10, 0.5, LIMIT)
        after, in_time = take(bucket, 10, 1.0, LIMIT)

        assert (wait, too_soon, in_time) == (0.0, 0.5, 0.0)
        assert after == Bucket(0, 1.0)

    def test_refills_up_to_burst(self):
        bucket, _ = take(Bucket(0, 0.0), 1, 1000.0, LIMIT)

        assert bucket.tokens == 49

    def test_takes_nothing_if_tokens_are_too_few(self):
        bucket, wait = take(Bucket(5, 0.0), 6, 0.0, LIMIT)

        assert bucket.tokens == 5
        assert wait == pytest.approx(0.1)


class TestRateLimiter:
    def test_senders_have_separate_buckets(self):
        limiter = RateLimiter(LIMIT, max_senders=10)

        assert limiter.take("a", 50, 0.0) == 0
        assert limiter.take("a", 1, 0.0) > 0
        assert limiter.take("b", 1, 0.0) == 0

    def test_wait_takes_no_tokens(self):
        limiter = RateLimiter(RateLimit(1, 1), max_senders=10)

        assert [limiter.wait("a", 0.0) for _ in range(3)] == [0, 0, 0]
        limiter.take("a", 1, 0.0)
        assert limiter.wait("a", 0.0) == 1

    def test_drops_least_recently_used_sender(self):
        limiter = RateLimiter(LIMIT, max_senders=2)

        for sender in "abc":
            limiter.take(sender, 50, 0.0)

        assert limiter.take("a", 50, 0.0) == 0
        assert limiter.take("c", 1, 0.0) > 0
