"""The mail task: renders and sends a notice, then publishes CustomerNotified."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskResult
from replenish_contracts.catalogue import Event
from replenish_contracts.events import CustomerNotified
from services.notification.channels import email
from services.notification.domain import (
    TO_SHOPS,
    WITH_ANSWER_LINKS,
    Contact,
    Facts,
    Kind,
    Notice,
    NoticeState,
    render_mail,
)
from services.notification.settings import Settings
from services.notification.store import Store
from services.notification.store.measures import MAILS

#: ReorderApproved is on another topic and may arrive later; the mail waits for it about 30 seconds.
ATTEMPTS_TO_WAIT_FOR_APPROVAL = 6
#: Statuses for a customer or an order that no longer exists.
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_CONTACT = TypeAdapter(Contact)


@dataclass(frozen=True, slots=True)
class Answers:
    """Response of order_dispatch: answer links, recipient of a shop's mail, and cart."""

    answers: dict[str, str]
    contact: Contact | None = None
    cart_url: str | None = None


_ANSWERS = TypeAdapter(Answers)


async def send_mail(task: Task, kit: Kit) -> dict[str, Any]:
    """Render and send the mail; a repeated attempt has the same Message-ID."""
    settings = cast("Settings", kit.settings)
    async with kit.read() as store:
        notice = await store.find_notice(task.payload["notice_id"])
        facts = await store.get_facts(notice) if notice else Facts()
    if notice is None or notice.state is not NoticeState.DUE:
        raise RejectedError("the notice is no longer due")
    if notice.kind is Kind.ORDER_PLACED and not facts.approved and task.attempt <= ATTEMPTS_TO_WAIT_FOR_APPROVAL:
        raise RetryLaterError("the approval of this order has not arrived yet")
    links: dict[str, str] = {}
    shop: Contact | None = None
    if notice.kind in WITH_ANSWER_LINKS:
        shop, links = await _fetch_answers(notice, kit, settings.page_url)
    contact = shop or await _fetch_contact(notice.customer_id, kit)
    rendered = render_mail(notice, facts, contact, settings.page_url, links)
    headers = email.MailHeaders(notice.notice_id, settings.mail_from, kit.clock.now())
    await email.send(email.build_mail(rendered, contact, headers), settings)
    return {"channel": email.NAME}


async def _fetch_contact(customer_id: str, kit: Kit) -> Contact:
    url = f"{kit.settings.portal_url}/v1/customers/{quote(customer_id, safe='')}/contact"
    try:
        return _CONTACT.validate_json(await _fetch(url, "the portal", "the customer is gone", kit))
    except ValidationError as error:
        raise RetryLaterError("the portal returned an invalid contact") from error


async def _fetch_answers(notice: Notice, kit: Kit, page_url: str) -> tuple[Contact | None, dict[str, str]]:
    keeper = "shop" if notice.kind in TO_SHOPS else "customer"
    url = f"{kit.settings.order_dispatch_url}/v1/orders/{quote(notice.order_id or '', safe='')}/letter?keeper={keeper}"
    try:
        body = _ANSWERS.validate_json(await _fetch(url, "order-dispatch", "the order needs no answer", kit))
    except ValidationError as error:
        raise RetryLaterError("order-dispatch returned invalid answer links") from error
    if not body.answers:
        raise RejectedError("the order no longer needs an answer")
    links = {step: f"{page_url}answer/{word}" for step, word in body.answers.items()}
    return body.contact, links | ({"cart_url": body.cart_url} if body.cart_url else {})


async def _fetch(url: str, service: str, refusal: str, kit: Kit) -> bytes:
    """Raises RejectedError with `refusal` on 404 and 410; RetryLaterError on any other failure."""
    import httpx  # noqa: PLC0415  # 5 MB, loaded with the first mail

    try:
        response = await kit.http.get(url, headers={"Authorization": f"Bearer {await kit.service_token()}"})
    except httpx.HTTPError as error:
        raise RetryLaterError(f"{service} cannot be reached: {type(error).__name__}") from error
    if response.status_code in GONE:
        raise RejectedError(refusal)
    if response.status_code != HTTPStatus.OK:
        raise RetryLaterError(f"{service} answered {response.status_code}")
    return response.content


async def on_mail_sent(task: Task, outcome: TaskResult, store: Store) -> list[Event]:
    notice = await store.lock_notice(task.payload["notice_id"])
    if notice is None or notice.state is NoticeState.SENT:
        return []
    if outcome.result is None:
        if notice.state is NoticeState.DUE:
            store.count(MAILS.labels("failed"))
            await store.complete_notice(notice.notice_id, NoticeState.REFUSED, outcome.refused or "")
        return []
    store.count(MAILS.labels("sent"))
    await store.complete_notice(notice.notice_id, NoticeState.SENT, notice.reason)
    if notice.kind in TO_SHOPS:
        return []
    notified = CustomerNotified(
        customer_id=notice.customer_id,
        notice_id=notice.notice_id,
        kind=notice.kind,
        channel=outcome.result["channel"],
        order_id=notice.order_id,
        product_id=notice.product_id,
        occurred_at=store.now,
    )
    return [notified]
