from services.portal.domain.attempts import MAX_CLIENTS, Attempts


class TestAttempts:
    def test_wait_limits_failures_per_minute(self):
        attempts = Attempts(2)
        attempts.record_failure("a", 0.0)
        attempts.record_failure("a", 10.0)

        assert attempts.seconds_to_wait("a", 20.0) == 40.0
        assert attempts.seconds_to_wait("b", 20.0) == 0.0
        assert attempts.seconds_to_wait("a", 60.0) == 0.0

    def test_fail_forgets_oldest_client_at_capacity(self):
        attempts = Attempts(1)
        for number in range(MAX_CLIENTS + 1):
            attempts.record_failure(str(number), 0.0)

        assert attempts.seconds_to_wait("0", 1.0) == 0.0
        assert attempts.seconds_to_wait(str(MAX_CLIENTS), 1.0) > 0
