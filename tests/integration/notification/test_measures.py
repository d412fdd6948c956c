"""Metrics of mails."""

import pytest
from prometheus_client import REGISTRY

from libs.kit.testing import store_for
from services.notification.domain import Kind
from services.notification.handlers import on_order_fact
from services.notification.service import SERVICE
from services.notification.store.measures import MAILS
from tests.integration.notification.builders import placed, settle
from tests.support import notification_events as a


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        yield opened


@pytest.mark.parametrize(
    ("ended", "counted"), [({"result": {"channel": "email"}}, "sent"), ({"refused": "no such mailbox"}, "failed")]
)
async def test_mail_is_counted_once_by_outcome(store, ended, counted):
    await on_order_fact(placed(), store)

    await settle(store, Kind.ORDER_PLACED, **ended)
    await settle(store, Kind.ORDER_PLACED, **ended)

    assert store.counted == [(MAILS.labels(counted), 1)]


async def test_pending_mails_are_counted_by_state(store):
    await store.connection.executemany(
        "INSERT INTO task (kind, id, payload, due_at, state) VALUES ($1, $2, '{}', now(), $3)",
        [("mail", "1", "due"), ("mail", "2", "due"), ("mail", "3", "unknown"), ("mail", "4", "done")],
    )

    [measure] = SERVICE.measures
    await measure.take(store)

    states = ("due", "unknown", "done")
    shown = [REGISTRY.get_sample_value("notification_open_mails", {"state": state}) or 0 for state in states]
    assert shown == [2, 1, 0]
