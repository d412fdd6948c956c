"""The level of one slot, recomputed from its reports in the device's order."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
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


#: A sensor's reading may wait for a second one if it differs by more than this percentage of the capacity. It must
#: wait, unless use in the time since the last report explains it, from LARGEST_PERCENT on.
NOISE_PERCENT, FINE_PERCENT, LARGEST_PERCENT = 10, 3, 30
#: No reading counts sooner without a second one.
SHORTEST_WAIT = timedelta(minutes=1)


class Move(NamedTuple):
    """Effect of one report on the level: add steps, or set it."""

    position: Position
    kind: Kind
    steps: int
    at_ms: int
    used: int = 0
    received_at: datetime | None = None


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
    #: A report arrived after a later one: whether a reading counted depends on what was known when it arrived.
    disordered: bool = False
    #: Level at registration or takeover; several if the replaced slot's level is ambiguous.
    openings: set[int] = field(default_factory=set)
    #: Sum of SlotFilled and SlotCorrected.
    published: int = 0

    def __post_init__(self) -> None:
        self.openings = {self.slot.level}

    def add_report(self, identity: Identity, record: Record) -> None:
        """Add a report; the caller drops duplicates."""
        position = self._position(identity, len(self.moves) + 1)
        self.disordered = self.disordered or position < self.newest
        self.newest = max(self.newest, position)
        steps, at_ms = steps_of(record.data), record.appended_ms
        if record.type == "SlotUsed":
            self.moves.append(Move(position, Kind.FLOW, -(steps or 0), at_ms, steps or 0))
        elif record.type == "SlotMeasured":
            by_person = record.data.get("by") == "person"
            kind, at = Kind.CORRECTED if by_person else Kind.MEASURED, _time_in(record)
            self.moves.append(Move(position, kind, steps or 0, at_ms, received_at=at))
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
        moves = self._ordered_moves()
        levels = {level for opening in self.openings for level, _ in self._outcomes(moves, opening)}
        return {level + arrived for level in levels for arrived in late}

    def _levels_since_last_cartridge(self) -> set[int]:
        """Return the levels for each number of reports that may precede the last arrival, which filled the slot."""
        published_ms = max(arrival.published_ms for arrival in self.arrivals)
        moves = self._ordered_moves()
        behind = [0, *(number for number, move in enumerate(moves, 1) if move.at_ms <= published_ms)]
        outcomes = (self._outcomes(moves[number:], self.slot.capacity) for number in behind)
        return {level for reached in outcomes for level, _ in reached}

    def _ordered_moves(self) -> list[Move]:
        return sorted(self.moves, key=lambda move: move.position)

    def contents(self, level: int) -> int:
        """Return the contents at this computed level; a negative level means unreported goods."""
        return level + self._unreported(level)

    def goods(self, opening: int) -> set[int]:
        """Return the goods put into a slot that is loaded by hand: refills, rises, and use beyond the level.

        A correction by a person counts as it is; a measured drop is use.
        """
        return {goods + self._unreported(level) for level, goods in self._outcomes(self._ordered_moves(), opening)}

    def _outcomes(self, moves: list[Move], opening: int) -> set[tuple[int, int]]:
        """Return the possible levels and goods: a reading that jumps counts, or is dropped."""
        reached = {(opening, 0)}
        for number, move in enumerate(moves):
            if move.kind is Kind.FLOW:
                reached = {(level + move.steps, goods + max(0, move.steps)) for level, goods in reached}
                continue
            after = set()
            for level, goods in reached:
                verdicts = self._verdicts(level, moves[number:]) if move.kind is Kind.MEASURED else {True}
                after |= {self._set_level(level, goods, move) if counts else (level, goods) for counts in verdicts}
            reached = after
        return reached

    def _set_level(self, level: int, goods: int, move: Move) -> tuple[int, int]:
        unreported = self._unreported(level)
        rise = move.steps - level - unreported
        return move.steps, goods + unreported + (rise if move.kind is Kind.CORRECTED else max(0, rise))

    def _verdicts(self, level: int, moves: list[Move]) -> set[bool]:
        """Return whether the first of these moves, a reading, may count and may be dropped."""
        contents, reading = self.contents(level), moves[0]
        difference = abs(reading.steps - contents)
        falls_by_half = 2 * (contents - reading.steps) > contents and self._exceeds(difference, FINE_PERCENT)
        if self.disordered:
            return {True, False}
        if not (self._exceeds(difference, NOISE_PERCENT) or falls_by_half):
            return {True}
        flows = 0
        for move in moves[1:]:
            if move.kind is Kind.FLOW:
                flows += move.steps
                continue
            confirmed = not self._exceeds(abs(move.steps - reading.steps - flows), FINE_PERCENT)
            contradicted = not self._exceeds(abs(move.steps - contents - flows), FINE_PERCENT)
            if move.kind is not Kind.MEASURED or flows or confirmed == contradicted:
                break
            if confirmed:
                return {True}
            if self._exceeds(difference, LARGEST_PERCENT) and _are_soon(reading, move):
                return {False}
            break
        return {True, False}

    def _exceeds(self, steps: int, percent: int) -> bool:
        return steps > 1 and 100 * steps > percent * self.slot.capacity

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


def _time_in(record: Record) -> datetime | None:
    text = record.data.get("received_at")
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _are_soon(reading: Move, later: Move) -> bool:
    both = reading.received_at, later.received_at
    return both[0] is not None and both[1] is not None and timedelta(0) <= both[1] - both[0] < SHORTEST_WAIT
