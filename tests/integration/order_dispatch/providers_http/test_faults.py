"""Tests of each server fault with sample shops: the result is classified correctly, and nothing is ordered twice."""

import asyncio
import time
from dataclasses import replace

import pytest

from deploy.samples.faults import NEVER_SECONDS
from libs.http_client.breaker import CallLimits
from libs.http_client.exchange import UnknownOutcomeError
from libs.kit import RetryLaterError
from replenish_contracts.events import ShipTo
from services.order_dispatch.domain import Cancellation
from services.order_dispatch.providers import acp, webhook
from tests.integration.order_dispatch.providers_http.sample_shops import (
    MemoryRecords,
    Shop,
    client_for,
    http_client,
    shop,
)
from tests.support import orders as a

HOME = ShipTo(name="Ann Lee", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")
KINDS = {"webhook": webhook, "acp": acp}
AMBIGUOUS = ["black-hole", "timeout", "error", "error-after", "garbage", "redirect", "huge"]
#: Faults after which the shop has performed the request.
PERFORMED = {"timeout", "error-after", "garbage", "huge"}
#: Long enough for a response on a busy machine.
TIMEOUT_SECONDS = 2


def order(number=1, **changes):
    return replace(a.drafted(order_id=f"o{number}", provider_id="acme"), **changes)


def cancelled_order(number=1):
    return order(number, cancellation=Cancellation("customer", "enough", a.NOON))


@pytest.mark.parametrize("kind", sorted(KINDS))
class TestShop:
    async def test_submit_is_accepted_with_expected_date(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            answer = await KINDS[kind].submit(order(), HOME, client_for(opened))

        assert answer.status == "accepted"
        assert answer.reference
        assert answer.expected_at is not None
        assert opened.count("accepted") == {"o1": 1}

    async def test_concurrent_submits_place_one_order(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            client = client_for(opened)
            submits = [KINDS[kind].submit(order(), HOME, client) for _ in range(10)]
            answers = await asyncio.gather(*submits, return_exceptions=True)

        assert {type(answer).__name__ for answer in answers} <= {"Answer", "RetryLaterError"}
        assert opened.count("accepted") == {"o1": 1}

    async def test_status_of_unknown_order_is_not_found(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            assert (await KINDS[kind].status(order(), client_for(opened))).status == "not_found"

    async def test_submit_after_cancel_is_refused(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            client = client_for(opened)
            gone = await KINDS[kind].status(cancelled_order(), client)
            late = await KINDS[kind].submit(order(), HOME, client)

        assert gone.status in ("cancelled", "not_found")
        assert late.status in ("cancelled", "refused")
        assert opened.count("accepted") == {}

    async def test_status_without_stored_reference(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            await KINDS[kind].submit(order(), HOME, client_for(opened))

            assert (await KINDS[kind].status(order(), client_for(opened))).status == "accepted"

    async def test_refused_connection_raises_retry(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            pass

        with pytest.raises(RetryLaterError, match="not connected"):
            await KINDS[kind].submit(order(), HOME, client_for(opened))

    async def test_busy_shop_is_retried_after_its_pause(self, kind, tmp_path):
        async with shop(kind, tmp_path, "--busy", 1, "--retry-after", 7) as opened:
            client = client_for(opened)
            with pytest.raises(RetryLaterError, match="429") as error:
                await KINDS[kind].submit(order(), HOME, client)
            with pytest.raises(RetryLaterError, match="requested a pause") as early:
                await KINDS[kind].submit(order(2), HOME, client)

        assert error.value.after_seconds == 7
        assert 6 < early.value.after_seconds <= 7
        assert opened.lines() == []

    @pytest.mark.parametrize("fault", AMBIGUOUS)
    async def test_ambiguous_answer_raises_unknown_within_timeout(self, kind, fault, tmp_path):
        async with shop(kind, tmp_path, f"--{fault}", 1) as opened:
            started = time.monotonic()
            with pytest.raises(UnknownOutcomeError):
                await KINDS[kind].submit(order(), HOME, client_for(opened, http_client(seconds=TIMEOUT_SECONDS)))

            assert time.monotonic() - started < NEVER_SECONDS / 2
            assert bool(opened.lines()) == (fault in PERFORMED)

    async def test_retries_through_all_faults_place_one_order_each(self, kind, tmp_path):
        mix = [part for fault in AMBIGUOUS for part in (f"--{fault}", 0.06)]
        async with shop(kind, tmp_path, *mix, "--seed", 7) as opened:
            http, records, ambiguous = http_client(seconds=0.3), MemoryRecords(), 0
            for number in range(40):
                answer = None
                while answer is None:
                    try:
                        answer = await KINDS[kind].submit(order(number), HOME, client_for(opened, http, records))
                    except UnknownOutcomeError:
                        ambiguous += 1
                assert answer.status == "accepted"

        assert opened.count("accepted") == {f"o{number}": 1 for number in range(40)}
        assert ambiguous > 10


class TestCancel:
    async def test_cancel_of_webhook_order(self, tmp_path):
        async with shop("webhook", tmp_path) as opened:
            client = client_for(opened)
            await webhook.submit(order(), HOME, client)

            assert (await webhook.cancel(cancelled_order(), client)).status == "cancelled"
            assert (await webhook.status(cancelled_order(), client)).status == "cancelled"
        assert opened.count("cancelled") == {"o1": 1}

    async def test_cancel_of_completed_checkout_returns_order(self, tmp_path):
        async with shop("acp", tmp_path) as opened:
            client = client_for(opened)
            await acp.submit(order(), HOME, client)

            assert (await acp.cancel(cancelled_order(), client)).status == "accepted"


@pytest.mark.parametrize("kind", sorted(KINDS))
class TestSeveralLines:
    async def test_submit_is_accepted_with_a_price_for_each_line(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            answer = await KINDS[kind].submit(a.basket(), HOME, client_for(opened))

        assert (answer.status, answer.price, answer.currency) == ("accepted", 1348, "USD")
        assert [(line.line_id, line.price) for line in answer.lines] == [("1", 998), ("2", 350)]
        assert opened.count("accepted") == {"o1": 1}

    async def test_repeated_submit_is_one_order(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            answers = [await KINDS[kind].submit(a.basket(), HOME, client_for(opened)) for _ in range(2)]

        assert [answer.status for answer in answers] == ["accepted", "accepted"]
        assert opened.count("accepted") == {"o1": 1}

    async def test_order_with_all_lines_sold_out_is_refused(self, kind, tmp_path):
        sold_out = ("--sold-out", "pods", "--sold-out", "filters")
        async with shop(kind, tmp_path, *sold_out) as opened:
            answer = await KINDS[kind].submit(a.basket(), HOME, client_for(opened))

        assert answer.status == "refused"
        assert answer.reason.startswith("sold out")


class TestLineOfWebhookOrder:
    async def test_sold_out_line_is_refused(self, tmp_path):
        async with shop("webhook", tmp_path, "--sold-out", "filters") as opened:
            answer = await webhook.submit(a.basket(), HOME, client_for(opened))

        assert (answer.status, answer.price) == ("accepted", 998)
        assert [(line.line_id, line.status) for line in answer.lines] == [("1", "accepted"), ("2", "refused")]

    async def test_lines_are_cancelled_one_by_one(self, tmp_path):
        cancellation = Cancellation("customer", "enough", a.NOON)
        one = a.with_line(a.basket(), "2", cancellation=cancellation)
        both = a.with_line(one, "1", cancellation=cancellation)
        async with shop("webhook", tmp_path) as opened:
            client = client_for(opened)
            await webhook.submit(a.basket(), HOME, client)
            first = await webhook.cancel(one, client)
            second = await webhook.cancel(both, client)

        assert (first.status, [line.status for line in first.lines]) == ("accepted", ["accepted", "cancelled"])
        assert (second.status, [line.status for line in second.lines]) == ("cancelled", ["cancelled", "cancelled"])


class TestLineOfCheckout:
    async def test_sold_out_line_refuses_the_whole_order(self, tmp_path):
        async with shop("acp", tmp_path, "--sold-out", "filters") as opened:
            answer = await acp.submit(a.basket(), HOME, client_for(opened))

        assert (answer.status, answer.reason) == ("refused", "sold out: filters")
        assert opened.count("accepted") == {}

    async def test_agreed_fee_covers_the_merchants_shipping(self, tmp_path):
        async with shop("acp", tmp_path, "--shipping", 100) as opened:
            answer = await acp.submit(a.basket(fee=100), HOME, client_for(opened))

        assert (answer.status, answer.price) == ("accepted", 1448)


class TestCheckout:
    async def test_higher_price_is_refused(self, tmp_path):
        async with shop("acp", tmp_path, "--shipping", 1) as opened:
            answer = await acp.submit(order(), HOME, client_for(opened))

        assert (answer.status, answer.reason) == ("refused", "the price is 999 instead of 998 USD (minor units)")
        assert opened.count("accepted") == {}
        assert opened.count("fenced") == {"o1": 1}

    async def test_order_without_price_is_refused(self, tmp_path):
        async with shop("acp", tmp_path) as opened:
            free = order(price=None, currency=None)
            answer = await acp.submit(free, HOME, client_for(opened))
            found = await acp.status(free, client_for(opened))

        assert (answer.status, found.status) == ("refused", "not_found")
        assert opened.lines() == []

    async def test_changed_address_reuses_checkout(self, tmp_path):
        async with shop("acp", tmp_path) as opened:
            client = client_for(opened)
            await acp.submit(order(), HOME, client)

            moved = await acp.submit(order(), HOME.model_copy(update={"line1": "Oak 2"}), client)
        assert moved.status == "accepted"
        assert opened.count("accepted") == {"o1": 1}


class TestBreaker:
    async def test_breaker_opens_and_closes_again(self, tmp_path):
        limits = CallLimits(failures=3, open_seconds=2, calls_per_second=1000, burst=1000)
        http = http_client(limits=limits)
        async with shop("webhook", tmp_path, "--error", 1) as broken:
            for number in range(3):
                with pytest.raises(UnknownOutcomeError):
                    await webhook.submit(order(number), HOME, client_for(broken, http))
            with pytest.raises(RetryLaterError, match="too many calls failed"):
                await webhook.submit(order(4), HOME, client_for(broken, http))
        async with shop("webhook", tmp_path) as repaired:
            deadline = time.monotonic() + 10
            while True:
                try:
                    answer = await webhook.submit(order(4), HOME, client_for(repaired, http))
                    break
                except RetryLaterError:
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.05)

        assert answer.status == "accepted"

    async def test_breaker_is_per_provider(self, tmp_path):
        http = http_client(limits=CallLimits(failures=1, open_seconds=60, calls_per_second=1000, burst=1000))
        async with shop("webhook", tmp_path, provider="globex") as fine:
            nowhere = Shop("acme", "http://127.0.0.1:1", None)
            for _ in range(2):
                with pytest.raises(RetryLaterError):
                    await webhook.submit(order(), HOME, client_for(nowhere, http))

            assert (await webhook.submit(order(), HOME, client_for(fine, http))).status == "accepted"
