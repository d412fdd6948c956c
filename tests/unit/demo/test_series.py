"""The rule that turns purchases into use, by hand-computed examples and on the whole file."""

from datetime import date, timedelta

from deploy.demo.series import daily_use, read_series

JANUARY = [date(2021, 1, day) for day in range(1, 32)]


class TestDailyUse:
    def test_spreads_packs_evenly_until_the_next_purchase(self):
        bought = {JANUARY[0]: 1, JANUARY[3]: 2, JANUARY[6]: 1}

        uses = list(daily_use(bought))

        assert uses == [333, 333, 334, 666, 667, 667, 333, 333, 334]

    def test_stops_after_three_medians_of_a_long_gap(self):
        bought = {JANUARY[0]: 1, JANUARY[1]: 1, JANUARY[2]: 3, JANUARY[22]: 1}

        uses = list(daily_use(bought))

        assert uses[:2] == [1000, 1000]
        assert uses[2:5] == [1000, 1000, 1000]
        assert set(uses[5:22]) == {0}
        assert uses[22:] == [1000]

    def test_half_day_median_is_exact(self):
        bought = {JANUARY[0]: 1, JANUARY[1]: 1, JANUARY[3]: 1}

        uses = list(daily_use(bought))

        assert uses == [1000, 500, 500, 666, 334]


class TestReadSeries:
    def test_all_bought_packs_are_used(self):
        series = read_series()

        assert len(series) == 697
        assert all(sum(one.uses) % 1000 == 0 for one in series)
        assert all(one.packs >= 1 and one.price_cents > 0 for one in series)

    def test_use_of_day_and_period_agree(self):
        one = read_series()[0]
        month = [one.first + timedelta(days=number) for number in range(-3, 30)]

        used = sum(one.used_on(day) for day in month)

        assert one.used_between(month[0], month[-1]) == used > 0
