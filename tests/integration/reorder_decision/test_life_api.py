"""Holidays, alternative providers and scores over HTTP."""

import pytest

from tests.support import decision_events as events
from tests.support import decisions as a
from tests.support.decision_environment import DEADLINE_SECONDS, of
from tests.support.decision_environment import world as opened
from tests.support.portal_server import until


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    async with opened(database, kafka_url, tmp_path_factory.mktemp("world")) as world:
        yield world


def span(start, end):
    return {"from": (a.NOON + a.days(start)).isoformat(), "until": (a.NOON + a.days(end)).isoformat()}


class TestHoliday:
    async def test_holiday_holds_low_pool_until_cancelled(self, world):
        subscription = await world.moved_in("hal")
        path = "/v1/customers/hal/holiday"
        kept = await world.decisions("PUT", path, span(-1, 20))
        await world.publish(of("hal", events.crossed(1)))
        (held,) = await world.heard("reorders", 1, customer_id="hal", reason="away")

        shown = await world.decisions("GET", f"/v1/subscriptions/{subscription['subscription_id']}")
        over = await world.decisions("DELETE", path)
        again = await world.decisions("GET", f"/v1/subscriptions/{subscription['subscription_id']}")

        assert (kept.status_code, kept.json()) == (200, span(-1, 20))
        assert held["data"]["reconsider_at"] == "2026-03-16T12:00:00Z"
        assert shown.json()["pool"]["reason"] == "away"
        assert over.status_code == 204
        assert again.json()["pool"]["situation"] == "armed"
        assert (await world.decisions("GET", path)).json() == {"from": None, "until": None}

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (span(3, 2), 422),
            (span(-9, -1), 422),
            ({"from": "2026-03-02", "until": "2026-03-09"}, 422),
            ({"from": "2026-03-02T00:00:00", "until": "2026-03-09T00:00:00"}, 422),
            ({"until": "2026-03-09T00:00:00Z"}, 422),
            ({"from": "0001-01-01T00:00:00Z", "until": "2026-03-09T00:00:00Z"}, 422),
            ({"from": "2026-03-02T00:00:00Z", "until": "9999-12-31T23:59:59.999999Z"}, 422),
        ],
        ids=["backwards", "over", "days only", "no offset", "no begin", "since ever", "for ever"],
    )
    async def test_invalid_holiday_is_refused(self, world, body, status):
        answer = await world.decisions("PUT", "/v1/customers/ida/holiday", body)

        assert answer.status_code == status, answer.text

    async def test_holiday_of_other_customer_is_refused(self, world):
        other = {"role": "customer", "customer_id": "jan"}

        answers = [
            await world.decisions("PUT", "/v1/customers/ida/holiday", span(1, 2), **other),
            await world.decisions("GET", "/v1/customers/ida/holiday", **other),
            await world.decisions("DELETE", "/v1/customers/ida/holiday", **other),
        ]

        assert [answer.status_code for answer in answers] == [404] * 3


class TestAlternatives:
    async def test_alternatives_are_stored_and_shown(self, world):
        subscription = await world.moved_in("kim", alternatives=["globex"])
        path = f"/v1/subscriptions/{subscription['subscription_id']}"

        changed = await world.decisions("PATCH", path, {"alternatives": ["initech", "globex"]})
        left = await world.decisions("PATCH", path, {"packs": 2})

        assert subscription["alternatives"] == ["globex"]
        assert changed.json()["alternatives"] == left.json()["alternatives"] == ["initech", "globex"]


class TestScore:
    async def test_score_has_rates_counts_and_lead_times(self, world):
        await world.publish(events.provider(lead_time_days=3))
        await world.moved_in("lea")
        await world.publish(of("lea", events.crossed(1)))
        (approved,) = await world.heard("reorders", 1, customer_id="lea", provider_id="acme", epoch=1)
        order_id = approved["data"]["order_id"]
        await world.publish(
            of("lea", events.placed(order_id, expected_at=a.NOON + a.days(2))),
            of("lea", events.delivered(order_id, delivered_at=a.NOON + a.days(2), quantity=30)),
        )

        async def counted():
            world.clock.step_to(world.clock.now() + a.days(1))
            answer = await world.decisions("GET", "/v1/providers/acme/score")
            return answer.json() if answer.json()["counts"]["delivered"] else None

        shown = await until(counted, "the order is counted", DEADLINE_SECONDS)

        (product,) = shown["products"]
        assert shown["counts"] == product["counts"]
        assert (shown["counts"]["short"], shown["counts"]["filled"], shown["counts"]["on_time"]) == (1, 0.75, 1)
        assert shown["rates"] == {"comes": 0.9167, "on_time": 0.9167, "filled": 0.875, "dearness": 1.0}
        assert shown["score"] == 73.5
        assert product["lead_time"] == {"days": 3.0, "learned": False, "stated": 3.0, "observations": 1}

    async def test_score_of_unknown_or_other_provider_is_refused(self, world):
        await world.know_offer()
        own = await world.decisions("GET", "/v1/providers/globex/score", role="provider", provider_id="acme")
        missing = await world.decisions("GET", "/v1/providers/unknown/score")

        assert (own.status_code, missing.status_code) == (403, 404)
