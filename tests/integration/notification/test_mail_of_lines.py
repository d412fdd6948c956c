"""Mails about orders of several lines, from the broker to a mailbox over real SMTP."""

import pytest
from fastapi import FastAPI

from deploy.local.mailbox import TAKEN, catching
from libs.kit.testing import running
from replenish_contracts.events import (
    CartPrepared,
    ClaimRaised,
    OfferChanged,
    OrderDrafted,
    OrderLinesRefused,
    OrderPlaced,
    ProviderChanged,
)
from services.notification.domain import Kind, notice_id_of
from services.notification.service import SERVICE
from tests.integration.notification import builders
from tests.integration.notification.environment import Environment
from tests.support import notification_events as a
from tests.support.order_environment import own_logs
from tests.support.portal_server import portal, until
from tests.support.serving import served

TERMS = {"receipt_id": "r", "packs": 1}
LINES = (
    a.event_line("1", "pods", 20, pack_size=20, unit_price=499, **TERMS),
    a.event_line("2", "filters", 100, pack_size=100, unit_price=942, **TERMS),
    a.event_line("3", "descaler", 1, pack_size=1, unit_price=690, **TERMS),
)


def order_dispatch():
    """A stand-in of order_dispatch with a cart of which each product has a link."""
    app = FastAPI()

    @app.get("/v1/orders/{order_id}/mail-data")
    async def mail_data(order_id: str, responder: str):
        answers = {"ordered": f"{order_id}-{responder}"}
        return {"answers": answers, "contact": None, "cart_urls": {"1": "https://shop.example/pods"}}

    return app


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    log, answers = tmp_path_factory.mktemp("mail") / "mails.jsonl", []
    async with (
        own_logs(kafka_url),
        portal() as desk,
        served(order_dispatch()) as orders,
        catching(log, judge=lambda _: answers.pop(0) if answers else TAKEN) as port,
        running(
            SERVICE,
            kafka_url=kafka_url,
            database_urls=database,
            portal_url=desk.url,
            order_dispatch_url=orders,
            smtp_port=port,
            public_url="https://home.example",
            mail_share_seconds=3,
        ) as kit,
    ):
        world = Environment(kit, kafka_url, desk, log)
        #: Replies of the mail server before it accepts a mail.
        world.answers = answers
        await world.publish(
            ProviderChanged(provider_id="acme", name="Acme", protocol="kafka"),
            *(
                OfferChanged(provider_id="acme", product_id=product, title=title, pack_size=1, price=1, currency="EUR")
                for product, title in (("pods", "Pods <b>"), ("filters", "Paper filters"), ("descaler", "Descaler"))
            ),
        )
        yield world
        await world.http.aclose()


class Basket:
    """The events of an order of three lines."""

    def __init__(self, world, customer_id):
        world.joins(customer_id)
        self.world, self.customer_id = world, customer_id
        self.ids = {"customer_id": customer_id, "order_id": f"order-of-{customer_id}"}
        self.order = builders.ORDER | self.ids

    async def publish(self, *events):
        price = {"price": 2521, "fee": 390, "currency": "EUR"}
        await self.world.publish(
            builders.approved(**self.ids),
            OrderDrafted(**self.order, packs=1, quantity=20, lines=LINES, **price),
            *events,
        )

    def claim(self, at, received):
        line = LINES[at]
        about = {"ordered": line.quantity, "received": received, "lines": (line,)}
        return ClaimRaised(**(self.order | {"product_id": line.product_id}), **about)

    async def reach(self, state, count):
        async def there():
            notices = (await self.world.notices(self.customer_id)).json()["notices"]
            return [notice for notice in notices if notice["state"] == state][count - 1 :]

        await until(there, f"{count} notices are {state}")

    def mails(self):
        return self.world.mails(self.customer_id)


async def test_placed_order_with_refused_line_is_one_mail(world):
    basket = Basket(world, "una")

    await basket.publish(
        OrderLinesRefused(**basket.order, reason="sold out", lines=LINES[2:]),
        OrderPlaced(**basket.order, packs=1, quantity=20, lines=LINES[:2]),
    )
    await basket.reach("sent", 2)

    (mail,) = basket.mails()
    assert mail["subject"] == "Ordered: 2 things from Acme, 18.31 EUR"
    assert mail["text"].splitlines()[2:13] == [
        "We have ordered 2 things from Acme:",
        "- Pods <b>: 1 × 20 pieces, 4.99 EUR",
        "- Paper filters: 1 × 100 pieces, 9.42 EUR",
        "",
        "Delivery fee: 3.90 EUR",
        "",
        "Total: 18.31 EUR",
        "",
        "Acme will not deliver these items (reason: sold out):",
        "- Descaler: 1 piece",
        "",
    ]
    assert "<ul><li>Pods &lt;b&gt;: 1 × 20 pieces, 4.99 EUR</li><li>Paper filters: 1 × 100 pieces" in mail["html"]


async def test_claims_of_one_report_are_one_mail(world):
    basket = Basket(world, "vic")

    await basket.publish(basket.claim(0, 15), basket.claim(1, 0), basket.claim(2, 0))
    await basket.reach("sent", 3)

    (mail,) = basket.mails()
    assert mail["subject"] == "Incomplete delivery: 3 things from Acme"
    assert "- Pods <b>: 15 pieces instead of 20 pieces" in mail["text"]
    assert "- Descaler: 0 pieces instead of 1 piece" in mail["text"]


async def test_later_claim_is_not_added_to_attempted_mail(world):
    basket = Basket(world, "wes")
    world.answers += ["451 later"]

    await basket.publish(basket.claim(0, 15))
    first = notice_id_of("wes", Kind.CLAIM_RAISED, "order-of-wes")
    await until(lambda: _attempts(world, first), "the mail was deferred")
    await basket.publish(basket.claim(1, 0))
    await basket.reach("sent", 2)

    subjects = {mail["message_id"]: mail["subject"] for mail in basket.mails()}
    second = notice_id_of("wes", Kind.CLAIM_RAISED, "order-of-wes/2")
    assert subjects == {
        f"<{first}@replenish>": "Incomplete delivery: Pods <b>",
        f"<{second}@replenish>": "Incomplete delivery: Paper filters",
    }


async def test_refused_mail_refuses_all_its_notices(world):
    basket = Basket(world, "xia")
    world.answers += ["550 unknown here"]

    await basket.publish(basket.claim(0, 15), basket.claim(1, 0))
    await basket.reach("refused", 2)

    assert basket.mails() == []


async def test_cart_mail_links_products(world):
    basket = Basket(world, "yan")

    await basket.publish(CartPrepared(**basket.order, packs=1, quantity=20, lines=LINES))
    await basket.reach("sent", 1)

    (mail,) = basket.mails()
    assert mail["subject"] == "Time to order: 3 things from Acme, 25.21 EUR"
    assert '4.99 EUR: <a href="https://shop.example/pods">https://shop.example/pods</a></li>' in mail["html"]
    assert '<a href="https://home.example/answer/order-of-yan-customer">' in mail["html"]


async def _attempts(world, notice_id):
    return await world.kit.pool.fetchval(
        "SELECT attempt FROM task WHERE id = $1 AND attempt > 0 AND state = 'due'", notice_id
    )
