"""Tests of circuit breaker and rate limit."""

import time
from email.utils import formatdate

import pytest

from libs.http_client.breaker import BreakerState, CallGate, CallLimits
from libs.http_client.exchange import parse_retry_after

LIMITS = CallLimits(failures=3, open_seconds=30, calls_per_second=2, burst=10)


def broken(at=0.0):
    pace = CallGate(LIMITS, at)
    for _ in range(3):
        assert pace.acquire(at) is None
        pace.failed(at)
    return pace


class TestBreaker:
    def test_opens_after_consecutive_failures(self):
        pace = broken()

        assert pace.state(0) is BreakerState.OPEN
        assert pace.acquire(1).reason == "too many calls failed"
        assert pace.acquire(1).seconds == 29

    def test_success_resets_failure_count(self):
        pace = CallGate(LIMITS, 0)
        for _ in range(5):
            pace.failed(0)
            pace.failed(0)
            pace.succeeded()

        assert pace.state(0) is BreakerState.CLOSED

    def test_allows_one_trial_call_after_open_time(self):
        pace = broken()

        assert pace.acquire(30) is None
        assert pace.acquire(30).reason == "too many calls failed"
        assert pace.state(30) is BreakerState.PROBING

    def test_closes_after_successful_trial(self):
        pace = broken()
        pace.acquire(30)
        pace.succeeded()

        assert pace.acquire(30) is None
        assert pace.state(30) is BreakerState.CLOSED

    def test_reopens_after_failed_trial(self):
        pace = broken()
        pace.acquire(30)
        pace.failed(31)

        assert pace.acquire(60).reason == "too many calls failed"
        assert pace.acquire(61) is None

    def test_allows_another_trial_after_pause(self):
        pace = broken()
        pace.acquire(30)
        pace.pause(30, 5)

        assert pace.acquire(34).reason == "the provider requested a pause"
        assert pace.acquire(35) is None


class TestRateLimit:
    def test_allows_burst_then_sustained_rate(self):
        pace = CallGate(LIMITS, 0)

        assert [pace.acquire(0) for _ in range(10)] == [None] * 10
        assert pace.acquire(0) == ("the rate limit is reached", 0.5)
        assert pace.acquire(0.5) is None
        assert pace.acquire(0.5) is not None

    def test_tokens_are_limited_to_burst(self):
        assert CallGate(LIMITS, 0).tokens(1000) == 10

    def test_refused_calls_take_no_token(self):
        pace = broken()
        for _ in range(100):
            pace.acquire(1)

        assert pace.tokens(1) == 9


class TestPause:
    def test_pause_blocks_calls_without_counting_as_failure(self):
        pace = CallGate(LIMITS, 0)
        for _ in range(5):
            pace.pause(0, 7)

        assert pace.acquire(6.9).reason == "the provider requested a pause"
        assert pace.acquire(7) is None
        assert pace.state(7) is BreakerState.CLOSED

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("7", 7), (" 7 ", 7), ("0", 0), ("999999999999", 3600), ("", 1), ("-5", 1), ("soon", 1), ("٣", 1)],
    )
    def test_pause_of_parses_seconds(self, header, seconds):
        assert parse_retry_after(header) == seconds

    def test_pause_of_parses_date(self):
        assert 58 < parse_retry_after(formatdate(time.time() + 60, usegmt=True)) <= 60
        assert parse_retry_after(formatdate(time.time() - 60, usegmt=True)) == 0
