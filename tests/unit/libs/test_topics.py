"""Topics follow from the catalogue; keys fall into the partitions every Kafka client computes."""

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
    def test_is_the_partition_of_aiokafka(self, key, count):
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
    def test_hashes_as_java_does(self, key, hashed):
        assert murmur2(key) == hashed % 2**32


class TestTopics:
    def test_are_these(self):
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

    def test_keep_records_for_a_month_and_addresses_for_a_week(self):
        days = {topic.name: int(topic.config["retention.ms"]) / DAY_MS for topic in TOPICS.values()}

        assert days.pop("provider-orders-{provider_id}") == 7
        assert set(days.values()) == {30}

    def test_are_stamped_by_the_broker_and_never_compacted(self):
        for topic in TOPICS.values():
            assert topic.config["message.timestamp.type"] == "LogAppendTime"
            assert topic.config["cleanup.policy"] == "delete"

    def test_give_a_reason_for_every_setting(self):
        assert all(len(setting.reason) > 20 for topic in TOPICS.values() for setting in topic.settings.values())

    def test_carry_no_sequence_where_others_write(self):
        assert {t.name for t in TOPICS.values() if t.is_external} == {"usage", "provider-updates-{provider_id}"}

    def test_of_a_provider_are_its_own_two(self):
        names = [topic.name for topic in provider_topics("acme")]

        assert names == ["provider-orders-acme", "provider-updates-acme"]
        assert all(topic.provider_id == "acme" and topic.partitions == 1 for topic in provider_topics("acme"))

    @pytest.mark.parametrize(
        "provider_id", ["", "a b", "a.b", "A", "ü", "-a", "a/../b", "x" * 101, "a\n", "{provider_id}"]
    )
    def test_refuse_a_provider_whose_name_is_no_topic(self, provider_id):
        with pytest.raises(ValueError, match="cannot name a topic"):
            provider_topics(provider_id)

    def test_are_found_by_name(self):
        assert find_topic("usage") is TOPICS["usage"]
        assert find_topic("provider-updates-acme").provider_id == "acme"
        assert [partition_count(name) for name in ("orders", "provider-orders-acme")] == [12, 1]
        assert sorted(t.name for t in (*OWN_TOPICS, *PATTERNS)) == sorted(TOPICS)

    @pytest.mark.parametrize("name", ["gossip", "provider-", "usage-2", ""])
    def test_unknown_are_named(self, name):
        with pytest.raises(KeyError, match="no topic of the catalogue"):
            find_topic(name)
