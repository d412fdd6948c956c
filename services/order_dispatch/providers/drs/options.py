"""What a client's options may say: in which country's units DRS counts, which topics it tells, and versions."""

import re
from collections.abc import Callable, Mapping
from typing import Any

COUNTRY = re.compile("[A-Z]{2}")
#: The documentation's path, and the one that all known clients use.
CANCEL_PATHS = {"documented": "/testOrders/{slot}", "clients": "/testOrders/slots/{slot}"}


def check_options(options: Mapping[str, Any]) -> None:
    """Raise ValueError, with the option's name, where options are not as this protocol reads them."""
    for name, (fits, remedy) in OPTIONS.items():
        if name in options and not fits(options[name]):
            raise ValueError(f"{name}: send {remedy}")


def _is_text(said: Any) -> bool:
    return isinstance(said, str)


def _is_flag(said: Any) -> bool:
    return isinstance(said, bool)


def _is_country(said: Any) -> bool:
    return isinstance(said, str) and COUNTRY.fullmatch(said) is not None


def _are_topics(said: Any) -> bool:
    return isinstance(said, list) and all(isinstance(one, str) and one.startswith("arn:") for one in said)


def _is_path(said: Any) -> bool:
    return isinstance(said, str) and said in CANCEL_PATHS


def _is_version(said: Any) -> bool:
    return isinstance(said, int) and said in {1, 2}


#: Each with what it is to be; what nobody reads may be anything.
OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "device_model": (_is_text, "text"),
    "country": (_is_country, "two capital letters, such as US"),
    "topic_arns": (_are_topics, "a list of ARNs"),
    "is_test_device": (_is_flag, "true or false"),
    "should_include_non_live": (_is_flag, "true or false"),
    "cancel_test_path": (_is_path, "clients or documented"),
    "subscription_info_version": (_is_version, "1 or 2"),
    "deregister_version": (_is_version, "1 or 2"),
}
