"""Goods and mails that do not add up turn the judge red."""

import pytest

from tests.unit.judge.reading import kinds, record, verdict_of, words
from tests.unit.judge.story import PLACE, POOL, registered, restocked


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

    @pytest.mark.parametrize(("fill", "goods"), [("add", 10), ("replace", 100)])
    def test_use_of_what_was_not_there_is_goods_that_were_loaded_by_hand(self, fill, goods):
        story = registered(fill=fill)
        story.report("SlotUsed", 1, quantity=60)
        story.row("consumption.slot", level=-10, used_total=60, **PLACE)
        filled = story.say("slots", "SlotFilled", POOL | PLACE | {"quantity": goods, "cause": "inferred"})

        assert verdict_of(story).green, words(story)

        filled.event["data"]["quantity"] -= 1
        assert kinds(story) == {"unbalanced"}

        story.drop(filled)
        assert f"0 were told to come in, its reports make it [{goods}]" in words(story)

    def test_a_refill_reported_after_all_is_not_told_twice(self):
        story = registered()
        story.report("SlotUsed", 1, quantity=60)
        story.report("SlotRefilled", 2, quantity=30)
        story.row("consumption.slot", level=20, used_total=60, **PLACE)
        story.say("slots", "SlotFilled", POOL | PLACE | {"quantity": 10, "cause": "inferred"})
        filled = story.say("slots", "SlotFilled", POOL | PLACE | {"quantity": 20, "cause": "reported"})
        assert verdict_of(story).green, words(story)

        filled.event["data"]["quantity"] = 30

        assert "40 were told to come in, its reports make it [30]" in words(story)

    def test_what_a_person_saw_is_told_as_a_correction(self):
        story = registered()
        story.report("SlotUsed", 1, quantity=60)
        story.report("SlotMeasured", 2, level=30, by="person")
        story.evidence.topics["usage"][-1].event["data"]["by"] = "person"
        story.row("consumption.slot", level=30, used_total=60, **PLACE)
        story.say("slots", "SlotFilled", POOL | PLACE | {"quantity": 10, "cause": "inferred"})
        story.say("slots", "SlotCorrected", POOL | PLACE | {"difference": 30})

        assert verdict_of(story).green, words(story)

    @pytest.mark.parametrize(
        ("settled", "times", "wrong"),
        [(10, 1, ""), (61, 1, "61 were settled by 60 that arrived"), (10, 2, "was settled before at")],
    )
    def test_what_was_loaded_early_is_settled_by_an_arrival_once(self, settled, times, wrong):
        story = restocked()
        delivered = record(story, "orders", "OrderDelivered")
        del story.evidence.tables["inventory.account"]
        for n in range(1, times + 1):
            counted = {"owner_id": "ann", "product_id": "pods", "shelf": 30 - n * settled}
            counted |= {"difference": -settled, "cause": "settled"}
            story.say("stock", "StockCounted", counted, cause=delivered.id)

        told = [str(one) for one in verdict_of(story).anomalies if "settled" in one.what]
        assert [wrong in one for one in told] == [True] * bool(wrong)

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
        row = story.row("notification.notice", kind="order_placed", order_id="o1", notice_id="n1", state="sent")
        assert verdict_of(story).green

        row["order_id"] = "another"

        assert "nobody decided whether to tell of OrderPlaced o1" in words(story)

    def test_a_notice_called_told_that_was_never_said(self):
        story = restocked()
        story.row("notification.notice", kind="order_placed", order_id="o1", notice_id="n9", state="sent")

        assert verdict_of(story).lost == 1
