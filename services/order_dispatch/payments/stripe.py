"""Stripe, by its official library: PaymentIntents with manual capture, each call with an idempotency key.

The customer's token is a PaymentMethod (`pm_...`) saved for use without the customer. What Stripe did is
found again by the key, which goes along as metadata.
"""

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import stripe

from libs.kit import Kit, RetryLaterError
from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain.protocol import Declined, PaymentAnswer, PaymentRequest, Receipt, Status

if TYPE_CHECKING:
    import httpx

#: Stripe counts these in another minor unit than ISO 4217 does (docs.stripe.com/currencies).
UNLIKE_ISO = frozenset({"ISK", "MGA", "UGX"})
#: Clocks differ; an intent made a little before we asked may be ours.
SKEW_SECONDS = 600
PAGE = 100
StepCall = Callable[["Stripe", PaymentRequest], Coroutine[Any, Any, PaymentAnswer]]


class KitHttpClient(stripe.HTTPClient):
    """Stripe's requests over the kit's connections: what never left is told apart from what nobody knows."""

    name = "httpx"

    def __init__(self, http: "httpx.AsyncClient", seconds: float) -> None:
        super().__init__()
        self._http, self._seconds = http, seconds

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        import httpx  # noqa: PLC0415  # loaded with the kit's client

        try:
            sent = {"headers": dict(headers), "content": post_data, "timeout": self._seconds}
            answer = await self._http.request(method, url, **sent)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryLaterError(f"Stripe cannot be reached: {type(error).__name__}") from error
        return answer.content, answer.status_code, answer.headers


def translate_errors(asking: StepCall) -> StepCall:
    """Make Stripe's errors ours; any that is left means that nobody knows."""

    @wraps(asking)
    async def told_so(self: "Stripe", ask: PaymentRequest) -> PaymentAnswer:
        try:
            return await asking(self, ask)
        except stripe.CardError as error:
            return Declined(error.user_message or error.code or "the card was declined")
        except stripe.RateLimitError as error:
            raise RetryLaterError("Stripe wants fewer requests") from error
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise RetryLaterError(
                f"Stripe does not accept our key: {error.user_message or error.http_status}"
            ) from error
        except stripe.InvalidRequestError as error:
            return await self._contradicted(ask, error)

    return told_so


class Stripe:
    """One account at Stripe, or at a server that speaks like it."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1

    @translate_errors
    async def authorize(self, ask: PaymentRequest) -> PaymentAnswer:
        if ask.currency in UNLIKE_ISO:
            return Declined(f"Stripe counts {ask.currency} in another unit than we do")
        intent = await self._v1.payment_intents.create_async(
            {
                "amount": ask.amount,
                "currency": ask.currency.lower(),
                "payment_method": ask.token or "",
                "capture_method": "manual",
                "confirm": True,
                "off_session": True,
                "metadata": {"payment_id": ask.payment_id, "order_id": ask.order_id, "key": ask.key},
            },
            {"idempotency_key": ask.key},
        )
        return _authorized(intent)

    @translate_errors
    async def capture(self, ask: PaymentRequest) -> PaymentAnswer:
        intent = await self._v1.payment_intents.capture_async(
            ask.service_reference, {"amount_to_capture": ask.amount}, {"idempotency_key": ask.key}
        )
        return _captured(intent, ask)

    @translate_errors
    async def void(self, ask: PaymentRequest) -> PaymentAnswer:
        intent = await self._v1.payment_intents.cancel_async(ask.service_reference, {}, {"idempotency_key": ask.key})
        if intent.status != "canceled":
            raise ValueError(f"{intent.id} is {intent.status} after it was cancelled")
        return _receipt(intent, Status.VOIDED, ask.amount)

    @translate_errors
    async def refund(self, ask: PaymentRequest) -> PaymentAnswer:
        refund = await self._v1.refunds.create_async(
            {"payment_intent": ask.service_reference, "amount": ask.amount, "metadata": {"key": ask.key}},
            {"idempotency_key": ask.key},
        )
        return _refunded(refund, ask)

    async def find(self, ask: PaymentRequest) -> PaymentAnswer | None:
        if ask.step is PaymentStep.AUTHORIZE:
            mine = await self._find_intent(ask)
            return None if mine is None else _authorized(mine)
        if ask.step is PaymentStep.REFUND:
            refunds = await self._v1.refunds.list_async({"payment_intent": ask.service_reference, "limit": PAGE})
            async for refund in refunds.auto_paging_iter():
                if _key(refund.metadata) == ask.key:
                    return _refunded(refund, ask)
            return None
        return await self._find_end(ask)

    async def _find_end(self, ask: PaymentRequest) -> PaymentAnswer | None:
        """Return what became of a reservation that was to be taken or freed."""
        intent = await self._v1.payment_intents.retrieve_async(ask.service_reference)
        if intent.status == "canceled":  # freed: by us, or by Stripe when its time was over
            return _receipt(intent, Status.VOIDED if ask.step is PaymentStep.VOID else Status.EXPIRED, ask.amount)
        if intent.status == "succeeded":
            if ask.step is PaymentStep.VOID:
                return Declined("it was taken already")
            return _captured(intent, ask)
        return None

    async def _find_intent(self, ask: PaymentRequest) -> stripe.PaymentIntent | None:
        since = int(ask.requested_at.timestamp()) - SKEW_SECONDS
        try:
            intents = await self._v1.payment_intents.list_async({"limit": PAGE, "created": {"gte": since}})
        except stripe.InvalidRequestError:  # localstripe cannot filter
            intents = await self._v1.payment_intents.list_async({"limit": PAGE})
        async for intent in intents.auto_paging_iter():
            if _key(intent.metadata) == ask.key:
                return intent
        return None

    async def _contradicted(self, ask: PaymentRequest, wrong: stripe.InvalidRequestError) -> PaymentAnswer:
        """Stripe says that this cannot be done: because it was, or ended otherwise, or is nothing it knows."""
        if ask.step is not PaymentStep.AUTHORIZE and (found := await self.find(ask)):
            return found
        return Declined(wrong.user_message or wrong.code or "Stripe refused the request")


def open_stripe(kit: Kit) -> Stripe:
    """Return the account that this service's settings name."""
    settings: Any = kit.settings
    stripe.enable_telemetry = False
    client = stripe.StripeClient(
        settings.stripe_api_key.get_secret_value(),
        base_addresses={"api": settings.stripe_url.rstrip("/")},
        max_network_retries=0,  # the kit tries again, under the same key
        http_client=KitHttpClient(kit.http, settings.payment_seconds),
    )
    return Stripe(client)


def _key(metadata: Any) -> str | None:
    return getattr(metadata, "key", None)


def _authorized(intent: stripe.PaymentIntent) -> PaymentAnswer:
    """Return what a confirmed intent came to; raises ValueError while Stripe is still at it."""
    if intent.status in ("requires_capture", "succeeded"):
        return _receipt(intent, Status.AUTHORIZED, intent.amount)
    if intent.status == "requires_action":
        return Declined("the bank wants the customer to confirm, and the customer is not here")
    if intent.status in ("requires_payment_method", "canceled"):
        error = intent.last_payment_error
        return Declined(getattr(error, "message", None) or f"the payment is {intent.status}")
    raise ValueError(f"{intent.id} is {intent.status}")


def _captured(intent: stripe.PaymentIntent, ask: PaymentRequest) -> Receipt:
    if intent.status != "succeeded":
        raise ValueError(f"{intent.id} is {intent.status} after it was captured")
    taken = getattr(intent, "amount_received", ask.amount)  # localstripe does not say
    return _receipt(intent, Status.CAPTURED, taken)


def _receipt(intent: stripe.PaymentIntent, status: Status, amount: int) -> Receipt:
    return Receipt(status, intent.id, amount, intent.currency.upper())


def _refunded(refund: stripe.Refund, ask: PaymentRequest) -> PaymentAnswer:
    if refund.status in ("failed", "canceled"):
        return Declined(getattr(refund, "failure_reason", None) or f"the refund {refund.status}")
    return Receipt(Status.REFUNDED, ask.service_reference, refund.amount, refund.currency.upper())
