"""Errors of amounts from outside, each with a problem and a remedy."""

from typing import ClassVar


class RefusedAmount(ValueError):  # noqa: N818  failures are named by what happened
    """An invalid amount; `problem` states why, `remedy` what to send, and `code` is stable."""

    code: ClassVar[str] = "refused_amount"

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class NotANumber(RefusedAmount):
    """The amount is not a decimal number."""

    code = "not_a_number"


class OutOfRange(RefusedAmount):
    """The number is negative or implausibly large."""

    code = "out_of_range"


class NotWhole(RefusedAmount):
    """The amount is finer than the smallest step."""

    code = "not_whole"


class UnknownUnit(RefusedAmount):
    """The unit is not supported."""

    code = "unknown_unit"


class AmbiguousUnit(RefusedAmount):
    """The unit can be a weight or a volume, and the slot is unknown."""

    code = "ambiguous_unit"


class WrongDimension(RefusedAmount):
    """The unit's dimension differs from the slot's."""

    code = "wrong_dimension"


class UnknownCurrency(RefusedAmount):
    """The currency is no active ISO 4217 code."""

    code = "unknown_currency"
