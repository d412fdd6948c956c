"""Turns a decided notice into a mail, and says so once the server has taken it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from libs.contracts.catalogue import Event
from libs.contracts.events import CustomerNotified
from libs.kit import Intent, Kit, Outcome, Refuse, Retry
from services.notification.channels import email
from services.notification.domain import ANSWERED, TO_SHOPS, Contact, Facts, Kind, Notice, Told, compose
from services.notification.settings import Settings
from services.notification.store import Store
from services.notification.store.measures import MAILS

#: The approval is on another topic and may be read a moment later; a letter waits half a minute, not more.
ATTEMPTS_FOR_THE_REASON = 6
#: The portal's ways to say that there is nobody to write to.
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_CONTACT = TypeAdapter(Contact)


@dataclass(frozen=True, slots=True)
class Answers:
    """What order_dispatch tells a letter that is answered by links."""

    answers: dict[str, str]
    contact: Contact | None = None
    cart_url: str | None = None


_ANSWERS = TypeAdapter(Answers)


async def send_mail(intent: Intent, kit: Kit) -> dict[str, Any]:
    """Write and send the letter; sent again after a crash it has the same Message-ID."""
    settings = cast("Settings", kit.settings)
    async with kit.read() as store:
        notice = await store.find_notice(intent.payload["notice_id"])
        facts = await store.get_facts(notice) if notice else Facts()
    if notice is None or notice.state is not Told.DUE:
        raise Refuse("nobody needs to be told any more")
    if notice.kind is Kind.ORDER_PLACED and not facts.approved and intent.attempt <= ATTEMPTS_FOR_THE_REASON:
        raise Retry("why it was ordered has not been heard yet")
    links: dict[str, str] = {}
    asked: Contact | None = None
    if notice.kind in ANSWERED:
        asked, links = await _fetch_answers(notice, kit, settings.page_url)
    contact = asked or await _fetch_contact(notice.customer_id, kit)
    letter = compose(notice, facts, contact, settings.page_url, links)
    stamp = email.Stamp(notice.notice_id, settings.mail_from, kit.clock.now())
    await email.send(email.mail_of(letter, contact, stamp), settings)
    return {"channel": email.NAME}


async def _fetch_contact(customer_id: str, kit: Kit) -> Contact:
    url = f"{kit.settings.portal_url}/v1/customers/{quote(customer_id, safe='')}/contact"
    try:
        return _CONTACT.validate_json(await _fetch(url, "the portal", "the customer is gone", kit))
    except ValidationError as trouble:
        raise Retry("the portal's answer is no contact") from trouble


async def _fetch_answers(notice: Notice, kit: Kit, page_url: str) -> tuple[Contact | None, dict[str, str]]:
    """Return whom to write to, where that is a shop, and the addresses at which this mail is answered."""
    keeper = "shop" if notice.kind in TO_SHOPS else "customer"
    url = f"{kit.settings.order_dispatch_url}/v1/orders/{quote(notice.order_id or '', safe='')}/letter?keeper={keeper}"
    try:
        body = _ANSWERS.validate_json(await _fetch(url, "order-dispatch", "there is nothing to answer", kit))
    except ValidationError as trouble:
        raise Retry("order-dispatch's answer is nothing to write from") from trouble
    if not body.answers:
        raise Refuse("there is nothing to answer any more")
    links = {step: f"{page_url}answer/{word}" for step, word in body.answers.items()}
    return body.contact, links | ({"cart_url": body.cart_url} if body.cart_url else {})


async def _fetch(url: str, who: str, gone: str, kit: Kit) -> bytes:
    import httpx  # noqa: PLC0415  # 5 MB that a service without mails does not need

    try:
        answer = await kit.http.get(url, headers={"Authorization": f"Bearer {await kit.service_token()}"})
    except httpx.HTTPError as trouble:
        raise Retry(f"{who} cannot be reached: {type(trouble).__name__}") from trouble
    if answer.status_code in GONE:
        raise Refuse(gone)
    if answer.status_code != HTTPStatus.OK:
        raise Retry(f"{who} answered {answer.status_code}")
    return answer.content


async def on_mail_sent(intent: Intent, outcome: Outcome, store: Store) -> list[Event]:
    notice = await store.lock_notice(intent.payload["notice_id"])
    if notice is None or notice.state is Told.TOLD:
        return []
    if outcome.result is None:
        if notice.state is Told.DUE:
            store.count(MAILS.labels("failed"))
            await store.settle_notice(notice.notice_id, Told.REFUSED, outcome.refused or "")
        return []
    store.count(MAILS.labels("sent"))
    await store.settle_notice(notice.notice_id, Told.TOLD, notice.reason)
    if notice.kind in TO_SHOPS:
        return []
    told = CustomerNotified(
        customer_id=notice.customer_id,
        notice_id=notice.notice_id,
        kind=notice.kind,
        channel=outcome.result["channel"],
        order_id=notice.order_id,
        product_id=notice.product_id,
        at=store.now,
    )
    return [told]
