"""From an event on the broker to a mail in the mailbox over real SMTP, with failures."""

# ruff: noqa: RUF001  # domains in other scripts

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import getaddresses

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.mailbox import TAKEN, catching
from libs.kit.testing import running
from replenish_contracts.events import CustomerErased, OrderDrafted, OrderModified, OrderRefused
from services.notification.domain import Kind, notice_id_of
from services.notification.service import SERVICE
from tests.integration.notification import builders
from tests.integration.notification.environment import Environment
from tests.support.order_environment import own_logs
from tests.support.portal_server import portal, until

#: Timeout of each SMTP step except the final reply.
SMTP_SECONDS = 1.0


class Door:
    """A proxy of the mail server that delays the reply to a mail."""

    def __init__(self, port):
        self.behind, self.port, self.slow_seconds = port, 0, 0.0

    async def let_in(self, reader, writer):
        inside, outside = await asyncio.open_connection("127.0.0.1", self.behind)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_on(reader, outside))
            group.create_task(self._pass_on(inside, writer, patiently=True))

    async def _pass_on(self, reader, writer, *, patiently=False):
        while line := await reader.readline():
            if patiently and line.startswith(TAKEN.encode()):
                await asyncio.sleep(self.slow_seconds)
            writer.write(line)
        writer.close()


@asynccontextmanager
async def taking_time(port):
    door = Door(port)
    server = await asyncio.start_server(door.let_in, "127.0.0.1", 0)
    door.port = server.sockets[0].getsockname()[1]
    yield door
    server.close()


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    log, answers = tmp_path_factory.mktemp("mail") / "mails.jsonl", []
    async with (
        own_logs(kafka_url),
        portal() as desk,
        catching(log, judge=lambda _: answers.pop(0) if answers else TAKEN) as port,
        taking_time(port) as door,
        running(
            SERVICE,
            kafka_url=kafka_url,
            database_urls=database,
            portal_url=desk.url,
            smtp_port=door.port,
            smtp_timeout_seconds=SMTP_SECONDS,
            public_url="https://home.example",
            hold_grace_hours=0,
        ) as kit,
    ):
        world = Environment(kit, kafka_url, desk, log)
        #: Replies of the mail server before it accepts a mail.
        world.answers = answers
        world.door = door
        yield world
        await world.http.aclose()


async def test_order_is_mailed_once_in_customer_language(world):
    world.joins("jo", locale="de", time_zone="Europe/Berlin", state="active")
    order_id = await world.order("jo")
    await world.order("jo")

    told = await world.reaches("jo", "sent")

    (mail,) = world.mails("jo")
    notice_id = notice_id_of("jo", Kind.ORDER_PLACED, order_id)
    assert told["notice_id"] == notice_id
    assert mail["message_id"] == f"<{notice_id}@replenish>"
    assert mail["subject"].startswith("Bestellt: ")
    assert "https://home.example/" in mail["text"]
    said = await until(lambda: _said(world, notice_id), "it is said")
    assert (said["kind"], said["channel"], said["order_id"]) == ("order_placed", "email", order_id)


async def test_deferred_mail_is_sent_again(world):
    world.joins("kim")
    world.answers += ["451 later", "421 much later"]

    await world.order("kim")
    await world.reaches("kim", "sent")

    assert len(world.mails("kim")) == 1
    assert world.answers == []


async def test_slow_server_gets_mail_once(world):
    world.joins("ken")
    world.door.slow_seconds = 3 * SMTP_SECONDS

    await world.order("ken")
    await world.reaches("ken", "sent")

    world.door.slow_seconds = 0
    assert len(world.mails("ken")) == 1


async def test_modified_order_is_mailed_as_placed(world):
    world.joins("mia")
    ids = {"customer_id": "mia", "order_id": "order-of-mia", "pool_id": "mia/pods"}
    order = builders.ORDER | ids
    await world.publish(
        OrderDrafted(**order, packs=5, quantity=100, price=2500, currency="EUR"),
        OrderModified(**order, packs=2, quantity=40, price=1000, currency="EUR"),
    )

    await world.order("mia")
    await world.reaches("mia", "sent")

    (mail,) = world.mails("mia")
    assert "Price: 10.00 EUR" in mail["text"]


async def test_permanent_refusal_is_shown_without_address(world):
    world.joins("lee")
    world.answers += ["550 <lee@example.com> is unknown here"]

    await world.order("lee")
    refused = await world.reaches("lee", "refused")

    assert refused["reason"] == "the mail server rejected the mail permanently (550)"
    reason = await world.kit.pool.fetchval("SELECT reason FROM task WHERE id = $1", refused["notice_id"])
    assert "lee@" not in reason


async def test_invalid_address_is_refused_without_mail(world):
    world.joins("max", email="max@example.com\r\nRCPT TO:<eve@example.com>")

    await world.order("max")

    assert (await world.reaches("max", "refused"))["reason"] == "the mail address is not valid"
    assert not world.mails("eve")


@pytest.mark.parametrize(
    ("customer", "email", "delivered_to"),
    [
        ("sharp", "max@faß.de", "max@xn--fa-hia.de"),
        ("typed", "max@XN--fa-hia.DE", "max@xn--fa-hia.de"),
        ("joined", "max@نام\u200cهای.com", "max@xn--mgba3gch31fz60k.com"),
        ("upper", "Max@MÜNCHEN.example", "Max@xn--mnchen-3ya.example"),
        ("tagged", "o'neil+a{b}@example.org", "o'neil+a{b}@example.org"),
    ],
)
async def test_mail_is_delivered_to_the_domain_as_registered(world, customer, email, delivered_to):
    name = 'Lee, Ann "x" <eve@example.com> =?utf-8?q?eve=40example.com?=, ' + "and a long name " * 6
    world.joins(customer, email=email, name=name)

    await world.order(customer)
    told = await world.reaches(customer, "sent")

    (mail,) = [mail for mail in world.all_mails() if mail["message_id"] == f"<{told['notice_id']}@replenish>"]
    assert mail["to"] == [delivered_to]
    (recipient,) = [address for _, address in getaddresses([mail["header_to"]])]
    assert recipient == delivered_to


@pytest.mark.parametrize(
    ("customer", "email"),
    [
        ("joiner", "max@exa\u200dmple.com"),
        ("fullwidth", "max@ｅxample.com"),
        ("local", "jörg@example.com"),
        ("two", "max@example.com, eve@example.com"),
        ("literal", "max@[127.0.0.1]"),
        ("quoted", '"max eve"@example.com'),
    ],
)
async def test_address_that_would_reach_another_mailbox_is_refused(world, customer, email):
    world.joins(customer, email=email)

    await world.order(customer)

    refused = await world.reaches(customer, "refused")
    assert refused["reason"] == "the mail address is not valid"
    assert not [mail for mail in world.all_mails() if refused["notice_id"] in mail["message_id"]]


async def test_external_text_is_escaped(world):
    world.joins("nia", name='Nia\r\nBcc: eve@example.com, "x" <y@example.com>')

    await world.order("nia", OrderRefused, reason="sold out\r\n.\r\nMAIL FROM:<eve@example.com>")
    await world.reaches("nia", "sent")

    (mail,) = world.mails("nia")
    assert "sold out . MAIL FROM:<eve@example.com>." in mail["text"]


async def test_mail_waits_for_portal(world):
    world.joins("oda")
    world.desk.down, asked = True, world.desk.requests

    await world.order("oda")
    await until(lambda: _asked_since(world, asked), "the portal was asked")
    assert not world.mails("oda")

    world.desk.down = False
    await world.reaches("oda", "sent")


async def test_erased_customer_gets_no_mail(world):
    await world.order("pat")

    assert (await world.reaches("pat", "refused"))["reason"] == "the customer is gone"


async def test_unknown_attempt_is_repeated_with_same_message_id(world):
    """After a crash between the server's reply and the commit, the same mail is sent once more."""
    world.joins("quinn")
    order_id = await world.order("quinn")
    await world.reaches("quinn", "sent")
    notice_id = notice_id_of("quinn", Kind.ORDER_PLACED, order_id)
    async with world.kit.pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE notice SET state = 'due' WHERE notice_id = $1", notice_id)
        await connection.execute(
            "UPDATE task SET state = 'claimed', lease_until = now() - $2::interval WHERE id = $1",
            notice_id,
            timedelta(seconds=1),
        )

    await world.reaches("quinn", "sent")

    mails = world.mails("quinn")
    assert len(mails) == 2
    assert mails[0]["message_id"] == mails[1]["message_id"]


async def test_notices_require_own_customer(world):
    world.joins("rae")
    await world.order("rae")
    await world.reaches("rae", "sent")

    assert (await world.notices("rae", asker="sam")).status_code == 404
    assert (await world.notices("rae", "operator")).status_code == 200
    assert (await world.http.get("/v1/customers/rae/notices")).status_code == 401


async def test_customer_changes_preferences(world):
    headers = world.desk.headers("customer", customer_id="sam")
    path = "/v1/customers/sam/preferences"

    before = (await world.http.get(path, headers=headers)).json()["preferences"]
    after = (await world.http.put(path, json={"order_placed": False}, headers=headers)).json()["preferences"]
    wrong = await world.http.put(path, json={"horoscope": True}, headers=headers)

    assert (before["order_placed"], after["order_placed"]) == (True, False)
    assert {**before, "order_placed": False} == after
    assert wrong.status_code == 422
    world.joins("sam")
    await world.order("sam")
    assert (await world.reaches("sam", "not_sent"))["reason"] == "the customer opted out"
    assert not world.mails("sam")


async def test_erased_customer_leaves_no_data(world):
    world.joins("tom")
    await world.order("tom")
    await world.reaches("tom", "sent")

    await world.publish(CustomerErased(customer_id="tom"))

    async def forgotten():
        return (await world.notices("tom", "operator")).json()["notices"] == []

    assert await until(forgotten, "tom is forgotten")


async def _said(world, notice_id):
    """Return the data of a notice's CustomerNotified, if it is on the broker."""
    async with AIOKafkaConsumer(bootstrap_servers=world.kafka_url, auto_offset_reset="earliest") as consumer:
        consumer.subscribe(["notices"])
        async with asyncio.timeout(10):
            while True:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        data = json.loads(record.value)["data"]
                        if data["notice_id"] == notice_id:
                            return data


async def _asked_since(world, asked):
    return world.desk.requests > asked
