"""check_decisions, check_orders and check_providers find second decisions, second orders and invalid transitions."""

from tests.unit.judge.scenario import ORDER, PLACE, POOL, registered, restocked
from tests.unit.judge.verdicts import anomalies, kinds, record, verdict_of


class TestCheckDecisions:
    def test_second_crossing_of_epoch_is_doubled(self):
        scenario = restocked()
        scenario.add_event("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 1})

        assert verdict_of(scenario).doubled == 1

    def test_crossing_without_trigger_is_phantom(self):
        scenario = restocked()
        scenario.add_event("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 7})

        assert "phantom" in kinds(scenario)

    def test_crossing_without_decision_is_lost(self):
        scenario = registered()
        scenario.add_event("reorders", "TriggerSet", POOL | PLACE | {"epoch": 1})
        scenario.add_event("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 1})

        verdict = verdict_of(scenario)

        assert verdict.lost == 1
        assert "reorders has no decision" in verdict.anomalies[0].stopped_at

    def test_crossing_of_old_epoch_needs_no_decision(self):
        scenario = registered()
        scenario.add_event("reorders", "TriggerSet", POOL | PLACE | {"epoch": 1})
        scenario.add_event("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 1})
        scenario.add_event("reorders", "TriggerSet", POOL | PLACE | {"epoch": 2})

        assert verdict_of(scenario).green

    def test_second_open_order_of_pool(self):
        scenario = restocked()
        for epoch, order in ((2, "o2"), (3, "o3")):
            data = ORDER | PLACE | {"order_id": order, "epoch": epoch, "packs": 2, "pack_size": 30, "quantity": 60}
            scenario.add_event("reorders", "ReorderApproved", data)

        assert "has the open order o2 and got o3" in anomalies(scenario)

    def test_second_order_of_epoch(self):
        scenario = restocked()
        data = ORDER | PLACE | {"order_id": "o2", "epoch": 1, "packs": 2, "pack_size": 30, "quantity": 60}
        scenario.add_event("reorders", "ReorderApproved", data)

        assert "epoch 1 of ann/pods was approved before" in anomalies(scenario)


class TestCheckOrders:
    def test_approved_but_not_drafted_is_lost(self):
        scenario = restocked()
        data = ORDER | PLACE | {"order_id": "o2", "epoch": 2, "packs": 2, "pack_size": 30, "quantity": 60}
        scenario.add_event("reorders", "ReorderApproved", data)

        assert verdict_of(scenario).lost == 1

    def test_second_delivery_is_doubled(self):
        scenario = restocked()
        scenario.fact("OrderDelivered", quantity=60, **PLACE)

        assert verdict_of(scenario).doubled == 1

    def test_shipment_after_refusal(self):
        scenario = registered()
        scenario.fact("OrderDrafted", quantity=60)
        scenario.fact("OrderRefused")
        scenario.fact("OrderShipped")

        assert "OrderShipped after OrderRefused" in anomalies(scenario)

    def test_second_request_to_another_provider(self):
        scenario = restocked()
        scenario.add_event("provider-orders-other", "OrderRequested", ORDER | {"quantity": 60})

        assert "was requested before" in anomalies(scenario)

    def test_shipment_reported_by_provider_without_event(self):
        scenario = restocked()
        for kind in ("OrderShipped", "OrderDelivered"):
            scenario.drop(record(scenario, "orders", kind))

        assert "the provider reported shipped, but no OrderShipped followed" in anomalies(scenario)


class TestCheckProviders:
    def test_order_accepted_by_two_providers(self):
        scenario = restocked()
        scenario.provider("accepted", provider_id="other", quantity=60)

        assert "accepted by acme and by other" in anomalies(scenario)

    def test_acceptance_of_unknown_order(self):
        scenario = restocked()
        scenario.provider("accepted", order_id="o9", quantity=60)

        assert {"lost", "phantom"} <= kinds(scenario)

    def test_accepted_quantity_differs(self):
        scenario = restocked()
        scenario.inputs.providers[0]["quantity"] = 600

        assert kinds(scenario) == {"differs"}
