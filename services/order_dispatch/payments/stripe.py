"""Client of Stripe, with its official library: PaymentIntents with manual capture.

An intent is captured in several parts where the card and the account's pricing allow it
(docs.stripe.com/payments/multicapture); otherwise once, with `final`.

The customer's token is a PaymentMethod (`pm_...`) that was saved for off-session use. The idempotency key is also
stored as metadata, because Stripe cannot look up a request by its Idempotency-Key header.
"""

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import stripe

from libs.kit import Kit, RetryLaterError
from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain.amounts import UnchargeableAmountError, check_amount
from services.order_dispatch.payments.domain.protocol import (
    Confirmed,
    DeclineCause,
    Declined,
    PaymentAnswer,
    PaymentRequest,
    Status,
)
from services.order_dispatch.payments.stripe_descriptor import STRIPE
from services.order_dispatch.payments.stripe_errors import decline_attempt, decline_by_card, decline_request
from services.order_dispatch.settings import settings_of

if TYPE_CHECKING:
    import httpx

#: Allowed clock difference: an intent created up to this long before our request may be ours.
CLOCK_SKEW_SECONDS = 600
#: Objects per list request; Stripe's maximum.
PAGE_SIZE = 100
StepCall = Callable[["Stripe", PaymentRequest], Coroutine[Any, Any, PaymentAnswer]]


class KitHttpClient(stripe.HTTPClient):
    """Sends Stripe's requests over the kit's connections; a request that was never sent raises RetryLaterError."""

    name = "httpx"

    def __init__(self, http: "httpx.AsyncClient", timeout_seconds: float) -> None:
        super().__init__()
        self._http, self._timeout_seconds = http, timeout_seconds

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        import httpx  # noqa: PLC0415  # loaded with the kit's client

        try:
            response = await self._http.request(
                method, url, headers=dict(headers), content=post_data, timeout=self._timeout_seconds
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryLaterError(f"Stripe cannot be reached: {type(error).__name__}") from error
        return response.content, response.status_code, response.headers


def translate_errors(call: StepCall) -> StepCall:
    """Translate Stripe's errors into an answer or RetryLaterError; all others leave the outcome unknown."""

    @wraps(call)
    async def translated(self: "Stripe", request: PaymentRequest) -> PaymentAnswer:
        try:
            return await call(self, request)
        except stripe.CardError as error:
            return decline_by_card(error)
        except stripe.RateLimitError as error:
            raise RetryLaterError("Stripe limits the rate of requests") from error
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise RetryLaterError(f"Stripe rejects our API key: {error.http_status}") from error
        except stripe.InvalidRequestError as error:
            # The step may have been performed by an earlier request, or the payment ended in another way.
            if request.step is not PaymentStep.AUTHORIZE and (answer := await self.find(request)):
                return answer
            return decline_request(error, names_method=request.step is PaymentStep.AUTHORIZE)

    return translated


class Stripe:
    """One account at Stripe, or at a server with Stripe's API."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1

    @translate_errors
    async def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        try:
            check_amount(request.amount, request.currency, STRIPE.find_rules(request.currency), STRIPE.name)
        except UnchargeableAmountError as error:
            return Declined(error.problem, DeclineCause.OURS)
        intent = await self._v1.payment_intents.create_async(
            {
                "amount": _to_stripe(request.amount, request.currency),
                "currency": request.currency.lower(),
                "payment_method": request.token or "",
                "capture_method": "manual",
                "payment_method_options": {"card": {"request_multicapture": "if_available"}},
                "expand": ["latest_charge"],
                "confirm": True,
                "off_session": True,
                "metadata": {
                    "payment_id": request.payment_id,
                    "order_id": request.order_id,
                    "key": request.idempotency_key,
                },
            },
            {"idempotency_key": request.idempotency_key},
        )
        return _read_authorization(intent)

    @translate_errors
    async def capture(self, request: PaymentRequest) -> PaymentAnswer:
        params: stripe.params.PaymentIntentCaptureParams = {
            "amount_to_capture": _to_stripe(request.amount, request.currency)
        }
        if not request.final:  # refused unless the intent can be captured several times
            params["final_capture"] = False
        intent = await self._v1.payment_intents.capture_async(
            request.service_reference, params, {"idempotency_key": request.idempotency_key}
        )
        if (answer := _read_capture(intent, request)) is None:
            raise ValueError(f"{intent.id} is {intent.status} after it was captured")
        return answer

    @translate_errors
    async def void(self, request: PaymentRequest) -> PaymentAnswer:
        reference = request.service_reference
        options: stripe.RequestOptions = {"idempotency_key": request.idempotency_key}
        if request.captured:
            intent = await self._v1.payment_intents.capture_async(
                reference, {"amount_to_capture": 0, "final_capture": True}, options
            )
        else:
            intent = await self._v1.payment_intents.cancel_async(reference, {}, options)
        if intent.status != ("succeeded" if request.captured else "canceled"):
            raise ValueError(f"{intent.id} is {intent.status} after the rest was released")
        return _confirmed(intent, Status.VOIDED, request.amount)

    @translate_errors
    async def refund(self, request: PaymentRequest) -> PaymentAnswer:
        refund = await self._v1.refunds.create_async(
            {
                "payment_intent": request.service_reference,
                "amount": _to_stripe(request.amount, request.currency),
                "metadata": {"key": request.idempotency_key},
            },
            {"idempotency_key": request.idempotency_key},
        )
        return _read_refund(refund, request)

    async def find(self, request: PaymentRequest) -> PaymentAnswer | None:
        if request.step is PaymentStep.AUTHORIZE:
            intent = await self._find_intent(request)
            return None if intent is None else _read_authorization(intent)
        if request.step is PaymentStep.REFUND:
            refunds = await self._v1.refunds.list_async(
                {"payment_intent": request.service_reference, "limit": PAGE_SIZE}
            )
            async for refund in refunds.auto_paging_iter():
                if _key(refund.metadata) == request.idempotency_key:
                    return _read_refund(refund, request)
            return None
        return await self._find_capture_or_void(request)

    async def _find_capture_or_void(self, request: PaymentRequest) -> PaymentAnswer | None:
        intent = await self._v1.payment_intents.retrieve_async(request.service_reference)
        if intent.status == "canceled":  # by our void, or by Stripe when the authorization expired
            status = Status.VOIDED if request.step is PaymentStep.VOID else Status.EXPIRED
            return _confirmed(intent, status, request.amount)
        if request.step is PaymentStep.CAPTURE:
            return _read_capture(intent, request)
        if intent.status == "succeeded":
            if _received(intent, request.captured) == request.captured > 0:
                return _confirmed(intent, Status.VOIDED, request.amount)
            return Declined("the payment was captured already", DeclineCause.OURS)
        return None

    async def _find_intent(self, request: PaymentRequest) -> stripe.PaymentIntent | None:
        since = int(request.requested_at.timestamp()) - CLOCK_SKEW_SECONDS
        try:
            intents = await self._v1.payment_intents.list_async(
                {"limit": PAGE_SIZE, "created": {"gte": since}, "expand": ["data.latest_charge"]}
            )
        except stripe.InvalidRequestError:  # localstripe has no filter by time
            intents = await self._v1.payment_intents.list_async({"limit": PAGE_SIZE, "expand": ["data.latest_charge"]})
        async for intent in intents.auto_paging_iter():
            if _key(intent.metadata) == request.idempotency_key:
                return intent
        return None


def open_stripe(kit: Kit) -> Stripe:
    settings = settings_of(kit)
    stripe.enable_telemetry = False
    client = stripe.StripeClient(
        settings.stripe_api_key.get_secret_value(),
        base_addresses={"api": settings.stripe_url.rstrip("/")},
        max_network_retries=0,  # the kit retries, with the same key
        http_client=KitHttpClient(kit.http, settings.payment_seconds),
    )
    return Stripe(client)


def _to_stripe(amount: int, currency: str) -> int:
    return STRIPE.find_rules(currency).to_service(amount)


def _from_stripe(amount: int, currency: str) -> int:
    """Return an amount of Stripe's in minor units. Raises ValueError for a fraction of one, such as 150 for ISK."""
    return STRIPE.find_rules(currency.upper()).from_service(amount)


def _key(metadata: Any) -> str | None:
    return getattr(metadata, "key", None)


def _read_authorization(intent: stripe.PaymentIntent) -> PaymentAnswer:
    """Return the result of a confirmed intent. Raises ValueError while Stripe is processing it."""
    if intent.status in ("requires_capture", "succeeded"):
        amount = _from_stripe(intent.amount, intent.currency)
        return _confirmed(intent, Status.AUTHORIZED, amount, captures_several=_captures_several(intent))
    if intent.status == "requires_action":
        return Declined("the bank requires the customer's confirmation", DeclineCause.CUSTOMER)
    if intent.status in ("requires_payment_method", "canceled"):
        return decline_attempt(getattr(intent, "last_payment_error", None), intent.status)
    raise ValueError(f"{intent.id} is {intent.status}")


def _captures_several(intent: stripe.PaymentIntent) -> bool:
    """Whether Stripe states that this intent can be captured several times; the charge must be expanded."""
    fields: Any = intent.latest_charge
    for name in ("payment_method_details", "card", "multicapture", "status"):
        fields = getattr(fields, name, None)
    return bool(fields == "available")


def _read_capture(intent: stripe.PaymentIntent, request: PaymentRequest) -> Confirmed | None:
    """Return the result of a capture; None if the intent does not contain it.

    An intent that was captured in part has succeeded once its authorization expires.
    """
    captured = _received(intent, request.captured + request.amount) - request.captured
    if intent.status == "succeeded":
        if not captured:
            return _confirmed(intent, Status.EXPIRED, request.amount)
        return _confirmed(intent, Status.CAPTURED, captured)
    if intent.status == "requires_capture" and not request.final and captured:
        return _confirmed(intent, Status.CAPTURED, captured)
    return None


def _received(intent: stripe.PaymentIntent, default: int) -> int:
    received: int | None = getattr(intent, "amount_received", None)  # localstripe lacks the field
    return default if received is None else _from_stripe(received, intent.currency)


def _read_refund(refund: stripe.Refund, request: PaymentRequest) -> PaymentAnswer:
    if refund.status in ("failed", "canceled"):
        reason = getattr(refund, "failure_reason", None) or f"the refund is {refund.status}"
        return Declined(reason, DeclineCause.OURS)
    amount = _from_stripe(refund.amount, refund.currency)
    return Confirmed(Status.REFUNDED, request.service_reference, amount, refund.currency.upper())


def _confirmed(
    intent: stripe.PaymentIntent, status: Status, amount: int, *, captures_several: bool | None = None
) -> Confirmed:
    return Confirmed(status, intent.id, amount, intent.currency.upper(), captures_several=captures_several)
