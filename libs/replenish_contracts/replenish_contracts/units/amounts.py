"""Decimal numbers from outside as exact fractions."""

import re
from decimal import Decimal
from fractions import Fraction

from replenish_contracts.units.refusals import NotANumberError, OutOfRangeError

#: More than any real amount needs; longer numbers would only consume CPU.
MOST_DIGITS = 40
DECIMAL = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
REMEDY = 'send a decimal number of at most 40 digits, such as "2.5"'


def to_fraction(amount: str | float | Decimal) -> Fraction:
    """Return a non-negative decimal number as a fraction; raises NotANumberError or OutOfRangeError.

    A float stands for its shortest decimal representation: 0.1 is one tenth.
    """
    written = _written(amount)
    found = DECIMAL.fullmatch(written)
    if found is None:
        comma = "; use a decimal point, not a comma" if "," in written else ""
        raise NotANumberError(f"{written[:40]!r} is no decimal number{comma}", REMEDY)
    number = Decimal(written.strip())
    if abs(number.adjusted()) > MOST_DIGITS or len(number.as_tuple().digits) > MOST_DIGITS:
        raise OutOfRangeError(f"{written[:40]!r} has more digits than are read", REMEDY)
    if number < 0:
        raise OutOfRangeError(f"{written[:40]!r} is negative", "send zero or more")
    return Fraction(number)


def _written(amount: str | float | Decimal) -> str:
    if isinstance(amount, bool) or not isinstance(amount, str | int | float | Decimal):
        raise NotANumberError(f"a {type(amount).__name__} is no decimal number", REMEDY)
    # str() raises ValueError for integers of thousands of digits.
    if isinstance(amount, int) and amount.bit_length() > MOST_DIGITS * 4:
        raise OutOfRangeError("the number has more digits than are read", REMEDY)
    written = amount if isinstance(amount, str) else str(amount)
    if len(written) > 4 * MOST_DIGITS:
        raise OutOfRangeError(f"{written[:40]!r}... is longer than any amount", REMEDY)
    return written
