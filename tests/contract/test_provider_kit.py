"""Files for providers: access rules, schemas and a sample."""

import json
from pathlib import Path

import pytest

from deploy.samples.smallest_provider import answers
from replenish_contracts.topics import TOPICS
from replenish_contracts.wire import decoder

ROOT = Path(__file__).parent.parent.parent
PUBLISHED = ROOT / "libs" / "replenish_contracts" / "published"


def rules_of(provider_id):
    """Return the published access rules of a provider."""
    ((user, rules),) = json.loads((PUBLISHED / "acls.json").read_text())["provider"].items()
    assert user == "User:provider-{provider_id}"
    return json.loads(json.dumps(rules).replace("{provider_id}", provider_id))


def may(provider_id, operation, kind, name):
    """Return whether Kafka permits the operation: without a matching rule it is denied."""
    return any(
        (rule["operation"], rule["resource_type"], rule["permission"]) == (operation, kind, "Allow")
        and (name.startswith(rule["name"]) if rule["pattern_type"] == "PREFIXED" else name == rule["name"])
        for rule in rules_of(provider_id)
    )


class TestAccess:
    @pytest.mark.parametrize(
        ("operation", "kind", "name"),
        [
            ("Read", "Topic", "provider-orders-acme"),
            ("Write", "Topic", "provider-updates-acme"),
            ("Read", "Group", "provider-acme"),
        ],
    )
    def test_access_to_own_topics(self, operation, kind, name):
        assert may("acme", operation, kind, name)

    @pytest.mark.parametrize("other", ["acme-2", "acm", "globex"])
    @pytest.mark.parametrize("operation", ["Read", "Write", "Describe", "Create", "Alter", "Delete"])
    def test_no_access_to_other_providers(self, operation, other):
        for kind, name in (
            ("Topic", f"provider-orders-{other}"),
            ("Topic", f"provider-updates-{other}"),
            ("Group", f"provider-{other}"),
            ("Group", f"provider-{other}-anything"),
        ):
            assert not may("acme", operation, kind, name), (kind, name)

    @pytest.mark.parametrize("operation", ["Read", "Write", "Describe", "Create", "Alter", "Delete"])
    def test_no_access_to_service_topics(self, operation):
        names = [topic.name for topic in TOPICS.values()] + ["usage", "provider-orders-", "provider-updates-", "*"]

        assert not [name for name in names if may("acme", operation, "Topic", name)]

    def test_access_is_read_orders_and_write_updates(self):
        assert not may("acme", "Write", "Topic", "provider-orders-acme")
        assert not may("acme", "Read", "Topic", "provider-updates-acme")
        assert {rule["pattern_type"] for rule in rules_of("acme")} == {"LITERAL"}
        assert {rule["resource_type"] for rule in rules_of("acme")} == {"Group", "Topic"}


def example(name):
    return json.loads((PUBLISHED / "golden" / f"{name}.json").read_text())


class TestSampleProvider:
    def test_sample_provider_fits_on_a_page(self):
        lines = (ROOT / "deploy" / "samples" / "smallest_provider.py").read_text().splitlines()

        assert len(lines) <= 50

    @pytest.mark.parametrize(
        ("event", "known", "said"),
        [
            ("OrderRequested", False, ["accepted", "shipped"]),
            ("OrderRequested", True, ["accepted", "shipped"]),
            ("CancelRequested", True, ["shipped"]),
            ("CancelRequested", False, ["not_found"]),
            ("OrderStatusRequested", True, ["shipped"]),
            ("OrderStatusRequested", False, ["not_found"]),
        ],
    )
    def test_sample_provider_answers_examples_with_valid_updates(self, event, known, said):
        asked = example(event)
        taken = {asked["data"]["order_id"]} if known else set()

        told = answers(asked, taken)

        assert [update["status"] for update in told] == said
        assert told == answers(asked, taken)
        for update in told:
            value = example("OrderUpdated") | {"id": update["update_id"], "data": update}
            read = decoder("provider-updates-acme")(json.dumps(value).encode())
            assert (read.data.update_id, read.data.status) == (update["update_id"], update["status"])
