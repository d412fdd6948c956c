"""quixstreams, exactly once, on the same topic: level by slot in RocksDB with a changelog, crossings to a topic.

Runs in its own environment (quix_env.py) and imports none of our code. It does less than consumption: no burn rate, no
uncertainty, no duplicates, and thresholds are computed instead of stored.
"""

import sys

from quixstreams import Application

LEVEL = 1000


def main(kafka_url, topic, crossings_topic, group, folder):
    app = Application(
        broker_address=kafka_url,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=1.0,  # with the default of 5 s a crossing would wait that long
        state_dir=folder,
        loglevel="WARNING",
        topic_create_timeout=60,
    )
    usage = app.topic(topic, value_deserializer="json", key_deserializer="bytes")
    crossings = app.topic(crossings_topic, value_serializer="json")

    def use(event, state):
        used = event["data"]
        device, slot = used["device_id"], used["slot"]
        level = state.get(slot, LEVEL) - used["quantity"]
        state.set(slot, level)
        at_level = LEVEL if (int(device[4:]) * 5 + int(slot)) % 100 == 0 else 0
        return {"device_id": device, "slot": slot, "level": level} if level <= at_level else None

    stream = app.dataframe(usage).apply(use, stateful=True)
    stream.filter(lambda crossed: crossed is not None).to_topic(crossings)
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
