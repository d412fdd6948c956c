"""Request bodies of the API and JSON representations of its resources."""

from functools import cache
from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from libs.addresses import Country, Email, parse_postal_code, parse_region
from libs.addresses.fields import refusing
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.events import Fill, Loading, ShipTo, SlotMove, SlotSpec
from replenish_contracts.units import SYMBOLS, UnitSystem, format_quantity
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


Id = Annotated[str, Field(min_length=1, max_length=200, pattern=LINE), AfterValidator(_addressable)]
#: Strict: true is not 1.
Amount = Annotated[str, Field(min_length=1, max_length=64)] | StrictInt | StrictFloat


#: Files of zoneinfo that are not time zones of the IANA database: the server's own, and a placeholder.
NOT_TIME_ZONES = frozenset({"localtime", "posixrules", "Factory"})


@cache
def _time_zones() -> dict[str, str]:
    """Return the time zones of the IANA database by their names in lower case."""
    zones = available_timezones() - NOT_TIME_ZONES
    return {name.lower(): name for name in zones if not name.startswith(("posix/", "right/"))}


def _time_zone(name: str) -> str:
    known = _time_zones().get(name.lower())
    if known is None:
        raise ValueError("not a time zone of the IANA database; send for example Europe/Berlin")
    if known != name:
        raise ValueError(f"not a time zone of the IANA database; did you mean {known}?")
    return name


TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_time_zone)]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class Body(BaseModel):
    """Base of request bodies; unknown fields are rejected, so that typing errors are noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ShipToBody(Body):
    """A delivery address; postal code and region are checked by the country's rules and written as it writes them."""

    name: Line
    line1: Line
    line2: Line | None = None
    #: ISO 3166-1 alpha-2, also in lower case.
    country: Country
    #: Required where the country has postal codes throughout; elsewhere it may be missing, and is shown as empty.
    postal_code: Annotated[str, Field(max_length=200, pattern=LINE)] | None = Field(default=None, validate_default=True)
    city: Line
    #: State, province or county: required in AU, BR, CA, IT and US, if it does not follow from the postal code.
    region: Annotated[str, Field(max_length=200, pattern=LINE)] | None = Field(default=None, validate_default=True)

    @field_validator("postal_code")
    @classmethod
    def _postal_code_of_country(cls, value: str | None, known: ValidationInfo) -> str | None:
        country = known.data.get("country")  # missing if it is not valid
        return value if country is None else refusing(parse_postal_code)(value, country)

    @field_validator("region")
    @classmethod
    def _region_of_country(cls, value: str | None, known: ValidationInfo) -> str | None:
        country, postal_code = known.data.get("country"), known.data.get("postal_code")
        if country is None or "postal_code" not in known.data:
            return value
        return refusing(parse_region)(value, country, postal_code)

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
    #: What "gal", "qt", "pt", "cup" and "fl oz" mean for this slot; defaults to what `unit` names.
    unit_system: UnitSystem | None = None
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
            unit_system=self.unit_system,
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
        "unit_system": spec.unit_system,
        "scale": spec.scale,
        "capacity": format_quantity(spec.capacity, spec.scale),
        "level": format_quantity(spec.level, spec.scale),
        "loading": spec.loading,
        "fill": spec.fill,
    }
