"""The mail task: renders and sends a notice, then publishes CustomerNotified."""

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskResult
from replenish_contracts.catalogue import Event
from replenish_contracts.events import CustomerNotified
from services.notification.channels import email
from services.notification.domain import (
    SHARED_MAIL,
    TO_SHOPS,
    WITH_ANSWER_LINKS,
    Contact,
    Facts,
    Kind,
    Notice,
    NoticeState,
    choose_contents,
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
    #: URLs of single products in the shop, by line id.
    cart_urls: dict[str, str] = field(default_factory=dict)


_ANSWERS = TypeAdapter(Answers)


async def send_mail(task: Task, kit: Kit) -> dict[str, Any]:
    """Render and send the mail; a repeated attempt has the same Message-ID and is about the same notices."""
    settings = cast("Settings", kit.settings)
    async with kit.read() as store:
        notice = await store.find_notice(task.payload["notice_id"])
        facts = await store.get_facts(notice) if notice else Facts()
    if notice is None or notice.state is not NoticeState.DUE:
        raise RejectedError("the notice is no longer due")
    contents = [notice]
    if notice.kind in SHARED_MAIL and len(facts.lines) > 1:
        contents, facts = await _claim_contents(notice, kit)
        if not contents:  # another mail contains the notice, and ends it
            return {"channel": email.NAME}
    headers = email.MailHeaders(notice.notice_id, settings.mail_from, kit.clock.now())
    notice, *others = contents
    if notice.kind is Kind.ORDER_PLACED and not facts.approved and task.attempt <= ATTEMPTS_TO_WAIT_FOR_APPROVAL:
        raise RetryLaterError("the approval of this order has not arrived yet")
    links: dict[str, str] = {}
    shop: Contact | None = None
    if notice.kind in WITH_ANSWER_LINKS:
        shop, links, cart_urls = await _fetch_answers(notice, kit, settings.page_url)
        facts = replace(facts, lines=tuple(replace(line, cart_url=cart_urls.get(line.line_id)) for line in facts.lines))
    contact = shop or await _fetch_contact(notice.customer_id, kit)
    rendered = render_mail(notice, facts, contact, settings.page_url, links, others=others)
    await email.send(email.build_mail(rendered, contact, headers), settings)
    return {"channel": email.NAME}


async def _claim_contents(own: Notice, kit: Kit) -> tuple[list[Notice], Facts]:
    """Bind the notices for the mail of `own` to it, the leading one first; return them, and the facts of that one."""
    async with kit.transaction() as tx:
        due = await tx.store.lock_due_notices(own.customer_id, own.order_id, SHARED_MAIL)
        contents = choose_contents(own.notice_id, due)
        await tx.store.bind_notices(own.notice_id, contents)
        return contents, await tx.store.get_facts(contents[0]) if contents else Facts()


async def _fetch_contact(customer_id: str, kit: Kit) -> Contact:
    url = f"{kit.settings.portal_url}/v1/customers/{quote(customer_id, safe='')}/contact"
    try:
        return _CONTACT.validate_json(await _fetch(url, "the portal", "the customer is gone", kit))
    except ValidationError as error:
        raise RetryLaterError("the portal returned an invalid contact") from error


async def _fetch_answers(
    notice: Notice, kit: Kit, page_url: str
) -> tuple[Contact | None, dict[str, str], dict[str, str]]:
    """Return the recipient if it is a shop, the answer links of this mail, and the links to products by line."""
    query = f"responder={'shop' if notice.kind in TO_SHOPS else 'customer'}"
    if notice.kind in (Kind.SHOP_ASKED_TO_CANCEL, Kind.CART_CANCEL_ASKED):
        query += "&cancellation=true"
    order = f"{kit.settings.order_dispatch_url}/v1/orders/{quote(notice.order_id or '', safe='')}"
    try:
        body = _ANSWERS.validate_json(
            await _fetch(f"{order}/mail-data?{query}", "order-dispatch", "the order needs no answer", kit)
        )
    except ValidationError as error:
        raise RetryLaterError("order-dispatch returned invalid answer links") from error
    if not body.answers:
        raise RejectedError("the order no longer needs an answer")
    links = {step: f"{page_url}answer/{word}" for step, word in body.answers.items()}
    return body.contact, links | ({"cart_url": body.cart_url} if body.cart_url else {}), body.cart_urls


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
    if notice is None or notice.state is NoticeState.SENT or notice.sent_with not in (None, notice.notice_id):
        return []
    if outcome.result is None:
        if notice.state is NoticeState.DUE:
            store.count(MAILS.labels("failed"))
            await store.complete_notices(notice.notice_id, NoticeState.REFUSED, outcome.refused or "")
        return []
    store.count(MAILS.labels("sent"))
    return [
        CustomerNotified(
            customer_id=sent.customer_id,
            notice_id=sent.notice_id,
            kind=sent.kind,
            channel=outcome.result["channel"],
            order_id=sent.order_id,
            product_id=sent.product_id,
            occurred_at=store.now,
        )
        for sent in await store.complete_notices(notice.notice_id, NoticeState.SENT, None)
        if sent.kind not in TO_SHOPS
    ]
