"""All provider protocols by name."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from libs.http_client import Scheme, scheme_of
from services.order_dispatch.domain import FulfilmentPlan, Provider
from services.order_dispatch.providers import acp, assisted, drs, hosted, kafka, webhook
from services.order_dispatch.providers.protocol import Callbacks, HttpTransport, ProviderProtocol

PROTOCOLS: Mapping[str, ProviderProtocol] = {
    protocol.name: protocol
    for protocol in (
        kafka.PROTOCOL,
        webhook.PROTOCOL,
        acp.PROTOCOL,
        drs.PROTOCOL,
        hosted.PROTOCOL,
        assisted.PROTOCOL,
    )
}


def get_protocol(name: str) -> ProviderProtocol:
    try:
        return PROTOCOLS[name]
    except KeyError:
        raise LookupError(f"there is no protocol {name}; known: {', '.join(sorted(PROTOCOLS))}") from None


def max_lines(provider: Provider) -> int | None:
    """Return the largest number of lines of the provider's orders: its protocol's, or a smaller one of its account."""
    limits = [get_protocol(provider.protocol).lines.max_lines, read_max_lines(provider.account)]
    return min((limit for limit in limits if limit is not None), default=None)


def read_max_lines(account: Mapping[str, Any]) -> int | None:
    """Return the account's `max_lines`. Raises ValueError unless it is a positive integer."""
    limit = account.get("max_lines")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise ValueError(f"max_lines must be a whole number of at least 1, not {limit!r}")
    return limit


def fulfilment_plan(provider: Provider) -> FulfilmentPlan:
    protocol = get_protocol(provider.protocol)
    return FulfilmentPlan(
        reserves=protocol.reserves_stock,
        pays=provider.payment is not None,
        calls=isinstance(protocol.transport, HttpTransport),
        responder=protocol.responder,
    )


def delivery_fee(provider: Provider | None) -> Callable[[int, str], int] | None:
    """Return the function that gives the delivery fee for a price and currency; None if no fee is collected here."""
    fee = None if provider is None or provider.payment is None else get_protocol(provider.protocol).delivery_fee
    return None if fee is None or provider is None else partial(fee, provider=provider)


def callbacks_of(provider: Provider) -> Callbacks:
    callbacks = get_protocol(provider.protocol).callbacks
    if callbacks is None:
        raise LookupError(f"{provider.protocol} has no callbacks")
    return callbacks


def signature_scheme(provider: Provider) -> Scheme:
    """Return the signature scheme of a provider's callbacks: its account's, else its protocol's default.

    Raises ValueError for an unknown scheme, LookupError for a protocol without callbacks.
    """
    return scheme_of(provider.account, callbacks_of(provider).signature)


def secret_scheme(provider: Provider) -> Scheme:
    """Return the scheme that the provider's secrets sign in; `standard` for protocols that sign nothing."""
    if get_protocol(provider.protocol).callbacks is None:
        return Scheme.STANDARD
    return signature_scheme(provider)
