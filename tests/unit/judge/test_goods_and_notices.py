"""check_goods and check_notices find goods, notices and mails that do not add up."""

import pytest

from tests.unit.judge.scenario import PLACE, POOL, registered, restocked
from tests.unit.judge.verdicts import anomalies, kinds, record, verdict_of


class TestCheckGoods:
    def test_delivered_but_not_credited(self):
        scenario = restocked()
        scenario.fact("OrderDelivered", order_id="o2", quantity=60, **PLACE)

        assert "o2 was delivered but never credited" in anomalies(scenario)

    def test_second_credit_is_doubled(self):
        scenario = restocked()
        scenario.add_event("stock", "StockArrived", record(scenario, "stock", "StockArrived").data | {"shelf": 90})

        assert verdict_of(scenario).doubled == 1

    def test_rise_booked_twice(self):
        scenario = restocked()
        counted = record(scenario, "stock", "StockCounted")
        scenario.add_event("stock", "StockCounted", counted.data | {"shelf": 0}, cause=counted.cause)

        verdict = verdict_of(scenario)

        assert verdict.doubled == 1
        assert not verdict.books_balanced

    def test_more_taken_than_on_shelf(self):
        scenario = restocked()
        counted = record(scenario, "stock", "StockCounted")
        counted.event["data"] |= {"difference": -20, "shelf": 40}

        assert {"differs", "unbalanced"} <= kinds(scenario)

    @pytest.mark.parametrize(("fill", "goods"), [("add", 10), ("replace", 100)])
    def test_use_beyond_level_requires_inferred_fill(self, fill, goods):
        scenario = registered(fill=fill)
        scenario.report("SlotUsed", 1, quantity=60)
        scenario.row("consumption.slot", level=-10, used_total=60, **PLACE)
        filled = scenario.add_event("slots", "SlotFilled", POOL | PLACE | {"quantity": goods, "cause": "inferred"})

        assert verdict_of(scenario).green, anomalies(scenario)

        filled.event["data"]["quantity"] -= 1
        assert kinds(scenario) == {"unbalanced"}

        scenario.drop(filled)
        assert f"0 published as loaded, its reports give [{goods}]" in anomalies(scenario)

    def test_refill_reported_after_inferred_fill(self):
        scenario = registered()
        scenario.report("SlotUsed", 1, quantity=60)
        scenario.report("SlotRefilled", 2, quantity=30)
        scenario.row("consumption.slot", level=20, used_total=60, **PLACE)
        scenario.add_event("slots", "SlotFilled", POOL | PLACE | {"quantity": 10, "cause": "inferred"})
        filled = scenario.add_event("slots", "SlotFilled", POOL | PLACE | {"quantity": 20, "cause": "reported"})
        assert verdict_of(scenario).green, anomalies(scenario)

        filled.event["data"]["quantity"] = 30

        assert "40 published as loaded, its reports give [30]" in anomalies(scenario)

    def test_correction_by_person_is_published(self):
        scenario = registered()
        scenario.report("SlotUsed", 1, quantity=60)
        scenario.report("SlotMeasured", 2, level=30, by="person")
        scenario.inputs.topics["usage"][-1].event["data"]["by"] = "person"
        scenario.row("consumption.slot", level=30, used_total=60, **PLACE)
        scenario.add_event("slots", "SlotFilled", POOL | PLACE | {"quantity": 10, "cause": "inferred"})
        scenario.add_event("slots", "SlotCorrected", POOL | PLACE | {"difference": 30})

        assert verdict_of(scenario).green, anomalies(scenario)

    @pytest.mark.parametrize(
        ("settled", "times", "wrong"),
        [(10, 1, ""), (61, 1, "61 were settled by an arrival of 60"), (10, 2, "was settled before at")],
    )
    def test_early_loading_is_settled_once_by_arrival(self, settled, times, wrong):
        scenario = restocked()
        delivered = record(scenario, "orders", "OrderDelivered")
        del scenario.inputs.tables["inventory.account"]
        for n in range(1, times + 1):
            counted = {"owner_id": "ann", "product_id": "pods", "shelf": 30 - n * settled}
            counted |= {"difference": -settled, "cause": "settled"}
            scenario.add_event("stock", "StockCounted", counted, cause=delivered.id)

        told = [str(one) for one in verdict_of(scenario).anomalies if "settled" in one.what]
        assert [wrong in one for one in told] == [True] * bool(wrong)

    @pytest.mark.parametrize("table", ["inventory.account", "inventory.ledger_entry"])
    def test_changed_ledger_row_is_unbalanced(self, table):
        scenario = restocked()
        row = scenario.inputs.tables[table][-1]
        row["balance" if table == "inventory.account" else "quantity"] += 1

        assert not verdict_of(scenario).books_balanced


class TestCheckNotices:
    def test_second_notice_is_doubled(self):
        scenario = restocked()
        scenario.add_event("notices", "CustomerNotified", record(scenario, "notices", "CustomerNotified").data)

        assert verdict_of(scenario).doubled >= 1

    def test_notice_without_mail_is_lost(self):
        scenario = restocked()
        scenario.inputs.mails.clear()

        assert verdict_of(scenario).lost == 1

    def test_second_mail_is_accepted_after_kill(self):
        scenario = restocked()
        scenario.mail("n1")
        assert verdict_of(scenario).doubled == 1

        scenario.inputs.kills.append({"service": "notification", "window": "smtp"})

        assert verdict_of(scenario).green

    def test_occasion_without_decision(self):
        scenario = restocked()
        row = scenario.row("notification.notice", kind="order_placed", order_id="o1", notice_id="n1", state="sent")
        assert verdict_of(scenario).green

        row["order_id"] = "another"

        assert "no decision whether to notify of OrderPlaced o1" in anomalies(scenario)

    def test_sent_notice_without_event_is_lost(self):
        scenario = restocked()
        scenario.row("notification.notice", kind="order_placed", order_id="o1", notice_id="n9", state="sent")

        assert verdict_of(scenario).lost == 1
