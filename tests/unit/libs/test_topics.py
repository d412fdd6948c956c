"""Topics are derived from the catalogue; partitions equal those of other Kafka clients."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.topics import (
    OWN_TOPICS,
    PARTITIONS,
    PATTERNS,
    TOPICS,
    find_topic,
    murmur2,
    partition_count,
    partition_for,
    provider_topics,
)

DAY_MS = 86_400_000


class TestPartitionFor:
    @given(st.binary(max_size=60), st.sampled_from([1, 3, PARTITIONS, 50]))
    def test_partition_equals_aiokafka(self, key, count):
        everywhere = list(range(count))

        assert partition_for(key, count) == DefaultPartitioner()(key, everywhere, everywhere)

    @pytest.mark.parametrize(
        ("key", "hashed"),
        # org.apache.kafka.common.utils.UtilsTest.testMurmur2
        [
            (b"21", -973932308),
            (b"foobar", -790332482),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
            (b"abc", 479470107),
        ],
    )
    def test_hash_equals_java_client(self, key, hashed):
        assert murmur2(key) == hashed % 2**32


class TestTopics:
    def test_topics_are_complete(self):
        assert {topic.name: topic.partitions for topic in TOPICS.values()} == {
            "accounts": 12,
            "usage": 12,
            "slots": 12,
            "offers": 12,
            "reorders": 12,
            "orders": 12,
            "provider-orders-{provider_id}": 1,
            "provider-updates-{provider_id}": 1,
            "stock": 12,
            "notices": 12,
        }

    def test_retention_of_topics(self):
        days = {topic.name: int(topic.config["retention.ms"]) / DAY_MS for topic in TOPICS.values()}

        assert days.pop("provider-orders-{provider_id}") == 7
        assert set(days.values()) == {30}

    def test_topics_use_append_time_and_no_compaction(self):
        for topic in TOPICS.values():
            assert topic.config["message.timestamp.type"] == "LogAppendTime"
            assert topic.config["cleanup.policy"] == "delete"

    def test_every_setting_has_reason(self):
        assert all(len(setting.reason) > 20 for topic in TOPICS.values() for setting in topic.settings.values())

    def test_external_topics_have_no_sequence(self):
        assert {t.name for t in TOPICS.values() if t.is_external} == {"usage", "provider-updates-{provider_id}"}

    def test_provider_has_two_topics(self):
        names = [topic.name for topic in provider_topics("acme")]

        assert names == ["provider-orders-acme", "provider-updates-acme"]
        assert all(topic.provider_id == "acme" and topic.partitions == 1 for topic in provider_topics("acme"))

    @pytest.mark.parametrize(
        "provider_id", ["", "a b", "a.b", "A", "ü", "-a", "a/../b", "x" * 101, "a\n", "{provider_id}"]
    )
    def test_invalid_provider_name_is_refused(self, provider_id):
        with pytest.raises(ValueError, match="cannot name a topic"):
            provider_topics(provider_id)

    def test_topic_is_found_by_name(self):
        assert find_topic("usage") is TOPICS["usage"]
        assert find_topic("provider-updates-acme").provider_id == "acme"
        assert [partition_count(name) for name in ("orders", "provider-orders-acme")] == [12, 1]
        assert sorted(t.name for t in (*OWN_TOPICS, *PATTERNS)) == sorted(TOPICS)

    @pytest.mark.parametrize("name", ["gossip", "provider-", "usage-2", ""])
    def test_unknown_topic_is_named_in_error(self, name):
        with pytest.raises(KeyError, match="no topic of the catalogue"):
            find_topic(name)
