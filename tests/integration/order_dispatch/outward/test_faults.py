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
from tests.integration.order_dispatch.outward.shops import Notebook, Shop, caller, line_to, shop
from tests.support import orders as a

HOME = ShipTo(name="Ann Lee", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")
KINDS = {"webhook": webhook, "acp": acp}
UNCLEAR = ["black-hole", "timeout", "error", "error-after", "garbage", "redirect", "huge"]
#: Faults after which the shop has performed the request.
DONE = {"timeout", "error-after", "garbage", "huge"}
#: Time-out: long enough for an answer on a busy machine, short when there is none.
PATIENCE_SECONDS = 2


def order(number=1, **changes):
    return replace(a.drafted(order_id=f"o{number}", provider_id="acme"), **changes)


def unwanted(number=1):
    return order(number, cancellation=Cancellation("customer", "enough", a.NOON))


@pytest.mark.parametrize("kind", sorted(KINDS))
class TestShop:
    async def test_deliver_is_accepted_with_expected_date(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            answer = await KINDS[kind].deliver(order(), HOME, line_to(opened))

        assert answer.status == "accepted"
        assert answer.reference
        assert answer.expected_at is not None
        assert opened.count("accepted") == {"o1": 1}

    async def test_concurrent_delivers_place_one_order(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            line = line_to(opened)
            asked = [KINDS[kind].deliver(order(), HOME, line) for _ in range(10)]
            answers = await asyncio.gather(*asked, return_exceptions=True)

        assert {type(answer).__name__ for answer in answers} <= {"Answer", "Retry"}
        assert opened.count("accepted") == {"o1": 1}

    async def test_status_of_unknown_order_is_not_found(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            assert (await KINDS[kind].status(order(), line_to(opened))).status == "not_found"

    async def test_deliver_after_cancel_is_refused(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            line = line_to(opened)
            gone = await KINDS[kind].status(unwanted(), line)
            late = await KINDS[kind].deliver(order(), HOME, line)

        assert gone.status in ("cancelled", "not_found")
        assert late.status in ("cancelled", "refused")
        assert opened.count("accepted") == {}

    async def test_status_without_stored_reference(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            await KINDS[kind].deliver(order(), HOME, line_to(opened))

            assert (await KINDS[kind].status(order(), line_to(opened))).status == "accepted"

    async def test_refused_connection_raises_retry(self, kind, tmp_path):
        async with shop(kind, tmp_path) as opened:
            pass

        with pytest.raises(RetryLaterError, match="not connected"):
            await KINDS[kind].deliver(order(), HOME, line_to(opened))

    async def test_busy_shop_is_retried_after_its_pause(self, kind, tmp_path):
        async with shop(kind, tmp_path, "--busy", 1, "--retry-after", 7) as opened:
            line = line_to(opened)
            with pytest.raises(RetryLaterError, match="429") as told:
                await KINDS[kind].deliver(order(), HOME, line)
            with pytest.raises(RetryLaterError, match="requested a pause") as early:
                await KINDS[kind].deliver(order(2), HOME, line)

        assert told.value.after_seconds == 7
        assert 6 < early.value.after_seconds <= 7
        assert opened.lines() == []

    @pytest.mark.parametrize("fault", UNCLEAR)
    async def test_ambiguous_answer_raises_unknown_within_timeout(self, kind, fault, tmp_path):
        async with shop(kind, tmp_path, f"--{fault}", 1) as opened:
            began = time.monotonic()
            with pytest.raises(UnknownOutcomeError):
                await KINDS[kind].deliver(order(), HOME, line_to(opened, caller(seconds=PATIENCE_SECONDS)))

            assert time.monotonic() - began < NEVER_SECONDS / 2
            assert bool(opened.lines()) == (fault in DONE)

    async def test_retries_through_all_faults_place_one_order_each(self, kind, tmp_path):
        mix = [part for fault in UNCLEAR for part in (f"--{fault}", 0.06)]
        async with shop(kind, tmp_path, *mix, "--seed", 7) as opened:
            calls, notes, unclear = caller(seconds=0.3), Notebook(), 0
            for number in range(40):
                answer = None
                while answer is None:
                    try:
                        answer = await KINDS[kind].deliver(order(number), HOME, line_to(opened, calls, notes))
                    except UnknownOutcomeError:
                        unclear += 1
                assert answer.status == "accepted"

        assert opened.count("accepted") == {f"o{number}": 1 for number in range(40)}
        assert unclear > 10


class TestCancel:
    async def test_cancel_of_webhook_order(self, tmp_path):
        async with shop("webhook", tmp_path) as opened:
            line = line_to(opened)
            await webhook.submit(order(), HOME, line)

            assert (await webhook.cancel(unwanted(), line)).status == "cancelled"
            assert (await webhook.status(unwanted(), line)).status == "cancelled"
        assert opened.count("cancelled") == {"o1": 1}

    async def test_cancel_of_completed_checkout_returns_order(self, tmp_path):
        async with shop("acp", tmp_path) as opened:
            line = line_to(opened)
            await acp.submit(order(), HOME, line)

            assert (await acp.cancel(unwanted(), line)).status == "accepted"


class TestCheckout:
    async def test_higher_price_is_refused(self, tmp_path):
        async with shop("acp", tmp_path, "--shipping", 1) as opened:
            answer = await acp.submit(order(), HOME, line_to(opened))

        assert (answer.status, answer.reason) == ("refused", "the price is 999 instead of 998 USD (minor units)")
        assert opened.count("accepted") == {}
        assert opened.count("fenced") == {"o1": 1}

    async def test_order_without_price_is_refused(self, tmp_path):
        async with shop("acp", tmp_path) as opened:
            free = order(price=None, currency=None)
            answer = await acp.submit(free, HOME, line_to(opened))
            asked = await acp.status(free, line_to(opened))

        assert (answer.status, asked.status) == ("refused", "not_found")
        assert opened.lines() == []

    async def test_changed_address_reuses_checkout(self, tmp_path):
        async with shop("acp", tmp_path) as opened:
            line = line_to(opened)
            await acp.submit(order(), HOME, line)

            moved = await acp.submit(order(), HOME.model_copy(update={"line1": "Oak 2"}), line)
        assert moved.status == "accepted"
        assert opened.count("accepted") == {"o1": 1}


class TestBreaker:
    async def test_breaker_opens_and_closes_again(self, tmp_path):
        limits = CallLimits(failures=3, open_seconds=2, calls_per_second=1000, burst=1000)
        calls = caller(limits=limits)
        async with shop("webhook", tmp_path, "--error", 1) as broken:
            for number in range(3):
                with pytest.raises(UnknownOutcomeError):
                    await webhook.submit(order(number), HOME, line_to(broken, calls))
            with pytest.raises(RetryLaterError, match="too many calls failed"):
                await webhook.submit(order(4), HOME, line_to(broken, calls))
        async with shop("webhook", tmp_path) as mended:
            deadline = time.monotonic() + 10
            while True:
                try:
                    answer = await webhook.submit(order(4), HOME, line_to(mended, calls))
                    break
                except RetryLaterError:
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.05)

        assert answer.status == "accepted"

    async def test_breaker_is_per_provider(self, tmp_path):
        calls = caller(limits=CallLimits(failures=1, open_seconds=60, calls_per_second=1000, burst=1000))
        async with shop("webhook", tmp_path, provider="globex") as fine:
            nowhere = Shop("acme", "http://127.0.0.1:1", None)
            for _ in range(2):
                with pytest.raises(RetryLaterError):
                    await webhook.submit(order(), HOME, line_to(nowhere, calls))

            assert (await webhook.submit(order(), HOME, line_to(fine, calls))).status == "accepted"
