"""Which notices are sent, and when."""

from datetime import timedelta

import pytest

from replenish_contracts.catalogue import CATALOGUE
from replenish_contracts.events import OrderReference
from services.notification.domain import (
    EVENTS_WITHOUT_NOTICE,
    KIND_BY_EVENT,
    KIND_BY_HOLD,
    KINDS,
    Kind,
    NoticeState,
    decide,
    notice_id_of,
)
from tests.support import notification_events as a


def decided(kind, preference=None, last_notified_at=None, protocol=None):
    return decide(
        kind, preference=preference, last_notified_at=last_notified_at, timing=a.TIMING, now=a.NOON, protocol=protocol
    )


class TestTable:
    def test_every_kind_has_rule_and_reason(self):
        assert set(KINDS) == set(Kind)
        assert all(rule.reason for rule in KINDS.values())

    def test_every_order_event_has_kind_or_reason(self):
        facts = {name for name, event in CATALOGUE.items() if issubclass(event, OrderReference)}

        assert set(KIND_BY_EVENT).isdisjoint(EVENTS_WITHOUT_NOTICE)
        assert {*KIND_BY_EVENT, *EVENTS_WITHOUT_NOTICE} == facts

    def test_every_kind_is_reachable(self):
        assert {*KIND_BY_EVENT.values(), *KIND_BY_HOLD.values()} == set(Kind)


class TestDecide:
    @pytest.mark.parametrize("kind", Kind)
    def test_decide_follows_table(self, kind):
        decision = decided(kind)

        assert (decision.state is NoticeState.DUE) == KINDS[kind].enabled
        assert decision.reason == KINDS[kind].reason

    def test_unwanted_notice_is_suppressed(self):
        assert decided(Kind.ORDER_PLACED, preference=False).state is NoticeState.NOT_SENT

    def test_wanted_notice_is_sent(self):
        decision = decided(Kind.ORDER_DELIVERED, preference=True)

        assert (decision.state, decision.reason) == (NoticeState.DUE, "the customer opted in")

    def test_notice_sent_by_provider_is_suppressed(self):
        theirs = [
            kind
            for kind in Kind
            if decided(kind, protocol="drs").reason == "the provider notifies its customers itself"
        ]

        assert theirs == [Kind.ORDER_PLACED, Kind.ORDER_SHIPPED, Kind.ORDER_DELIVERED]
        assert decided(Kind.ORDER_PLACED, protocol="drs").state is NoticeState.NOT_SENT
        assert decided(Kind.ORDER_PLACED, preference=True, protocol="drs").state is NoticeState.DUE
        assert decided(Kind.ORDER_PLACED, protocol="kafka").state is NoticeState.DUE

    def test_notice_is_due_at_once(self):
        assert decided(Kind.ORDER_PLACED).due_at == a.NOON

    def test_temporary_hold_is_delayed(self):
        assert decided(Kind.CANNOT_ORDER).due_at == a.NOON + timedelta(hours=1)

    def test_same_hold_is_not_repeated_within_a_week(self):
        again = decided(Kind.CANNOT_ORDER, last_notified_at=a.NOON - timedelta(days=6))
        later = decided(Kind.CANNOT_ORDER, last_notified_at=a.NOON - timedelta(days=7))

        assert (again.state, again.reason) == (NoticeState.NOT_SENT, "already notified on 2026-02-23")
        assert later.state is NoticeState.DUE

    def test_payment_notice_is_repeated(self):
        assert decided(Kind.ORDER_PLACED, last_notified_at=a.NOON).state is NoticeState.DUE


class TestNoticeIdOf:
    def test_notice_id_is_unique_per_occasion(self):
        assert notice_id_of("ann", Kind.ORDER_PLACED, "o1") == notice_id_of("ann", Kind.ORDER_PLACED, "o1")
        assert len({notice_id_of(c, k, r) for c in ("ann", "bob") for k in Kind for r in ("o1", "o2")}) == 4 * len(Kind)
