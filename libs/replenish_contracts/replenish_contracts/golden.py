"""Golden examples: one message of each event, which all later versions must still read."""

from datetime import UTC, date, datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any, get_args, get_origin

import orjson
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from replenish_contracts.catalogue import OUTSIDE, Event
from replenish_contracts.structs import bounds_of
from replenish_contracts.topics import find_topic
from replenish_contracts.wire import as_event, decoder, encode

BEGIN = datetime(2026, 1, 1, 8, tzinfo=UTC)
#: Consistent values of one household's coffee machine; other fields contain their own name.
STORY: dict[str, Any] = {
    "customer_id": "customer-1",
    "owner_id": "customer-1",
    "locale": "en",
    "time_zone": "Europe/Berlin",
    "device_id": "machine-2",
    "replaces": "machine-1",
    "model": "Espresso 100",
    "credential_sha256": sha256(b"an example").hexdigest(),
    "slot": "1",
    "old_slot": "1",
    "new_slot": "1",
    "capacity": 500,
    "level": 40,
    "boot": "boot-1",
    "seq": 7,
    "report_id": "report-1",
    "product_id": "coffee-pods",
    "pool_id": "customer-1/coffee-pods",
    "epoch": 3,
    "at_level": 35,
    "shelf_and_on_order": 0,
    "subscription_id": "subscription-1",
    "order_id": "order-1",
    "receipt_id": "receipt-1",
    "provider_id": "acme",
    "protocol": "kafka",
    "packs": 2,
    "pack_size": 50,
    "quantity": 100,
    "shelf": 100,
    "difference": 100,
    "scale": 0,
    "price": 3499,
    "fee": 251,
    "currency": "EUR",
    "country": "DE",
    "postal_code": "10115",
    "city": "Berlin",
    "line_id": "1",
    "unit_price": 749,
    "wake_up": "time",
    "by": "customer",
    "kind": "order_shipped",
    "channel": "mail",
}
#: What the second line of an order has instead; a fee of 251 makes the price of both 3,499.
SECOND_LINE: dict[str, Any] = {
    "line_id": "2",
    "product_id": "descaler",
    "pool_id": "customer-1/descaler",
    "slot": "2",
    "packs": 1,
    "pack_size": 750,
    "quantity": 750,
    "unit": "MLT",
    "unit_price": 1750,
    "epoch": 1,
    "receipt_id": "receipt-2",
}


def example_of(event: type[Event]) -> bytes:
    """Return a message of this event with every field filled in; the result is deterministic."""
    own = not find_topic(event.topic).is_external
    value = encode(
        event.model_validate(_model(event)),
        id=f"{event.__name__}-1",
        source="/acme/shop" if event.owner == OUTSIDE else f"/replenish/{event.owner}",
        time=BEGIN + timedelta(hours=1),
        sequence=17 if own else None,
        cause="the-event-before-1" if own else None,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    return orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_example(event: type[Event], value: bytes) -> Event:
    """Return the event of an old example; raises MalformedError or UnknownTypeError if it can no longer be read."""
    return as_event(decoder(event.topic)(value))


def _model(model: type[BaseModel]) -> dict[str, Any]:
    return {name: _value(name, field) for name, field in model.model_fields.items()}


def _value(name: str, field: FieldInfo) -> Any:
    annotation, rules = field.annotation, field.metadata
    if type(None) in get_args(annotation):
        inner = FieldInfo.from_annotation(next(arm for arm in get_args(annotation) if arm is not type(None)))
        annotation, rules = inner.annotation, inner.metadata
    if get_origin(annotation) is tuple:
        one = _item(name, get_args(annotation)[0])
        if name != "lines":
            return [one]
        return [one, one | {key: value for key, value in SECOND_LINE.items() if key in one}]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(iter(annotation))
    return _plain(name, annotation, rules)


def _item(name: str, annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation)
    inner = FieldInfo.from_annotation(annotation)
    return _plain(name.removesuffix("s"), inner.annotation, inner.metadata)


def _plain(name: str, annotation: Any, rules: list[Any]) -> Any:
    if annotation is AwareDatetime:
        # Expected times are in the future, all others at BEGIN.
        return BEGIN + timedelta(days=3 if name in {"expected_at", "needed_by", "run_out_at", "reconsider_at"} else 0)
    if annotation is date:
        return (BEGIN + timedelta(days=3)).date()
    if annotation is bool:
        return True
    if annotation is float:
        return 5.5
    if annotation is int:
        return STORY.get(name) if isinstance(STORY.get(name), int) else bounds_of(rules).get("ge", 1)
    if annotation is str:
        return STORY.get(name) if isinstance(STORY.get(name), str) else name.removesuffix("_id").replace("_", " ")
    raise TypeError(f"{name}: no example is known for {annotation!r}")
