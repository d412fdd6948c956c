"""The level of one slot, recomputed from its reports in the device's order."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from tests.judge.inputs import Record
from tests.judge.reports import Identity, Slot, steps_of


class Position(NamedTuple):
    """Position of a report in its slot: boots by first receipt, then seq.

    A report without seq follows the newest numbered report received before it.
    """

    boot: int
    seq: int
    receipt: int


FIRST = Position(0, 0, 0)


class Kind(Enum):
    """Content of a report: a change, or a level and how it was measured."""

    FLOW = 0
    MEASURED = 1
    CORRECTED = 2
    FILLED = 3


class Move(NamedTuple):
    """Effect of one report on the level: add steps, or set it."""

    position: Position
    kind: Kind
    steps: int
    at_ms: int
    used: int = 0


class Arrival(NamedTuple):
    """Goods that arrived directly in the slot, and the append time of that event."""

    steps: int
    published_ms: float


@dataclass
class Ledger:
    """One slot as recomputed by the judge."""

    slot: Slot
    moves: list[Move] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    boots: dict[object, int] = field(default_factory=dict)
    newest: Position = FIRST
    duplicates: int = 0
    #: Level at registration or takeover; several if the replaced slot's level is ambiguous.
    openings: set[int] = field(default_factory=set)
    #: Sum of SlotFilled and SlotCorrected.
    published: int = 0

    def __post_init__(self) -> None:
        self.openings = {self.slot.level}

    def add_report(self, identity: Identity, record: Record) -> None:
        """Add a report; the caller drops duplicates."""
        position = self._position(identity, len(self.moves) + 1)
        self.newest = max(self.newest, position)
        steps, at_ms = steps_of(record.data), record.appended_ms
        if record.type == "SlotUsed":
            self.moves.append(Move(position, Kind.FLOW, -(steps or 0), at_ms, steps or 0))
        elif record.type == "SlotMeasured":
            by_person = record.data.get("by") == "person"
            self.moves.append(Move(position, Kind.CORRECTED if by_person else Kind.MEASURED, steps or 0, at_ms))
        elif steps is None or self.slot.fill == "replace":
            self.moves.append(Move(position, Kind.FILLED, self.slot.capacity, at_ms))
        else:
            self.moves.append(Move(position, Kind.FLOW, steps, at_ms))

    def _position(self, identity: Identity, receipt: int) -> Position:
        if identity.name[0] == "boot":
            _, boot, seq = identity.name
            return Position(self.boots.setdefault(boot, len(self.boots) + 1), int(str(seq)), 0)
        return Position(self.newest.boot, self.newest.seq, receipt)

    def levels(self) -> set[int]:
        """Return the possible levels of the slot; more than one if arrivals and reports raced."""
        if self.arrivals and self.slot.fill == "replace":
            return self._levels_since_last_cartridge()
        raced = len(self.arrivals) if any(move.kind is not Kind.FLOW for move in self.moves) else 0
        late = [sum(arrival.steps for arrival in self.arrivals[before:]) for before in range(raced + 1)]
        levels = {_level_after(self._ordered_moves(), opening) for opening in self.openings}
        return {level + arrived for level in levels for arrived in late}

    def _levels_since_last_cartridge(self) -> set[int]:
        """Return the levels for each number of reports that may precede the last arrival, which filled the slot."""
        published_ms = max(arrival.published_ms for arrival in self.arrivals)
        moves = self._ordered_moves()
        behind = [0, *(number for number, move in enumerate(moves, 1) if move.at_ms <= published_ms)]
        return {_level_after(moves[number:], self.slot.capacity) for number in behind}

    def _ordered_moves(self) -> list[Move]:
        return sorted(self.moves, key=lambda move: move.position)

    def contents(self, level: int) -> int:
        """Return the contents at this computed level; a negative level means unreported goods."""
        return level + self._unreported(level)

    def goods(self, opening: int) -> int:
        """Return the goods put into a slot that is loaded by hand: refills, rises, and use beyond the level.

        A correction by a person counts as it is; a measured drop is use.
        """
        level, goods = opening, 0
        for move in self._ordered_moves():
            if move.kind is Kind.FLOW:
                level += move.steps
                goods += max(0, move.steps)
                continue
            unreported = self._unreported(level)
            rise = move.steps - level - unreported
            goods += unreported + (rise if move.kind is Kind.CORRECTED else max(0, rise))
            level = move.steps
        return goods + self._unreported(level)

    def _unreported(self, level: int) -> int:
        if level >= 0:
            return 0
        if self.slot.fill == "replace" and self.slot.loading == "by_hand":
            cartridges = -(level // self.slot.capacity)
            return cartridges * self.slot.capacity
        return -level

    @property
    def used(self) -> int:
        return sum(move.used for move in self.moves)


def _level_after(moves: list[Move], level: int) -> int:
    for move in moves:
        level = level + move.steps if move.kind is Kind.FLOW else move.steps
    return level
