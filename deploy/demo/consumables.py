"""Assumptions about each category that the data lacks: its unit, and how goods get into the device."""

from dataclasses import dataclass
from fractions import Fraction

from deploy.demo.series import STEPS_PER_PACK


@dataclass(frozen=True)
class Consumable:
    """How a device counts a category; one pack is 1,000 steps: 1 kg, 1 l or 1 piece."""

    unit: str
    scale: int
    loading: str
    fill: str
    #: Units that the device may report in, with the steps per unit.
    spellings: tuple[tuple[str, int], ...]
    #: Quantity and unit of one pack as the API accepts them.
    pack: tuple[str, str]

    def format(self, steps: int, spelling: int) -> tuple[str, str]:
        """Return (quantity, unit) in one of the device's spellings, exactly."""
        unit, per = self.spellings[spelling % len(self.spellings)]
        whole, rest = divmod(Fraction(steps, per), 1)
        digits = str(int(rest * 1000)).rjust(3, "0").rstrip("0")
        return f"{whole}.{digits}" if digits else str(whole), unit


def _weighed(loading: str) -> Consumable:
    return Consumable("GRM", 0, loading, "add", (("g", 1), ("kg", STEPS_PER_PACK)), ("1", "kg"))


def _poured(loading: str) -> Consumable:
    spellings = (("ml", 1), ("l", STEPS_PER_PACK), ("liters", STEPS_PER_PACK))
    return Consumable("MLT", 0, loading, "add", spellings, ("1", "l"))


def _counted(loading: str, fill: str = "add", *words: str) -> Consumable:
    spellings = tuple((word, STEPS_PER_PACK) for word in (*words, "count"))
    return Consumable("C62", 3, loading, fill, spellings, ("1", "count"))


#: `direct`: the parcel is placed where it is used, and the sensor's slot is full at once. `by_hand`: it goes
#: to the shelf first. `replace`: a used cartridge is discarded and a new one inserted.
CONSUMABLES: dict[str, Consumable] = {
    "pet-food": _weighed("direct"),
    "animal-litter": _weighed("direct"),
    "coffee": _weighed("by_hand"),
    "tea": _weighed("by_hand"),
    "laundry-detergent": _poured("by_hand"),
    "fabric-softener": _poured("by_hand"),
    "dishwasher-detergent": _poured("by_hand"),
    "cleaning-agent": _poured("direct"),
    "skin-cleaning-agent": _poured("by_hand"),
    "shampoo": _poured("direct"),
    "drink-flavored": _poured("direct"),
    "flavored-drink-concentrate": _poured("by_hand"),
    "protein-drink": _poured("direct"),
    "toilet-paper": _counted("direct", "add", "sheets"),
    "paper-towel": _counted("direct", "add", "sheets"),
    "facial-tissue": _counted("direct", "add", "sheets"),
    "hvac-air-filter": _counted("by_hand", "replace"),
    "potable-water-filter": _counted("by_hand", "replace"),
    "inkjet-printer-ink": _counted("by_hand", "replace"),
    "laser-printer-toner": _counted("by_hand", "replace"),
    "toothbrush-head": _counted("by_hand", "replace"),
    "razor-blade-cartridge": _counted("by_hand", "replace"),
}
OTHER = _counted("direct")


def consumable_of(category: str) -> Consumable:
    """Return how the category is counted; default: pieces on a sensor."""
    return CONSUMABLES.get(category, OTHER)
