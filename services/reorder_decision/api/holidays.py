"""HTTP API of holidays."""

from typing import Any, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.kit.clock import NearMoment
from libs.kit.http.dependencies import KitDep, PrincipalDep, require_customer
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import Event
from services.reorder_decision.domain import Holiday, holiday_changed
from services.reorder_decision.store import Store

router = APIRouter(prefix="/v1/customers/{customer_id}/holiday")


class HolidayBody(BaseModel):
    """From departure to return."""

    model_config = ConfigDict(extra="forbid")

    starts_at: NearMoment = Field(alias="from")
    ends_at: NearMoment = Field(alias="until")

    @model_validator(mode="after")
    def check_order(self) -> Self:
        if self.starts_at >= self.ends_at:
            raise ValueError("until is not later than from; send the time of departure as from and the return as until")
        return self


@router.put("")
async def put_holiday(customer_id: str, body: HolidayBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Set or replace the holiday; orders that would arrive, or be needed, only in this time are delayed."""
    require_customer(principal, customer_id)
    holiday = Holiday(body.starts_at, body.ends_at)
    async with kit.transaction() as tx:
        if holiday.ends_at <= tx.store.now:
            raise ProblemError.of_field(
                "invalid",
                "The holiday is in the past",
                "until",
                f"{holiday.ends_at.isoformat()} is past; it is {tx.store.now.isoformat()} now",
                "send a time of return that is in the future",
            )
        if not await tx.store.save_holiday(customer_id, holiday):
            raise ProblemError.of_missing(
                "not_found",
                "There is no such customer",
                "customer",
                "customer_id",
                "the account was deleted; create another one",
            )
        tx.publish(*await apply_holiday(customer_id, holiday, tx.store))
    return _shown(holiday)


@router.get("")
async def get_holiday(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return the current or next holiday; both fields are null if there is none."""
    require_customer(principal, customer_id)
    async with kit.read() as store:
        holiday = await store.find_holiday(customer_id)
        return _shown(holiday if holiday and holiday.ends_at > store.now else None)


@router.delete("", status_code=204)
async def delete_holiday(customer_id: str, kit: KitDep, principal: PrincipalDep) -> Response:
    """End or cancel the holiday; orders that waited for the return are decided at once."""
    require_customer(principal, customer_id)
    async with kit.transaction() as tx:
        await tx.store.delete_holiday(customer_id)
        tx.publish(*await apply_holiday(customer_id, None, tx.store))
    return Response(status_code=204)


async def apply_holiday(customer_id: str, holiday: Holiday | None, store: Store) -> list[Event]:
    events: list[Event] = []
    for pool_id in await store.lock_pool_ids_of_customer(customer_id):
        pool = await store.lock_pool(pool_id)
        if pool is not None:
            events += await store.save_decision(pool, holiday_changed(pool, holiday, store.context))
    return events


def _shown(holiday: Holiday | None) -> dict[str, Any]:
    return {
        "from": holiday and holiday.starts_at.isoformat(),
        "until": holiday and holiday.ends_at.isoformat(),
    }
