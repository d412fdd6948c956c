"""Errors of amounts from outside, each with a problem and a remedy."""

from typing import ClassVar


class InvalidAmountError(ValueError):
    """An invalid amount; `problem` states why, `remedy` what to send, and `code` is stable."""

    code: ClassVar[str] = "refused_amount"

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class NotANumberError(InvalidAmountError):
    """The amount is not a decimal number."""

    code = "not_a_number"


class OutOfRangeError(InvalidAmountError):
    """The number is negative or implausibly large."""

    code = "out_of_range"


class NotWholeError(InvalidAmountError):
    """The amount is finer than the smallest step."""

    code = "not_whole"


class UnknownUnitError(InvalidAmountError):
    """The unit is not supported."""

    code = "unknown_unit"


class AmbiguousUnitError(InvalidAmountError):
    """The unit can be a weight or a volume, or a US or an imperial one, and the slot does not settle it."""

    code = "ambiguous_unit"


class WrongDimensionError(InvalidAmountError):
    """The unit's dimension differs from the slot's."""

    code = "wrong_dimension"


class UnknownCurrencyError(InvalidAmountError):
    """The currency is no active ISO 4217 code."""

    code = "unknown_currency"
