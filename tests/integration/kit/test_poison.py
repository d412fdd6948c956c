"""Unusable records become dead letters with their bytes and reason, and block no other record."""

import asyncio
import json
import random

import pytest

from tests.support import kit_events as a
from tests.support.kit_environment import until

DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
USE = json.loads(a.slot_used("poison"))


def changed(**fields):
    return json.dumps(USE | fields).encode()


def with_data(**fields):
    return json.dumps(USE | {"data": USE["data"] | fields}).encode()


POISONS = {
    "nothing at all": b"",
    "no JSON": b"not json",
    "no UTF-8": b"\xff\xfe\x00",
    "cut in the middle": a.slot_used("poison")[:-20],
    "no object": b"[1, 2]",
    "a number": b"7",
    "no type": json.dumps({name: value for name, value in USE.items() if name != "type"}).encode(),
    "no id": json.dumps({name: value for name, value in USE.items() if name != "id"}).encode(),
    "an id that is a number": changed(id=7),
    "an id with NUL": changed(id="a\x00b"),
    "an id with half a surrogate": json.dumps(USE).replace('"poison-1"', '"\\ud800"').encode(),
    "another version of CloudEvents": changed(specversion="0.3"),
    "no time": changed(time="yesterday"),
    "a sequence that is no number": changed(sequence="many"),
    "a sequence larger than Postgres counts": changed(sequence="9" * 30),
    "deep nesting": DEEP,
    "deep nesting beside the data": json.dumps(USE).replace('"data"', f'"x": {DEEP.decode()}, "data"').encode(),
    "a negative quantity": with_data(quantity=-1),
    "a quantity larger than any counter": with_data(quantity=10**30),
    "a quantity that is no number": json.dumps(USE).replace('"quantity": 1', '"quantity": NaN').encode(),
    "an empty device": with_data(device_id=""),
    "a device with NUL": with_data(device_id="a\x00b"),
    "900 kB of one word": with_data(boot="x" * 900_000),
}
#: Fine or unknown, and therefore not parked.
HARMLESS = {
    "of an unknown type": changed(type="SlotAdored", id="unknown"),
    "of a type with NUL": changed(type="Slot\x00Used", id="unknown\x00"),
}


@pytest.mark.parametrize("key", ["poison", "nul\x00key"])
async def test_is_parked_with_its_bytes_and_others_go_on(world, key):
    async with world.running() as kit:
        await world.publish("usage", [(key, value) for value in [*POISONS.values(), *HARMLESS.values()]])
        await world.publish("usage", [(key, a.slot_used("healthy"))])
        await until_parked_or_failed(world, kit, len(POISONS))

    parked = {bytes(row["value"]): row["reason"] for row in await world.rows("SELECT value, reason FROM dead_letter")}
    missed = [name for name, value in POISONS.items() if value not in parked]
    assert missed == []
    assert all(parked.values())
    assert len(parked) == len(POISONS)
    assert await world.applied() == {"healthy-1": 1}


async def test_never_counts_against_the_budget_when_it_comes_from_outside(world):
    async with world.running(failure_budget=3) as kit:
        await world.publish("usage", [(f"d{n}", b"garbage") for n in range(50)])
        await world.use(("d", 1))
        await until_parked_or_failed(world, kit, 50)
        await world.has_applied(1)
        await asyncio.sleep(0)
        assert not kit.failed.done()


async def test_of_any_bytes_is_survived(world):
    """Random damage to good records: each is applied or parked, and the service lives."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    values = [damaged(dice, a.slot_used("d", n)) for n in range(300)]

    async with world.running() as kit:
        await world.publish("usage", [("d", value) for value in values])
        await world.use(("last", 1))
        await until_parked_or_failed(world, kit, 1)
        await until(lambda: world.value("SELECT 1 FROM applied WHERE subject = 'last'"), "the last is applied")
        counted = "SELECT (SELECT count(*) FROM dead_letter) + (SELECT count(*) FROM applied)"
        await until(lambda: fates(world, kit, counted, 301), "every record has one fate")


async def fates(world, kit, sql, count):
    skipped = 0  # damage to the type makes it unknown: skipped, and the checkpoint moves over it
    assert not kit.failed.done(), kit.failed.exception()
    ends = "SELECT sum(next_offset) FROM checkpoint WHERE topic = 'usage'"
    return await world.value(sql) + skipped >= count or await world.value(ends) >= count


def damaged(dice, value):
    value = bytearray(value)
    for _ in range(dice.choice([0, 1, 1, 3])):
        value[dice.randrange(len(value))] = dice.randrange(256)
    return bytes(value[: dice.randrange(len(value))] if dice.random() < 0.1 else value)


async def until_parked_or_failed(world, kit, count):
    async def done():
        if kit.failed.done():
            raise kit.failed.exception()
        return await world.value("SELECT count(*) FROM dead_letter") >= count

    await until(done, f"{count} records parked", seconds=30)
