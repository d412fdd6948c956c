"""quixstreams, exactly once, on the same topic: level by slot in RocksDB with a changelog, crossings out.

Runs with an environment of its own (quix_env.py); imports nothing of ours.
"""

import sys

from quixstreams import Application


def main(kafka_url, topic, folder):
    app = Application(
        broker_address=kafka_url,
        consumer_group="quix",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_every=2000,
        commit_interval=1.0,
        state_dir=folder,
        loglevel="WARNING",
        topic_create_timeout=60,
    )
    usage = app.topic(topic, value_deserializer="json", key_deserializer="bytes")
    crossings = app.topic("quix-crossings", value_serializer="json")

    def use(event, state):
        used = event["data"]
        name = used["slot"]
        level = state.get(name, 1000) - used["quantity"]
        state.set(name, level)
        return {"slot": name, "level": level, "crossed": level <= 0}

    stream = app.dataframe(usage).apply(use, stateful=True)
    stream = stream.filter(lambda row: row["crossed"])
    stream.to_topic(crossings)
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
