"""Why an amount from outside is refused, and what its sender should send instead."""

from typing import ClassVar


class RefusedAmount(ValueError):  # noqa: N818  failures are named by what happened
    """An amount cannot be taken; `problem` says why, `remedy` what to send, `code` never changes."""

    code: ClassVar[str] = "refused_amount"

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class NotANumber(RefusedAmount):
    """What should be a decimal number is something else."""

    code = "not_a_number"


class OutOfRange(RefusedAmount):
    """The number is negative or larger than anything a household has."""

    code = "out_of_range"


class NotWhole(RefusedAmount):
    """The amount is finer than the smallest step that is kept."""

    code = "not_whole"


class UnknownUnit(RefusedAmount):
    """Nobody knows this unit's name."""

    code = "unknown_unit"


class AmbiguousUnit(RefusedAmount):
    """The unit's name means a weight and a volume, and nothing says which."""

    code = "ambiguous_unit"


class WrongDimension(RefusedAmount):
    """The unit measures something else than the slot does."""

    code = "wrong_dimension"


class UnknownCurrency(RefusedAmount):
    """The currency is no active ISO 4217 code."""

    code = "unknown_currency"
