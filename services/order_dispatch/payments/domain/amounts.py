"""Which amounts a payment service takes, per currency."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from replenish_contracts.units import MOST_STEPS, format_money


@dataclass(frozen=True, slots=True)
class CurrencyRules:
    """What a payment service takes of one currency; amounts are in minor units of ISO 4217."""

    #: It takes only multiples of this.
    step: int = 1
    #: The smallest and the largest amount of an authorization, and the smallest part that is captured before the last.
    minimum: int = 1
    maximum: int = MOST_STEPS
    #: Units in the service's API per minor unit; 100 if it has two decimals more.
    units: Fraction = Fraction(1)
    #: False if the service does not charge in the currency.
    is_charged: bool = True

    def floor(self, amount: int) -> int:
        return amount - amount % self.step

    def ceil(self, amount: int) -> int:
        return amount + -amount % self.step

    def to_service(self, amount: int) -> int:
        """Return the amount in the service's units. Raises ValueError if they cannot express it."""
        return _whole(amount * self.units, amount)

    def from_service(self, amount: int) -> int:
        """Return the service's amount in minor units. Raises ValueError for a fraction of one."""
        return _whole(amount / self.units, amount)


#: Rules of a service that takes any amount.
ANY_AMOUNT = CurrencyRules()
NOT_CHARGED = CurrencyRules(is_charged=False)
#: Returns the rules of a currency.
FindRules = Callable[[str], CurrencyRules]


def any_currency(_currency: str) -> CurrencyRules:
    return ANY_AMOUNT


class UnchargeableAmountError(ValueError):
    """An amount that a payment service does not take, with what would be right."""

    def __init__(self, code: str, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.code, self.problem, self.remedy = code, problem, remedy


def check_amount(amount: int, currency: str, rules: CurrencyRules, service: str) -> None:
    """Raise UnchargeableAmountError if the payment service cannot charge the amount, which is in minor units."""
    check_share(amount, currency, rules, service)
    if amount < rules.minimum:
        least = _show(rules.minimum, currency)
        raise UnchargeableAmountError(
            "below_minimum",
            f"{_show(amount, currency)} is less than {service} charges",
            f"send at least {least}, or 0 for goods that are free",
        )


def check_share(amount: int, currency: str, rules: CurrencyRules, service: str) -> None:
    """Check an amount that is charged only with others, such as a fee: the minimum does not apply to it."""
    if not rules.is_charged:
        raise UnchargeableAmountError(
            "unsupported_currency",
            f"{service} does not charge in {currency}",
            "use a currency that it charges in, or another payment service for this provider",
        )
    if amount % rules.step:
        near = sorted({rules.floor(amount), rules.ceil(amount)} - {0})
        raise UnchargeableAmountError(
            "not_chargeable",
            f"{_show(amount, currency)} is not a multiple of {_show(rules.step, currency)}, as {service} requires",
            "send " + " or ".join(_show(one, currency) for one in near),
        )
    if amount > rules.maximum:
        raise UnchargeableAmountError(
            "above_maximum",
            f"{_show(amount, currency)} is more than {service} charges",
            f"send at most {_show(rules.maximum, currency)}",
        )


def _whole(units: Fraction, amount: int) -> int:
    if units.denominator != 1:
        raise ValueError(f"{amount} is not a whole amount of the other unit")
    return units.numerator


def _show(amount: int, currency: str) -> str:
    return f"{format_money(amount, currency)} {currency}"
