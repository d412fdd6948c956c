"""Payment services by name, as a provider's `payment` setting refers to them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from libs.kit import Kit
from services.order_dispatch.payments.domain.protocol import PaymentService, ServiceDescriptor
from services.order_dispatch.payments.sandbox import SANDBOX, open_sandbox
from services.order_dispatch.payments.stripe_descriptor import STRIPE


def open_stripe(kit: Kit) -> PaymentService:
    from services.order_dispatch.payments import stripe  # noqa: PLC0415  # 30 MB, not needed without a Stripe account

    return stripe.open_stripe(kit)


class PaymentServiceType(NamedTuple):
    """A payment service: its descriptor, and how its client is opened."""

    descriptor: ServiceDescriptor
    open: Callable[[Kit], PaymentService]


PAYMENT_SERVICES: Mapping[str, PaymentServiceType] = {
    "sandbox": PaymentServiceType(SANDBOX, open_sandbox),
    "stripe": PaymentServiceType(STRIPE, open_stripe),
}


def open_payment_service(name: str, kit: Kit) -> PaymentService:
    """Open the client of a payment service. Raises LookupError for an unknown name."""
    try:
        service = PAYMENT_SERVICES[name]
    except KeyError:
        raise LookupError(f"there is no payment service {name}; known: {', '.join(sorted(PAYMENT_SERVICES))}") from None
    return service.open(kit)


def describe_payment_service(name: str) -> ServiceDescriptor:
    """Return the descriptor of a payment service; an unknown one captures once, so that its orders can still change."""
    service = PAYMENT_SERVICES.get(name)
    return ServiceDescriptor(name) if service is None else service.descriptor
