"""localstripe with captures in several parts, as docs.stripe.com/payments/multicapture describes them.

Run as `python -m tests.integration.order_dispatch.payments.multicapture_server PORT`.
"""

import sys

from aiohttp import web
from localstripe import resources
from localstripe.errors import UserError
from localstripe.resources import PaymentIntent

_create = PaymentIntent._api_create.__func__


def create(cls, payment_method_options=None, **data):
    intent = _create(cls, **data)
    requested = (payment_method_options or {}).get("card", {}).get("request_multicapture")
    status = "available" if requested == "if_available" else "unavailable"
    intent.amount_received = 0
    intent.latest_charge.payment_method_details = {"card": {"multicapture": {"status": status}}}
    return intent


def capture(id, amount_to_capture=None, final_capture="true"):  # noqa: A002  # named by the route
    intent = PaymentIntent._api_retrieve(id)
    amount, final = int(amount_to_capture), str(final_capture).lower() != "false"
    several = intent.latest_charge.payment_method_details["card"]["multicapture"]["status"] == "available"
    if intent.status != "requires_capture" or not 0 <= amount <= intent.amount - intent.amount_received:
        raise UserError(400, "This PaymentIntent could not be captured")
    if not final and not several:
        raise UserError(400, "final_capture is not available for this PaymentIntent")
    intent.amount_received += amount
    intent.latest_charge.captured = final or intent.amount_received == intent.amount
    return intent


def patch_localstripe():
    """Replace creation and capture of intents; the routes are read when localstripe's server is imported."""
    PaymentIntent._api_create = classmethod(create)
    path = "/v1/payment_intents/{id}/capture"
    for number, (method, url, _) in enumerate(resources.extra_apis):
        if url == path:
            resources.extra_apis[number] = (method, url, capture)
    resources.Store.dump_to_disk = lambda self: None


if __name__ == "__main__":
    patch_localstripe()
    from localstripe import server

    web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
