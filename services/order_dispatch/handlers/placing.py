"""Sends a drafted order: the address is fetched when it is needed, and passed on, never kept."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from libs.contracts.catalogue import Event
from libs.contracts.events import ShipTo
from libs.kit import Intent, Kit, Outcome, Refuse, Retry
from services.order_dispatch.domain import State, fail, sent
from services.order_dispatch.providers import words
from services.order_dispatch.store import Store

#: The portal's ways to say that there is nobody to deliver to.
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


async def fetch_ship_to(intent: Intent, kit: Kit) -> dict[str, Any]:
    """Return the customer's address from the portal; a question, so asking twice is harmless."""
    import httpx  # noqa: PLC0415  # 5 MB that a service without orders does not need

    customer = quote(intent.payload["customer_id"], safe="")
    url = f"{kit.settings.portal_url}/v1/customers/{customer}/ship-to"
    try:
        answer = await kit.http.get(url, headers={"Authorization": f"Bearer {await kit.service_token()}"})
    except httpx.HTTPError as trouble:
        raise Retry(f"the portal cannot be reached: {type(trouble).__name__}") from trouble
    if answer.status_code in GONE:
        raise Refuse("the customer is gone")
    if answer.status_code != HTTPStatus.OK:
        raise Retry(f"the portal answered {answer.status_code}")
    try:
        return {"ship_to": ShipTo.model_validate_json(answer.content).model_dump()}
    except ValidationError as trouble:
        raise Retry("the portal's answer is no address") from trouble


async def on_ship_to_fetched(intent: Intent, outcome: Outcome, store: Store) -> list[Event]:
    """Send the order, unless it was cancelled in between; an address that cannot be had fails it."""
    order = await store.lock_order(intent.payload["order_id"])
    if order is None or order.state is not State.DRAFTED:
        return []
    provider = await store.find_provider(order.provider_id)
    if outcome.result is None or provider is None or not provider.active:
        turn = fail(order, outcome.refused or f"{order.provider_id} is not active", store.now)
        await store.save_turn(turn)
        return list(turn.events)
    turn = sent(order, store.patience, store.now)
    await store.save_turn(turn)
    return words(turn, provider.protocol, store.now, ShipTo.model_validate(outcome.result["ship_to"]))
