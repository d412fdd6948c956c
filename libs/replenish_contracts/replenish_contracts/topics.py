"""All topics with their settings and reasons, derived from the catalogue."""

import re
from dataclasses import dataclass, replace
from functools import cache

from replenish_contracts.catalogue import CATALOGUE, OUTSIDE, Event
from replenish_contracts.events import SlotUsed

#: The same for all our own topics, so that a key has the same partition number everywhere.
PARTITIONS = 12
DAY_MS = 24 * 60 * 60 * 1000
PLACE = "{provider_id}"
#: Written by the gateway, and by device makers with their own Kafka credentials.
FRONT_DOOR = SlotUsed.topic
#: Only hyphens: Kafka's metrics map both dots and underscores to underscores.
PROVIDER_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


@dataclass(frozen=True)
class Setting:
    """A Kafka topic setting and its reason."""

    value: str
    reason: str


@dataclass(frozen=True)
class Topic:
    """A topic, or with `{provider_id}` in its name the pattern of one topic per provider."""

    name: str
    partitions: int
    settings: dict[str, Setting]
    events: tuple[type[Event], ...]
    #: The provider, on a topic made from a pattern.
    provider_id: str | None = None

    @property
    def config(self) -> dict[str, str]:
        return {name: setting.value for name, setting in self.settings.items()}

    @property
    def publishers(self) -> frozenset[str]:
        return frozenset(event.owner for event in self.events)

    @property
    def is_external(self) -> bool:
        """Whether external producers write here; such a topic carries no sequence."""
        return self.name == FRONT_DOOR or OUTSIDE in self.publishers

    def for_provider(self, provider_id: str) -> "Topic":
        """Return this pattern's topic of one provider; raises ValueError for an id that cannot name a topic."""
        if not PROVIDER_ID.fullmatch(provider_id):
            raise ValueError(
                f"provider_id {provider_id!r} cannot name a topic: use 1 to 100 lower-case letters, digits or "
                "hyphens, starting with a letter or a digit"
            )
        return replace(self, name=self.name.replace(PLACE, provider_id), provider_id=provider_id)


def _settings(name: str) -> dict[str, Setting]:
    retention = Setting(str(30 * DAY_MS), "a service can be down for a month, or be rebuilt from its topics")
    if name.startswith("provider-orders-"):
        retention = Setting(str(7 * DAY_MS), "it carries ship-to addresses, which are kept as briefly as possible")
    return {
        "cleanup.policy": Setting(
            "delete", "events are never replaced, and compaction would create gaps in the sequence"
        ),
        "message.timestamp.type": Setting(
            "LogAppendTime", "event times can be years old, and retention by them would delete new records"
        ),
        "retention.ms": retention,
    }


def _topic(name: str) -> Topic:
    events = tuple(event for event in CATALOGUE.values() if event.topic == name)
    return Topic(name, 1 if PLACE in name else PARTITIONS, _settings(name), events)


#: By name, in catalogue order.
TOPICS: dict[str, Topic] = {name: _topic(name) for name in dict.fromkeys(e.topic for e in CATALOGUE.values())}
PATTERNS = tuple(topic for topic in TOPICS.values() if PLACE in topic.name)
OWN_TOPICS = tuple(topic for topic in TOPICS.values() if PLACE not in topic.name)


def provider_topics(provider_id: str) -> tuple[Topic, ...]:
    """Return the topics of one provider; raises ValueError for an id that cannot name a topic."""
    return tuple(pattern.for_provider(provider_id) for pattern in PATTERNS)


@cache
def find_topic(name: str) -> Topic:
    """Return the topic with this name or pattern; raises KeyError for a topic outside the catalogue."""
    if name in TOPICS:
        return TOPICS[name]
    for pattern in PATTERNS:
        prefix = pattern.name.removesuffix(PLACE)
        if name.startswith(prefix):
            return pattern.for_provider(name.removeprefix(prefix))
    raise KeyError(f"{name} is no topic of the catalogue")


def partition_count(name: str) -> int:
    """Return the topic's number of partitions; raises KeyError like `find_topic`."""
    return find_topic(name).partitions


def partition_for(key: bytes, count: int) -> int:
    """Return the partition of a key, as Kafka's Java client and aiokafka compute it."""
    return (murmur2(key) & 0x7FFFFFFF) % count


def murmur2(key: bytes) -> int:
    """Return Kafka's 32-bit murmur2 of a key, unsigned (org.apache.kafka.common.utils.Utils.murmur2)."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if rest := key[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
