"""Chooses households from the data and assigns names, addresses, devices and a provider."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from deploy.demo.consumables import Consumable, consumable_of
from deploy.demo.series import STEPS_PER_PACK, Series

#: Start of the year with the most active series in the data.
FIRST_DAY = date(2021, 1, 1)
FIRST_NAMES = (
    "Ada",
    "Ben",
    "Cleo",
    "Dov",
    "Ella",
    "Finn",
    "Gita",
    "Hugo",
    "Iris",
    "Jon",
    "Kaya",
    "Leo",
    "Mina",
    "Noor",
)
LAST_NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Hazel", "Juniper", "Larch", "Maple", "Oak", "Pine")
STREETS = ("Brook Street", "Church Lane", "Garden Road", "High Street", "Mill Lane", "Park Avenue", "Station Road")
CITIES = (
    ("Springfield", "IL", "62701"),
    ("Salem", "OR", "97301"),
    ("Albany", "NY", "12207"),
    ("Austin", "TX", "78701"),
)


@dataclass(frozen=True)
class Provider:
    """A provider as its customers know it; its real lead time is in slot_simulation.py."""

    provider_id: str
    name: str
    lead_days: int
    reports_delivery: bool
    #: The first of several lines leaves a day later than the others, in a parcel of its own.
    part_shipments: bool = False


#: From so many slots on, a household's orders wait for each other; fewer products rarely run low together.
COLLECTING_SLOTS, COLLECT_HOURS = 3, 120
#: Days of supply at which a household orders; more than lead time and COLLECT_HOURS, so that its orders can wait.
DAYS, COLLECTING_DAYS = 7, 14

#: By household number modulo 2. The second never reports deliveries: its promised date counts.
PROVIDERS = (
    Provider("corner-shop", "Corner Shop", lead_days=2, reports_delivery=True, part_shipments=True),
    Provider("warehouse", "Warehouse Direct", lead_days=5, reports_delivery=False),
)


@dataclass(frozen=True)
class Slot:
    """A slot of a device and the real series that empties it."""

    device_id: str
    slot: str
    series: Series
    consumable: Consumable

    @property
    def product_id(self) -> str:
        return self.series.category

    @property
    def order_steps(self) -> int:
        """Steps delivered by one order."""
        return self.series.packs * STEPS_PER_PACK

    @property
    def capacity(self) -> int:
        if self.consumable.fill == "replace":
            return STEPS_PER_PACK
        return 2 * self.order_steps

    @property
    def level(self) -> int:
        """Level on the first day: one order, up to the capacity."""
        return min(self.order_steps, self.capacity)


@dataclass(frozen=True)
class Household:
    """A household: real purchases, made-up name and address."""

    number: int
    name: str
    ship_to: dict[str, str]
    provider: Provider
    devices: dict[str, list[Slot]]

    @property
    def slots(self) -> list[Slot]:
        return [slot for slots in self.devices.values() for slot in slots]

    @property
    def collects(self) -> bool:
        """Whether its orders wait for other products of the same provider."""
        return len(self.slots) >= COLLECTING_SLOTS

    @property
    def reports_itself(self) -> bool:
        """Whether its devices report with their own credential; others report through the maker's cloud."""
        return self.number // 2 % 2 == 0

    @property
    def email(self) -> str:
        return f"household-{self.number}@example.com"


def choose_households(series: Iterable[Series], count: int, days: int, seed: int) -> list[Household]:
    """Return `count` households that use something in the `days` from FIRST_DAY on, drawn by seed."""
    last_day = FIRST_DAY + timedelta(days=days - 1)
    active: dict[int, list[Series]] = defaultdict(list)
    for one in series:
        if one.used_between(FIRST_DAY, last_day):
            active[one.household].append(one)
    if count > len(active):
        raise ValueError(f"{count} households requested; only {len(active)} use something in these {days} days")
    drawn = random.Random(seed).sample(sorted(active), count)  # noqa: S311  # a draw, not a secret
    return [_household(number, active[number]) for number in sorted(drawn)]


def _household(number: int, series: list[Series]) -> Household:
    devices: dict[str, list[Slot]] = defaultdict(list)
    for one in series:
        consumable = consumable_of(one.category)
        device_id = f"hub-{number}"
        devices[device_id].append(Slot(device_id, str(len(devices[device_id]) + 1), one, consumable))
    name = f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {LAST_NAMES[number % len(LAST_NAMES)]}"
    city, region, postal_code = CITIES[number % len(CITIES)]
    ship_to = {"name": name, "line1": f"{number} {STREETS[number % len(STREETS)]}", "postal_code": postal_code}
    ship_to |= {"city": city, "region": region, "country": "US"}
    return Household(number, name, ship_to, PROVIDERS[number % len(PROVIDERS)], dict(devices))
