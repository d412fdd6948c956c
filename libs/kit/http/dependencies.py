"""FastAPI dependencies of a service's routes: the running kit, the principal, the idempotency key."""

from typing import Annotated

from fastapi import Depends, Header, Request

from libs.kit.http.auth import Principal, Verifier, unauthorized
from libs.kit.http.idempotency import IdempotentRequest, digest_of, key_from
from libs.kit.http.problems import ProblemError
from libs.kit.kit import Kit


def kit_of(request: Request) -> Kit:
    kit: Kit | None = getattr(request.app.state, "kit", None)
    if kit is None:
        raise ProblemError(
            503,
            "starting",
            "The service is still starting",
            headers={"Retry-After": "1"},
            remedy="send the same request again in 1 s",
        )
    return kit


KitDep = Annotated[Kit, Depends(kit_of)]


async def principal_of(request: Request, kit: KitDep) -> Principal:
    """Return the authenticated sender; raises ProblemError 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        problem = "the header Authorization has no bearer token" if scheme else "the header Authorization is missing"
        raise unauthorized("Send the header `Authorization: Bearer <token>`.", problem)
    verifier = kit.state.get_or_create(Verifier, lambda: Verifier(kit.client, kit.settings.portal_url))
    return await verifier.verify(token.strip())


PrincipalDep = Annotated[Principal, Depends(principal_of)]


def require(principal: Principal, *roles: str) -> None:
    """Raise ProblemError 403 unless the principal has one of the roles."""
    if principal.role not in roles:
        required = " or ".join(roles)
        raise ProblemError(
            403,
            "forbidden",
            "This token does not permit the request",
            detail=f"The role {required} is required.",
            field="header.authorization",
            problem=f"the token has the role {principal.role}; the role {required} is required",
            remedy=f"send the request with a token of the role {required}",
        )


def require_customer(principal: Principal, customer_id: str) -> None:
    """Raise ProblemError 404 unless the principal is this customer, an operator or a service.

    Not 403, which would reveal which customer ids exist.
    """
    if principal.role in ("operator", "service") or principal.customer_id == customer_id:
        return
    raise ProblemError(
        404,
        "not_found",
        "No such customer",
        field="path",
        # Without the id: it may be that of the owner of a resource, which the sender must not learn.
        problem="there is no such customer, or the token is of another one",
        remedy="check the ids in the path, or use a token of this customer or of an operator",
    )


async def idempotency_of(
    request: Request, principal: PrincipalDep, idempotency_key: Annotated[str | None, Header()] = None
) -> IdempotentRequest | None:
    return None if idempotency_key is None else await idempotent_request(principal.subject, request)


async def idempotent_request(subject: str, request: Request) -> IdempotentRequest:
    """Return the idempotency record of a request; raises ProblemError 400 without a valid Idempotency-Key."""
    key = key_from(request.headers.get("idempotency-key"))
    return IdempotentRequest(subject, request.url.path, key, digest_of(await request.body()))


async def required_idempotency_of(
    request: Request, principal: PrincipalDep, idempotency_key: Annotated[str | None, Header()] = None
) -> IdempotentRequest:
    key_from(idempotency_key)
    return await idempotent_request(principal.subject, request)


#: For a POST with an optional Idempotency-Key.
IdempotencyDep = Annotated[IdempotentRequest | None, Depends(idempotency_of)]
#: For a POST that moves goods, money or orders: without a key it is refused (400).
RequiredIdempotencyDep = Annotated[IdempotentRequest, Depends(required_idempotency_of)]
