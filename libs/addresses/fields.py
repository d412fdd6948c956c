"""Pydantic types of address fields. An error has our code as its type; `ctx` has `problem` and `remedy`."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from libs.addresses.countries import parse_country
from libs.addresses.errors import InvalidAddressError
from libs.addresses.mail import parse_mail_address

P = ParamSpec("P")
R = TypeVar("R")


def refusing(parse: Callable[P, R]) -> Callable[P, R]:
    """Convert InvalidAddressError to an error that pydantic reports with the field's path."""

    @wraps(parse)
    def validate(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return parse(*args, **kwargs)
        except InvalidAddressError as error:
            context = {"problem": error.problem, "remedy": error.remedy}
            raise PydanticCustomError(error.code, "{problem}; {remedy}", context) from None

    return validate


def _readable(email: str) -> str:
    return parse_mail_address(email).readable


#: A mail address in its readable form: the domain in lower case, with Unicode instead of `xn--` labels.
Email = Annotated[str, AfterValidator(refusing(_readable))]
#: An ISO 3166-1 alpha-2 code in capitals.
Country = Annotated[str, AfterValidator(refusing(parse_country))]
