"""Request bodies of the API and JSON representations of its resources."""

from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictFloat, StrictInt, model_validator

from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.events import Fill, Loading, ShipTo, SlotMove, SlotSpec
from replenish_contracts.units import SYMBOLS, format_quantity
from services.portal.domain.devices import Device
from services.portal.domain.people import Customer, Person
from services.portal.domain.registration import InvalidDeviceError, Quantity, SlotForm

#: No control characters: names end up in mail headers, logs and terminals.
LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)]


def _addressable(name: str) -> str:
    """Reject ids that cannot be part of a URL path."""
    if "/" in name or name in {".", ".."}:
        raise ValueError("is part of URLs; send a name without / other than . and ..")
    return name


def _deliverable(email: str) -> str:
    """Reject addresses that no mail server accepts, before the first message is sent."""
    from email.errors import HeaderParseError  # noqa: PLC0415  # 2 MB, needed only when a customer is created
    from email.headerregistry import Address  # noqa: PLC0415  # see above

    local, _, domain = email.rpartition("@")
    try:
        Address(addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except (HeaderParseError, ValueError, IndexError, AttributeError):  # AttributeError: bug in CPython's parser
        raise ValueError("not a valid email address; send an address such as ana@example.org") from None
    return email


Id = Annotated[str, Field(min_length=1, max_length=200, pattern=LINE), AfterValidator(_addressable)]
Email = Annotated[
    str,
    Field(max_length=254, pattern=r"^[^@\s\x00-\x1f<>,;:\"()\[\]\\]+@[^@\s\x00-\x1f<>,;:\"()\[\]\\]+$"),
    AfterValidator(_deliverable),
]
#: Strict: true is not 1.
Amount = Annotated[str, Field(min_length=1, max_length=64)] | StrictInt | StrictFloat


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone of the IANA database; send for example Europe/Berlin")
    return name


TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_time_zone)]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class Body(BaseModel):
    """Base of request bodies; unknown fields are rejected, so that typing errors are noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ShipToBody(Body):
    name: Line
    line1: Line
    line2: Line | None = None
    postal_code: Line
    city: Line
    region: Line | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]

    def ship_to(self) -> ShipTo:
        return ShipTo(**self.model_dump())


class CustomerBody(Body):
    #: Id from an existing customer database; generated if omitted.
    customer_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")] | None = None
    name: Line
    email: Email
    locale: Locale = "en"
    time_zone: TimeZone = "UTC"
    ship_to: ShipToBody


class CustomerChange(Body):
    name: Line | None = None
    email: Email | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = None
    ship_to: ShipToBody | None = None

    @model_validator(mode="after")
    def _has_changes(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("the body changes nothing; send at least one field to change")
        return self


class QuantityBody(Body):
    quantity: Amount
    unit: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class SlotBody(Body):
    slot: Id
    name: Annotated[str, Field(max_length=200, pattern=LINE)] = ""
    unit: Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
    scale: Annotated[int, Field(ge=0, le=6, strict=True)] = 0
    capacity: QuantityBody | Amount
    product_id: Id
    loading: Loading = Loading.BY_HAND
    fill: Fill = Fill.ADD
    level: QuantityBody | Amount | None = None

    def form(self) -> SlotForm:
        return SlotForm(
            slot=self.slot,
            product_id=self.product_id,
            unit=self.unit,
            capacity=_quantity(self.capacity),
            name=self.name,
            scale=self.scale,
            level=None if self.level is None else _quantity(self.level),
            loading=self.loading,
            fill=self.fill,
        )


class DeviceBody(Body):
    #: Id assigned by the manufacturer; generated if omitted.
    device_id: Id | None = None
    model: Annotated[str, Field(max_length=200, pattern=LINE)] = ""
    serial: Line | None = None
    slots: Annotated[list[SlotBody], Field(min_length=1, max_length=100)]


class MoveBody(Body):
    old_slot: Id
    new_slot: Id

    def move(self) -> SlotMove:
        return SlotMove(old_slot=self.old_slot, new_slot=self.new_slot)


class ReplacementBody(Body):
    device_id: Id | None = None
    model: Annotated[str, Field(max_length=200, pattern=LINE)] | None = None
    serial: Line | None = None
    #: Slots of the new device; defaults to those of the old one.
    slots: Annotated[list[SlotBody], Field(min_length=1, max_length=100)] | None = None
    #: Pairs of slots whose history continues; defaults to slots of equal name.
    moves: Annotated[list[MoveBody], Field(max_length=100)] | None = None


def _quantity(amount: QuantityBody | str | float) -> Quantity:
    if isinstance(amount, QuantityBody):
        return Quantity(amount.quantity, amount.unit)
    return Quantity(amount)


def invalid_device(error: InvalidDeviceError) -> ProblemError:
    detail = {"field": error.field, "problem": error.problem, "remedy": error.remedy, "code": error.code}
    return ProblemError(422, "invalid", "The description of the device is not valid", errors=[detail])


def show_customer(customer: Customer, person: Person | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "customer_id": customer.customer_id,
        "locale": customer.locale,
        "time_zone": customer.time_zone,
    }
    if person is not None:
        shown |= {"name": person.name, "email": person.email, "ship_to": show_ship_to(person)}
    return shown


def show_ship_to(person: Person) -> dict[str, Any]:
    return person.ship_to.model_dump(mode="json", exclude_none=True)


def show_device(device: Device) -> dict[str, Any]:
    return {
        "device_id": device.device_id,
        "customer_id": device.customer_id,
        "registration": device.registration,
        "model": device.model,
        "serial": device.serial,
        "registered_at": device.registered_at.isoformat(),
        "slots": [_show_slot(spec) for spec in device.slots],
    }


def _show_slot(spec: SlotSpec) -> dict[str, Any]:
    return {
        "slot": spec.slot,
        "name": spec.name,
        "product_id": spec.product_id,
        "unit": spec.unit,
        "symbol": SYMBOLS[spec.unit],
        "scale": spec.scale,
        "capacity": format_quantity(spec.capacity, spec.scale),
        "level": format_quantity(spec.level, spec.scale),
        "loading": spec.loading,
        "fill": spec.fill,
    }
