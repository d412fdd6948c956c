"""The authenticated sender of a request."""

from typing import NamedTuple

from libs.kit.http.problems import ProblemError


class Principal(NamedTuple):
    """Subject, role and scope of a verified token."""

    subject: str
    role: str
    customer_id: str | None = None
    service: str | None = None
    provider_id: str | None = None


def unauthorized(detail: str) -> ProblemError:
    return ProblemError(
        401, "unauthorized", "A valid bearer token is required", detail=detail, headers={"WWW-Authenticate": "Bearer"}
    )
