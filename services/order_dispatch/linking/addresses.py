"""Which addresses a link may lead to: https, or a stand-in that the settings name."""

from urllib.parse import urlsplit

from libs.kit.problems import Problem


def check_address(url: str, field: str, stand_ins: frozenset[str]) -> str:
    """Return the address if it may be called; raises Problem 422."""
    try:
        split = urlsplit(url)
        host = split.netloc.lower()
        plain = split.username is None and not any(c <= " " or c == "\\" for c in url)
    except ValueError:
        host, plain = "", False
    if host and plain and (split.scheme == "https" or (split.scheme == "http" and host in stand_ins)):
        return url
    error = {"field": field, "problem": "only https addresses without a user are called"}
    raise Problem(422, "invalid", "The address cannot be called", errors=[error])
