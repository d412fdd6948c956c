"""Tests of circuit breaker and rate limit."""

import time
from email.utils import formatdate

import pytest

from libs.http_client.breaker import BreakerState, CallGate, CallLimits
from libs.http_client.exchange import parse_retry_after

LIMITS = CallLimits(failures=3, open_seconds=30, calls_per_second=2, burst=10)


def opened(at=0.0):
    gate = CallGate(LIMITS, at)
    for _ in range(3):
        assert gate.acquire(at) is None
        gate.failed(at)
    return gate


class TestBreaker:
    def test_opens_after_consecutive_failures(self):
        gate = opened()

        assert gate.state(0) is BreakerState.OPEN
        assert gate.acquire(1).reason == "too many calls failed"
        assert gate.acquire(1).seconds == 29

    def test_success_resets_failure_count(self):
        gate = CallGate(LIMITS, 0)
        for _ in range(5):
            gate.failed(0)
            gate.failed(0)
            gate.succeeded()

        assert gate.state(0) is BreakerState.CLOSED

    def test_allows_one_trial_call_after_open_time(self):
        gate = opened()

        assert gate.acquire(30) is None
        assert gate.acquire(30).reason == "too many calls failed"
        assert gate.state(30) is BreakerState.PROBING

    def test_closes_after_successful_trial(self):
        gate = opened()
        gate.acquire(30)
        gate.succeeded()

        assert gate.acquire(30) is None
        assert gate.state(30) is BreakerState.CLOSED

    def test_reopens_after_failed_trial(self):
        gate = opened()
        gate.acquire(30)
        gate.failed(31)

        assert gate.acquire(60).reason == "too many calls failed"
        assert gate.acquire(61) is None

    def test_allows_another_trial_after_pause(self):
        gate = opened()
        gate.acquire(30)
        gate.pause(30, 5)

        assert gate.acquire(34).reason == "the provider requested a pause"
        assert gate.acquire(35) is None


class TestRateLimit:
    def test_allows_burst_then_sustained_rate(self):
        gate = CallGate(LIMITS, 0)

        assert [gate.acquire(0) for _ in range(10)] == [None] * 10
        assert gate.acquire(0) == ("the rate limit is reached", 0.5)
        assert gate.acquire(0.5) is None
        assert gate.acquire(0.5) is not None

    def test_tokens_are_limited_to_burst(self):
        assert CallGate(LIMITS, 0).tokens(1000) == 10

    def test_refused_calls_take_no_token(self):
        gate = opened()
        for _ in range(100):
            gate.acquire(1)

        assert gate.tokens(1) == 9


class TestPause:
    def test_pause_blocks_calls_without_counting_as_failure(self):
        gate = CallGate(LIMITS, 0)
        for _ in range(5):
            gate.pause(0, 7)

        assert gate.acquire(6.9).reason == "the provider requested a pause"
        assert gate.acquire(7) is None
        assert gate.state(7) is BreakerState.CLOSED

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("7", 7), (" 7 ", 7), ("0", 0), ("999999999999", 3600), ("", 1), ("-5", 1), ("soon", 1), ("٣", 1)],
    )
    def test_parse_retry_after_in_seconds(self, header, seconds):
        assert parse_retry_after(header) == seconds

    def test_parse_retry_after_as_date(self):
        assert 58 < parse_retry_after(formatdate(time.time() + 60, usegmt=True)) <= 60
        assert parse_retry_after(formatdate(time.time() - 60, usegmt=True)) == 0
