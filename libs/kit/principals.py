"""Who a request comes from."""

from typing import NamedTuple

from libs.kit.problems import Problem


class Principal(NamedTuple):
    """Who a request comes from, and in what role."""

    subject: str
    role: str
    customer_id: str | None = None
    service: str | None = None
    provider_id: str | None = None


def unauthorized(detail: str) -> Problem:
    return Problem(
        401, "unauthorized", "A valid bearer token is needed", detail=detail, headers={"WWW-Authenticate": "Bearer"}
    )
