"""Reads an OrderUpdated with invalid details: its word counts, and each detail that is not used has a note."""

import json
import re
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from replenish_contracts.catalogue import Id, Moment
from replenish_contracts.envelope import Envelope, envelope_of
from replenish_contracts.events.providers import OrderUpdated, UpdateNote, UpdateStatus
from replenish_contracts.promises import move_date
from replenish_contracts.tolerant import as_word, load_json, normalize_word, read_tolerantly, reason_of

#: The words of OrderUpdated, and the other spelling of one of them.
WORDS = {status.value: status for status in UpdateStatus} | {"canceled": UpdateStatus.CANCELLED}
_CURRENCY = re.compile("[A-Z]{3}")
_UPDATE_ID, _OCCURRED_AT = TypeAdapter(Id), TypeAdapter(Moment)


def find_status(word: object) -> UpdateStatus:
    """Return the status that a word stands for, in any spelling; UNCLEAR if there is none."""
    return WORDS.get(normalize_word(word), UpdateStatus.UNCLEAR) if isinstance(word, str) else UpdateStatus.UNCLEAR


def read_update(value: bytes) -> Envelope:
    """Return the envelope of an OrderUpdated that is not valid as it is.

    Without its word an update is UNCLEAR. `update_id` and `occurred_at` can be replaced with the id and the time of the
    envelope. Raises ValueError or RecursionError if the order is missing, or if it is no OrderUpdated.
    """
    document = load_json(value)
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict) or document.get("type") != OrderUpdated.__name__:
        raise ValueError("no OrderUpdated")
    notes: list[UpdateNote] = []
    data = move_date(dict(data)) | {"notes": ()}
    _read_words(data, notes)
    data = without_unpriced(data, "price", notes)
    for name, attribute, adapter in (("update_id", "id", _UPDATE_ID), ("occurred_at", "time", _OCCURRED_AT)):
        _replace_invalid(data, name, document.get(attribute), adapter, notes)
    reading = read_tolerantly(document | {"data": data}, _validate)
    envelope: Envelope = reading.value
    notes += [note.model_copy(update={"field": note.field.removeprefix("data.")}) for note in reading.notes]
    return envelope.model_copy(update={"data": envelope.data.model_copy(update={"notes": tuple(notes)})})


def _validate(document: Any) -> Envelope:
    # Strict types are those of JSON, so that a time is a text.
    return envelope_of(OrderUpdated).model_validate_json(json.dumps(document), strict=True)


def _read_words(data: dict[str, Any], notes: list[UpdateNote]) -> None:
    word = data.get("status")
    data["status"] = find_status(word)
    if word is None:
        notes.append(UpdateNote.about("status", word, "missing"))
    elif data["status"] is UpdateStatus.UNCLEAR and word != UpdateStatus.UNCLEAR:
        data["word"] = as_word(word)
    lines = data.get("lines")
    if not isinstance(lines, list):
        return
    data["lines"] = [dict(line) if isinstance(line, dict) else line for line in lines]
    for number, line in enumerate(data["lines"]):
        if isinstance(line, dict) and line.get("status") is not None:
            status = find_status(line["status"])
            if status is UpdateStatus.UNCLEAR:
                notes.append(UpdateNote.about(f"lines.{number}.status", line["status"], "not one of the known words"))
            line["status"] = status


def without_unpriced(data: dict[str, Any], price: str, notes: list[UpdateNote]) -> dict[str, Any]:
    """Return the message with its currency in upper case, or without its prices if the currency is invalid.

    `price` is the name of the field, in the message and in its lines. A price whose currency is dropped would be read
    as one in the currency of the order.
    """
    currency = data.get("currency")
    if currency is None:
        return data
    code = currency.strip().upper() if isinstance(currency, str) else ""
    if _CURRENCY.fullmatch(code):
        return data | {"currency": code}
    notes.append(UpdateNote.about("currency", currency, "not a currency code such as EUR"))
    data = {name: value for name, value in data.items() if name != "currency"}
    lines = data.get("lines")
    if isinstance(lines, list):
        data["lines"] = [_without_price(line, f"lines.{number}.{price}", notes) for number, line in enumerate(lines)]
    return cast("dict[str, Any]", _without_price(data, price, notes))


def _without_price(item: Any, field: str, notes: list[UpdateNote]) -> Any:
    name = field.rpartition(".")[2]
    if not isinstance(item, dict) or item.get(name) is None:
        return item
    notes.append(UpdateNote.about(field, item[name], "its currency is not known"))
    return {other: value for other, value in item.items() if other != name}


def _replace_invalid(
    data: dict[str, Any], name: str, otherwise: object, adapter: TypeAdapter[Any], notes: list[UpdateNote]
) -> None:
    value = data.get(name)
    try:
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        if isinstance(value, int) and not isinstance(value, bool) and adapter is _UPDATE_ID:
            return  # an id that is an integer is read as text
        if value is None and otherwise is None:
            return
        reason = "missing" if value is None else reason_of(error.errors()[0])
        notes.append(UpdateNote.about(name, value, f"{reason}; that of the event is used"))
        data[name] = otherwise
