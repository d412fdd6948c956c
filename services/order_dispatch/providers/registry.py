"""All provider protocols by name."""

from collections.abc import Mapping

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


def fulfilment_plan(provider: Provider) -> FulfilmentPlan:
    protocol = get_protocol(provider.protocol)
    return FulfilmentPlan(
        reserves=protocol.reserves_stock,
        pays=provider.payment is not None,
        calls=isinstance(protocol.transport, HttpTransport),
        responder=protocol.responder,
    )


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
