"""What other services are asked while somebody waits for a page, in that customer's name or ours."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from libs.kit import Kit
from services.portal.api.cookies import settings_of
from services.portal.api.security import security_of
from services.portal.domain import claims
from services.portal.domain.board import Told

LOG = logging.getLogger(__name__)
#: A page with more devices than this asks for the rest after the first have answered.
AT_ONCE = 8

Levels = dict[tuple[str, str], Told]


class Refused(Exception):  # noqa: N818  # what happened, not that it is an error
    """A neighbour will not do what a customer asked; the words are for the customer."""


async def fetch_levels(kit: Kit, device_ids: Sequence[str]) -> Levels:
    """Return the levels of now; slots whose device consumption does not answer for are left out."""
    room = asyncio.Semaphore(AT_ONCE)

    async def fetch(device_id: str) -> Levels:
        async with room:
            return await _fetch_device(kit, device_id)

    levels: Levels = {}
    for found in await asyncio.gather(*(fetch(device_id) for device_id in device_ids)):
        levels |= found
    return levels


async def _fetch_device(kit: Kit, device_id: str) -> Levels:
    url = f"{kit.settings.consumption_url}/v1/devices/{quote(device_id, safe='')}/slots"
    try:
        bearer = claims.service("portal")
        answer = await kit.http.get(url, headers=_signed(kit, bearer), timeout=settings_of(kit).neighbour_seconds)
        if answer.status_code != httpx.codes.OK:
            return {}
        return {(device_id, slot["slot"]): _told(slot) for slot in answer.json()["slots"]}
    except (httpx.HTTPError, KeyError, TypeError, ValueError) as away:
        LOG.info("no live levels", extra={"device_id": device_id, "reason": repr(away)})
        return {}


def _told(slot: dict[str, Any]) -> Told:
    rate = slot["rate_per_day"]
    return Told(
        level=int(slot["level_steps"]),
        rate_per_day=None if rate is None else float(rate) * 10 ** int(slot["scale"]),
        run_out_at=_moment(slot["run_out_at"]),
        at=_moment(slot["last_report_at"]),
        doubted=DOUBTS.get(slot["state"]),
    )


#: States of a slot that a person should look at.
DOUBTS = {
    "quarantined": "Its reports contradict each other.",
    "overdrawn": "More was used than was in it.",
}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


async def fetch_reasons(kit: Kit, customer_id: str, order_id: str) -> list[str]:
    """Return why an order was placed, in sentences; none where nobody can say just now."""
    url = f"{kit.settings.reorder_decision_url}/v1/orders/{quote(order_id, safe='')}/receipt"
    try:
        answer = await _ask(kit, customer_id, "GET", url)
        words = answer.json()["words"] if answer.status_code == httpx.codes.OK else []
    except (httpx.HTTPError, KeyError, TypeError, ValueError) as away:
        LOG.info("no receipt", extra={"order_id": order_id, "reason": repr(away)})
        return []
    return [words] if isinstance(words, str) else [str(sentence) for sentence in words]


async def report(kit: Kit, customer_id: str, what: dict[str, Any]) -> None:
    """Send a person's report through the gateway; raises Refused with its reason."""
    await _command(kit, customer_id, "POST", f"{kit.settings.gateway_url}/v1/usage", what)


async def cancel_order(kit: Kit, customer_id: str, order_id: str) -> None:
    url = f"{kit.settings.order_dispatch_url}/v1/orders/{quote(order_id, safe='')}/cancel"
    await _command(kit, customer_id, "POST", url, {"reason": "cancelled on the page"})


async def answer_proposal(kit: Kit, customer_id: str, order_id: str, answer: str) -> None:
    """Approve or decline a proposed order."""
    url = f"{kit.settings.reorder_decision_url}/v1/reorders/{quote(order_id, safe='')}/{answer}"
    await _command(kit, customer_id, "POST", url, None)


async def set_subscription(kit: Kit, customer_id: str, subscription_id: str, status: str) -> None:
    url = f"{kit.settings.reorder_decision_url}/v1/subscriptions/{quote(subscription_id, safe='')}"
    await _command(kit, customer_id, "PATCH", url, {"status": status})


async def _command(kit: Kit, customer_id: str, method: str, url: str, body: dict[str, Any] | None) -> None:
    try:
        answer = await _ask(kit, customer_id, method, url, body)
    except httpx.HTTPError as away:
        LOG.warning("a command did not get through", extra={"url": url, "reason": repr(away)})
        raise Refused("That part of the system does not answer just now. Please try again shortly.") from None
    if answer.is_success:
        return
    if answer.is_server_error:
        raise Refused("That did not work just now. Please try again shortly.")
    raise Refused(_words_of(answer))


async def _ask(kit: Kit, customer_id: str, method: str, url: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return await kit.http.request(method, url, json=body, headers=_signed(kit, claims.customer(customer_id)))


def _signed(kit: Kit, bearer: claims.Bearer) -> dict[str, str]:
    """Return a token of our own making: asking ourselves over HTTP would be a detour."""
    return {"Authorization": f"Bearer {security_of(kit).token(bearer)['access_token']}"}


def _words_of(answer: httpx.Response) -> str:
    """Return what a problem says, in the words that fit best."""
    try:
        problem = answer.json()
        refused = (problem.get("refused") or problem.get("errors") or [{}])[0]
        said = refused.get("problem") or problem.get("detail") or problem.get("title")
    except (ValueError, AttributeError, LookupError):
        said = None
    return str(said or "That is not possible.")
