"""One slot's reports in the device's own order, and what they sum to."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from tests.judge.evidence import Record
from tests.judge.reports import Identity, Slot, steps_of


class Position(NamedTuple):
    """Where a report belongs in its slot's order: boots by first receipt, then seq.

    A report without seq stands right behind the newest counted one that was there before it.
    """

    boot: int
    seq: int
    receipt: int


FIRST = Position(0, 0, 0)


class Kind(Enum):
    """What a report says: so much went in or out, or so much is there and how that is known."""

    FLOW = 0
    MEASURED = 1
    CORRECTED = 2
    FILLED = 3


class Move(NamedTuple):
    """What one report does to the level: add steps to it, or set it."""

    position: Position
    kind: Kind
    steps: int
    used: int = 0


@dataclass
class Ledger:
    """One slot as the judge follows it."""

    slot: Slot
    moves: list[Move] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    boots: dict[object, int] = field(default_factory=dict)
    newest: Position = FIRST
    duplicates: int = 0
    #: What it held when it was registered, or took over.
    opening: int = 0
    #: Goods that were told to have come into it.
    told: int = 0

    def __post_init__(self) -> None:
        self.opening = self.slot.level

    def hear(self, identity: Identity, record: Record) -> None:
        """Add a report that was not heard before."""
        position = self._position(identity, len(self.moves) + 1)
        self.newest = max(self.newest, position)
        steps = steps_of(record.data)
        if record.type == "SlotUsed":
            self.moves.append(Move(position, Kind.FLOW, -(steps or 0), steps or 0))
        elif record.type == "SlotMeasured":
            by_person = record.data.get("by") == "person"
            self.moves.append(Move(position, Kind.CORRECTED if by_person else Kind.MEASURED, steps or 0))
        elif steps is None or self.slot.fill == "replace":
            self.moves.append(Move(position, Kind.FILLED, self.slot.capacity))
        else:
            self.moves.append(Move(position, Kind.FLOW, steps))

    def _position(self, identity: Identity, receipt: int) -> Position:
        if identity.name[0] == "boot":
            _, boot, seq = identity.name
            return Position(self.boots.setdefault(boot, len(self.boots) + 1), int(str(seq)), 0)
        return Position(self.newest.boot, self.newest.seq, receipt)

    def levels(self) -> set[int]:
        """Return the levels the slot may be at; several only where an arrival and a level report race."""
        level, raced = self.opening, 0
        for move in sorted(self.moves, key=lambda move: move.position):
            if move.kind is not Kind.FLOW:
                level, raced = 0, len(self.arrivals)
            level += move.steps
        late = [sum(self.arrivals[before:]) for before in range(raced + 1)]
        return {level + arrived for arrived in late}

    def held(self, level: int) -> int:
        """Return what is in a slot at this sum: below zero nothing, or a new cartridge that nobody reported."""
        return level + self._unseen(level)

    def goods(self) -> int:
        """Return what must have come into a slot that is loaded by hand: refills, rises, and use of what was not there.

        A person's correction counts as it was told; a drop that was measured is use.
        """
        level, goods = self.opening, 0
        for move in sorted(self.moves, key=lambda move: move.position):
            if move.kind is Kind.FLOW:
                level += move.steps
                goods += max(0, move.steps)
                continue
            unseen = self._unseen(level)
            rise = move.steps - level - unseen
            goods += unseen + (rise if move.kind is Kind.CORRECTED else max(0, rise))
            level = move.steps
        return goods + self._unseen(level)

    def _unseen(self, level: int) -> int:
        if level >= 0:
            return 0
        if self.slot.fill == "replace" and self.slot.loading == "by_hand":
            cartridges = -(level // self.slot.capacity)
            return cartridges * self.slot.capacity
        return -level

    @property
    def used(self) -> int:
        return sum(move.used for move in self.moves)
