"""Acts on decisions about orders: what the doors for events, for people and for time have in common."""

from services.order_dispatch.acting.addresses import address_of
from services.order_dispatch.acting.lines import open_line
from services.order_dispatch.acting.payment import on_authorized, on_payment_failed
from services.order_dispatch.acting.till import Till, payment_services, use_till
from services.order_dispatch.acting.turns import address_payload, carry_out, go_on
from services.order_dispatch.acting.updates import Heard, hear_update

__all__ = [
    "Heard",
    "Till",
    "address_of",
    "address_payload",
    "carry_out",
    "go_on",
    "hear_update",
    "on_authorized",
    "on_payment_failed",
    "open_line",
    "payment_services",
    "use_till",
]
