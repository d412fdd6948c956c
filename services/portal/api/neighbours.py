"""What other services are asked while somebody waits for a page, in that customer's name or ours."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from libs.kit import Kit
from libs.kit.problems import Problem
from services.portal.api.cookies import settings_of
from services.portal.api.security import security_of
from services.portal.domain import claims
from services.portal.domain.board import Told

LOG = logging.getLogger(__name__)
#: A page with more devices than this asks for the rest after the first have answered.
AT_ONCE = 8
COMMAND_SECONDS = 12.0  # longer than the gateway waits for its broker
OK, CREATED, CLIENT_ERRORS, CONFLICT, SERVER_ERRORS = 200, 201, 400, 409, 500

Levels = dict[tuple[str, str], Told]


class Away(Exception):  # noqa: N818  # what happened, not that it is an error
    """A neighbour does not answer."""


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
        status, answer = await ask(kit, claims.service("portal"), "GET", url)
        return {(device_id, slot["slot"]): _told(slot) for slot in answer["slots"]} if status == OK else {}
    except (Away, KeyError, TypeError, ValueError) as away:
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
        status, answer = await ask(kit, claims.customer(customer_id), "GET", url)
        return [str(sentence) for sentence in answer["words"]] if status == OK else []
    except (Away, KeyError, TypeError) as away:
        LOG.info("no receipt", extra={"order_id": order_id, "reason": repr(away)})
        return []


async def report(kit: Kit, customer_id: str, what: dict[str, Any]) -> None:
    """Send a person's report through the gateway; raises Refused with its reason."""
    await _command(kit, customer_id, "POST", f"{kit.settings.gateway_url}/v1/usage", what)


async def cancel_order(kit: Kit, customer_id: str, order_id: str) -> None:
    url = f"{kit.settings.order_dispatch_url}/v1/orders/{quote(order_id, safe='')}/cancel"
    await _command(kit, customer_id, "POST", url, {"reason": "cancelled on the page"})


async def say_about_order(kit: Kit, customer_id: str, order_id: str, said: str) -> None:
    """Say what became of an order that the customer places at the shop themselves."""
    url = f"{kit.settings.order_dispatch_url}/v1/orders/{quote(order_id, safe='')}/said"
    await _command(kit, customer_id, "POST", url, {"said": said})


async def fetch_cart(kit: Kit, customer_id: str, order_id: str) -> str | None:
    """Return the address of the shop's filled cart; none where the shop has no such page, or nobody answers."""
    url = f"{kit.settings.order_dispatch_url}/v1/orders/{quote(order_id, safe='')}/cart"
    try:
        status, answer = await ask(kit, claims.customer(customer_id), "GET", url)
    except Away:
        return None
    cart = answer.get("cart_url") if status == OK and isinstance(answer, dict) else None
    return cart if isinstance(cart, str) and cart.startswith("https://") else None


async def answer_proposal(kit: Kit, customer_id: str, order_id: str, answer: str) -> None:
    """Approve or decline a proposed order."""
    url = f"{kit.settings.reorder_decision_url}/v1/reorders/{quote(order_id, safe='')}/{answer}"
    await _command(kit, customer_id, "POST", url, None)


async def set_subscription(kit: Kit, customer_id: str, subscription_id: str, status: str) -> None:
    url = f"{kit.settings.reorder_decision_url}/v1/subscriptions/{quote(subscription_id, safe='')}"
    await _command(kit, customer_id, "PATCH", url, {"status": status})


async def set_holiday(kit: Kit, customer_id: str, leaves: datetime, returns: datetime) -> None:
    """Have nothing ordered that would come only while the customer is away."""
    body = {"from": leaves.isoformat(), "until": returns.isoformat()}
    await _command(kit, customer_id, "PUT", _holiday(kit, customer_id), body)


async def end_holiday(kit: Kit, customer_id: str) -> None:
    await _command(kit, customer_id, "DELETE", _holiday(kit, customer_id), None)


def _holiday(kit: Kit, customer_id: str) -> str:
    return f"{kit.settings.reorder_decision_url}/v1/customers/{quote(customer_id, safe='')}/holiday"


async def _command(kit: Kit, customer_id: str, method: str, url: str, body: dict[str, Any] | None) -> None:
    try:
        key = str(uuid4()) if method == "POST" else None
        status, answer = await ask(kit, claims.customer(customer_id), method, url, body, key)
    except Away as away:
        LOG.warning("a command did not get through", extra={"url": url, "reason": str(away)})
        raise Refused("That part of the system does not answer just now. Please try again shortly.") from None
    if status >= SERVER_ERRORS:
        raise Refused("That did not work just now. Please try again shortly.")
    if status >= CLIENT_ERRORS:
        raise Refused(words_of(answer))


async def ask(  # a request has as many parts
    kit: Kit,
    bearer: claims.Bearer,
    method: str,
    url: str,
    body: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> tuple[int, Any]:
    """Return a neighbour's status and JSON, asked with a token of our own making; raises Away."""
    import httpx  # noqa: PLC0415  # 5 MB that nobody needs before a page is open

    headers = {"Authorization": f"Bearer {security_of(kit).token(bearer)['access_token']}"}
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    # A page does not wait long for a question; what a command became of is worth waiting for.
    seconds = settings_of(kit).neighbour_seconds if method == "GET" else COMMAND_SECONDS
    try:
        request = kit.http.build_request(method, url, json=body, headers=headers, timeout=seconds)
    except ValueError:
        detail = "It contains a number or a character that JSON has no form for, such as NaN or half a character."
        raise Problem(422, "invalid", "The request is not as it should be", detail=detail) from None
    try:
        answer = await kit.http.send(request)
        return answer.status_code, answer.json() if answer.content else None
    except httpx.HTTPError as away:
        raise Away(repr(away)) from None
    except ValueError:
        return answer.status_code, None


def words_of(problem: Any) -> str:
    """Return what a problem says, in the words that fit best."""
    if not isinstance(problem, dict):
        return "That is not possible."
    refused = (problem.get("refused") or problem.get("errors") or [{}])[0]
    return str(refused.get("problem") or problem.get("detail") or problem.get("title") or "That is not possible.")
