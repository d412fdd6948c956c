"""Options of a DRS client and their validation."""

from collections.abc import Callable, Mapping
from typing import Any

from libs.addresses import InvalidAddressError, parse_country

#: The documented path, and the one that all known clients use.
CANCEL_PATHS = {"documented": "/testOrders/{slot}", "clients": "/testOrders/slots/{slot}"}


def check_options(options: Mapping[str, Any]) -> None:
    for name, (is_valid, remedy) in OPTIONS.items():
        if name in options and not is_valid(options[name]):
            raise ValueError(f"{name}: send {remedy}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_country(value: Any) -> bool:
    try:
        return isinstance(value, str) and parse_country(value) == value
    except InvalidAddressError:
        return False


def _are_topics(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(arn, str) and arn.startswith("arn:") for arn in value)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value in CANCEL_PATHS


def _is_version(value: Any) -> bool:
    return isinstance(value, int) and value in {1, 2}


#: Validator and expected format of each option; unknown options are ignored.
OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "device_model": (_is_text, "text"),
    "country": (_is_country, "an ISO 3166-1 code in capitals, such as US or GB"),
    "topic_arns": (_are_topics, "a list of ARNs"),
    "is_test_device": (_is_flag, "true or false"),
    "should_include_non_live": (_is_flag, "true or false"),
    "cancel_test_path": (_is_path, "clients or documented"),
    "subscription_info_version": (_is_version, "1 or 2"),
    "deregister_version": (_is_version, "1 or 2"),
}
