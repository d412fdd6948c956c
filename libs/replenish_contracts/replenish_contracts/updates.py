"""Reads an OrderUpdated with invalid details: its word counts, and each detail that is not used has a note."""

import json
import re
from typing import Any

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
    _read_prices(data, notes)
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


def _read_prices(data: dict[str, Any], notes: list[UpdateNote]) -> None:
    """Drop all prices if their currency is invalid: without it they would be in the currency of the order."""
    currency = data.get("currency")
    if currency is None:
        return
    data["currency"] = currency = currency.strip().upper() if isinstance(currency, str) else currency
    if isinstance(currency, str) and _CURRENCY.fullmatch(currency):
        return
    notes.append(UpdateNote.about("currency", data.pop("currency"), "not a currency code such as EUR"))
    lines = data.get("lines")
    priced = [("price", data)]
    if isinstance(lines, list):
        priced += [(f"lines.{number}.price", line) for number, line in enumerate(lines) if isinstance(line, dict)]
    for field, item in priced:
        if item.get("price") is not None:
            notes.append(UpdateNote.about(field, item.pop("price"), "its currency is not known"))


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
