"""Forms of a shop's page and their JSON for order_dispatch, which validates them."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Days = tuple[str, ...]


class TermsForm(BaseModel):
    """Delivery settings of a shop; browsers omit unchecked boxes."""

    model_config = ConfigDict(str_max_length=2000)

    csrf: str = ""
    #: Idempotency key of the form to join.
    once: str = ""
    name: str = ""
    email: str
    language: str = "en"
    address: str = ""
    delivery: str = ""
    pick_up: str = ""
    regions: str = ""
    days: list[str] = []
    currency: str = "EUR"
    minimum: str = ""
    fee: str = ""
    free_from: str = ""
    lead_time_days: float = 3


class AnswerForm(BaseModel):
    """A shop's answer about an order, or about the line `line_id` of it."""

    model_config = ConfigDict(str_max_length=200)

    csrf: str
    order_id: str
    line_id: str = ""
    tracking: str = ""
    #: The day of delivery, as a date field sends it; empty for the usual one.
    expected_date: str = ""


class OfferForm(BaseModel):
    model_config = ConfigDict(str_max_length=200)

    csrf: str = ""
    product_id: str
    title: str
    quantity: str
    unit: str
    amount: str
    currency: str
    available: str = ""


def terms_of(form: TermsForm) -> dict[str, Any]:
    terms = {
        "email": form.email.strip(),
        "language": form.language,
        "address": form.address,
        "delivery": bool(form.delivery),
        "pick_up": bool(form.pick_up),
        "regions": form.regions.replace(",", " ").upper().split(),
        "days": form.days,
        "currency": form.currency.strip().upper(),
    }
    for name in ("minimum", "fee", "free_from"):
        value = str(getattr(form, name)).strip().replace(",", ".")
        terms |= {name: value} if value else {}
    return {"terms": terms, "lead_time_days": form.lead_time_days}


def offer_of(form: OfferForm) -> dict[str, Any]:
    return {
        "title": form.title,
        "pack_size": {"quantity": form.quantity.strip().replace(",", "."), "unit": form.unit.strip()},
        "price": {"amount": form.amount.strip().replace(",", "."), "currency": form.currency.strip().upper()},
        "available": bool(form.available),
    }


def answer_of(form: AnswerForm) -> dict[str, Any]:
    """Return the answer; a line without a parcel's id is sent as a whole."""
    answer: dict[str, Any] = {"tracking": form.tracking.strip() or None}
    if form.expected_date.strip():
        answer["expected_date"] = form.expected_date.strip()
    return answer | {"lines": [{"line_id": form.line_id}]} if form.line_id else answer
