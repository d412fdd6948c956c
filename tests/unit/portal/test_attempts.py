from services.portal.domain.attempts import ROOM, Attempts


class TestAttempts:
    def test_let_somebody_be_wrong_so_often_a_minute(self):
        attempts = Attempts(2)
        attempts.fail("a", 0.0)
        attempts.fail("a", 10.0)

        assert attempts.wait("a", 20.0) == 40.0
        assert attempts.wait("b", 20.0) == 0.0
        assert attempts.wait("a", 60.0) == 0.0

    def test_remember_only_so_many(self):
        attempts = Attempts(1)
        for number in range(ROOM + 1):
            attempts.fail(str(number), 0.0)

        assert attempts.wait("0", 1.0) == 0.0
        assert attempts.wait(str(ROOM), 1.0) > 0
