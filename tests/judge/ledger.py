"""One slot's reports in the device's own order, and their sum."""

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
    """Content of a report: an amount in or out, or a level with its kind of measurement."""

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
    """Goods that arrived directly in the slot, and when that was published."""

    steps: int
    told_ms: float


@dataclass
class Ledger:
    """One slot as recomputed by the judge."""

    slot: Slot
    moves: list[Move] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    boots: dict[object, int] = field(default_factory=dict)
    newest: Position = FIRST
    duplicates: int = 0
    #: Level at registration or takeover; several if the parent's level is not certain.
    openings: set[int] = field(default_factory=set)
    #: Goods published as arrived in the slot.
    told: int = 0

    def __post_init__(self) -> None:
        self.openings = {self.slot.level}

    def hear(self, identity: Identity, record: Record) -> None:
        """Add a report that was not received before."""
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
        """Return the possible levels of the slot; several only where arrivals and reports race."""
        if self.arrivals and self.slot.fill == "replace":
            return self._since_the_last_cartridge()
        raced = len(self.arrivals) if any(move.kind is not Kind.FLOW for move in self.moves) else 0
        late = [sum(arrival.steps for arrival in self.arrivals[before:]) for before in range(raced + 1)]
        levels = {_level_after(self._in_place(), opening) for opening in self.openings}
        return {level + arrived for level in levels for arrived in late}

    def _since_the_last_cartridge(self) -> set[int]:
        """Whether a report received before the arrival was published set the slot to full."""
        told_ms = max(arrival.told_ms for arrival in self.arrivals)
        moves = self._in_place()
        behind = [0, *(number for number, move in enumerate(moves, 1) if move.at_ms <= told_ms)]
        return {_level_after(moves[number:], self.slot.capacity) for number in behind}

    def _in_place(self) -> list[Move]:
        return sorted(self.moves, key=lambda move: move.position)

    def held(self, level: int) -> int:
        """Return the contents at this sum: below zero nothing, or a new cartridge that was not reported."""
        return level + self._unseen(level)

    def goods(self, opening: int) -> int:
        """Return what must have been put into a slot that is loaded by hand: refills, rises, and use beyond the level.

        A person's correction counts as published; a measured drop is use.
        """
        level, goods = opening, 0
        for move in self._in_place():
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


def _level_after(moves: list[Move], level: int) -> int:
    for move in moves:
        level = level + move.steps if move.kind is Kind.FLOW else move.steps
    return level
