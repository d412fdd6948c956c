"""Goods and mails that do not add up turn the judge red."""

import pytest

from tests.unit.judge.reading import kinds, record, verdict_of, words
from tests.unit.judge.story import PLACE, restocked


class TestGoods:
    def test_delivered_and_never_credited(self):
        story = restocked()
        story.fact("OrderDelivered", order_id="o2", quantity=60, **PLACE)

        assert "o2 was delivered and never credited" in words(story)

    def test_credited_twice(self):
        story = restocked()
        story.say("stock", "StockArrived", record(story, "stock", "StockArrived").data | {"shelf": 90})

        assert verdict_of(story).doubled == 1

    def test_a_rise_booked_twice(self):
        story = restocked()
        counted = record(story, "stock", "StockCounted")
        story.say("stock", "StockCounted", counted.data | {"shelf": 0}, cause=counted.cause)

        verdict = verdict_of(story)

        assert verdict.doubled == 1
        assert not verdict.books_balanced

    def test_more_taken_than_was_there(self):
        story = restocked()
        counted = record(story, "stock", "StockCounted")
        counted.event["data"] |= {"difference": -20, "shelf": 40}

        assert {"differs", "unbalanced"} <= kinds(story)

    @pytest.mark.parametrize("table", ["inventory.account", "inventory.ledger_entry"])
    def test_a_changed_row_unbalances_the_books(self, table):
        story = restocked()
        row = story.evidence.tables[table][-1]
        row["balance" if table == "inventory.account" else "quantity"] += 1

        assert not verdict_of(story).books_balanced


class TestNotices:
    def test_told_twice(self):
        story = restocked()
        story.say("notices", "CustomerNotified", record(story, "notices", "CustomerNotified").data)

        assert verdict_of(story).doubled >= 1

    def test_told_and_never_mailed(self):
        story = restocked()
        story.evidence.mails.clear()

        assert verdict_of(story).lost == 1

    def test_mailed_twice_needs_a_kill_to_excuse_it(self):
        story = restocked()
        story.mail("n1")
        assert verdict_of(story).doubled == 1

        story.evidence.kills.append({"service": "notification", "window": "smtp"})

        assert verdict_of(story).green

    def test_an_occasion_nobody_decided_on(self):
        story = restocked()
        row = story.row("notification.notice", kind="order_placed", order_id="o1", notice_id="n1", state="told")
        assert verdict_of(story).green

        row["order_id"] = "another"

        assert "nobody decided whether to tell of OrderPlaced o1" in words(story)

    def test_a_notice_called_told_that_was_never_said(self):
        story = restocked()
        story.row("notification.notice", kind="order_placed", order_id="o1", notice_id="n9", state="told")

        assert verdict_of(story).lost == 1
