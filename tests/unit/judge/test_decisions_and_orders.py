"""Second decisions, second orders and forbidden steps turn the judge red."""

from tests.unit.judge.reading import kinds, record, verdict_of, words
from tests.unit.judge.story import ORDER, PLACE, POOL, registered, restocked


class TestDecisions:
    def test_two_crossings_of_one_epoch(self):
        story = restocked()
        story.say("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 1})

        assert verdict_of(story).doubled == 1

    def test_a_crossing_nobody_asked_for(self):
        story = restocked()
        story.say("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 7})

        assert "phantom" in kinds(story)

    def test_a_crossing_that_led_to_nothing(self):
        story = registered()
        story.say("reorders", "TriggerSet", POOL | PLACE | {"epoch": 1})
        story.say("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 1})

        verdict = verdict_of(story)

        assert verdict.lost == 1
        assert "reorders has no decision" in verdict.anomalies[0].stopped_at

    def test_an_old_epochs_crossing_needs_no_answer(self):
        story = registered()
        story.say("reorders", "TriggerSet", POOL | PLACE | {"epoch": 1})
        story.say("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 1})
        story.say("reorders", "TriggerSet", POOL | PLACE | {"epoch": 2})

        assert verdict_of(story).green

    def test_two_orders_open_at_once(self):
        story = restocked()
        for epoch, order in ((2, "o2"), (3, "o3")):
            data = ORDER | PLACE | {"order_id": order, "epoch": epoch, "packs": 2, "pack_size": 30, "quantity": 60}
            story.say("reorders", "ReorderApproved", data)

        assert "has the open order o2 and gets o3" in words(story)

    def test_two_orders_of_one_epoch(self):
        story = restocked()
        data = ORDER | PLACE | {"order_id": "o2", "epoch": 1, "packs": 2, "pack_size": 30, "quantity": 60}
        story.say("reorders", "ReorderApproved", data)

        assert "epoch 1 of ann/pods was approved before" in words(story)


class TestOrders:
    def test_approved_and_never_drafted(self):
        story = restocked()
        data = ORDER | PLACE | {"order_id": "o2", "epoch": 2, "packs": 2, "pack_size": 30, "quantity": 60}
        story.say("reorders", "ReorderApproved", data)

        assert verdict_of(story).lost == 1

    def test_delivered_twice(self):
        story = restocked()
        story.fact("OrderDelivered", quantity=60, **PLACE)

        assert verdict_of(story).doubled == 1

    def test_shipped_after_a_refusal(self):
        story = registered()
        story.fact("OrderDrafted", quantity=60)
        story.fact("OrderRefused")
        story.fact("OrderShipped")

        assert "OrderShipped after OrderRefused" in words(story)

    def test_requested_twice(self):
        story = restocked()
        story.say("provider-orders-other", "OrderRequested", ORDER | {"quantity": 60})

        assert "was requested before" in words(story)

    def test_a_shipment_nobody_noticed(self):
        story = restocked()
        for kind in ("OrderShipped", "OrderDelivered"):
            story.drop(record(story, "orders", kind))

        assert "the provider said shipped, no OrderShipped followed" in words(story)


class TestProviders:
    def test_two_providers_accept_one_order(self):
        story = restocked()
        story.provider("accepted", provider_id="other", quantity=60)

        assert "accepted by acme and by other" in words(story)

    def test_an_acceptance_that_never_reached_us(self):
        story = restocked()
        story.provider("accepted", order_id="o9", quantity=60)

        assert {"lost", "phantom"} <= kinds(story)

    def test_another_quantity(self):
        story = restocked()
        story.evidence.providers[0]["quantity"] = 600

        assert kinds(story) == {"differs"}
