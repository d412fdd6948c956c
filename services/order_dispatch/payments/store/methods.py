"""What customers pay with; tokens are sealed before they come here."""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from libs.kit import Store as KitStore
from services.order_dispatch.payments.domain import Mandate


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A customer's means of payment at one payment service."""

    customer_id: str
    service: str
    token_sealed: bytes
    mandate: Mandate
    changed_at: datetime


def about(customer_id: str, service: str) -> str:
    """Return whose a token is: what it is sealed about."""
    return f"payment-method:{customer_id}:{service}"


class Methods(KitStore):
    """SQL about means of payment."""

    async def save_payment_method(self, method: PaymentMethod) -> None:
        await self.connection.execute(
            """-- save_payment_method
            INSERT INTO payment_method (customer_id, service, token_sealed, mandate, currency, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (customer_id, service) DO UPDATE
            SET token_sealed = excluded.token_sealed, mandate = excluded.mandate, currency = excluded.currency,
                changed_at = excluded.changed_at
            """,
            *(method.customer_id, method.service, method.token_sealed, method.mandate.amount),
            *(method.mandate.currency, method.changed_at),
        )

    async def find_payment_method(self, customer_id: str, service: str) -> PaymentMethod | None:
        row = await self.connection.fetchrow(
            """-- find_payment_method
            SELECT customer_id, service, token_sealed, mandate, currency, changed_at
            FROM payment_method WHERE customer_id = $1 AND service = $2
            """,
            customer_id,
            service,
        )
        return None if row is None else _method(row)

    async def list_payment_methods(self, customer_id: str) -> list[PaymentMethod]:
        rows = await self.connection.fetch(
            """-- list_payment_methods
            SELECT customer_id, service, token_sealed, mandate, currency, changed_at
            FROM payment_method WHERE customer_id = $1 ORDER BY service
            """,
            customer_id,
        )
        return [_method(row) for row in rows]

    async def lock_customer(self, customer_id: str) -> bool:
        """Return whether there is still such a customer, who is then not erased before this transaction ends."""
        await self.connection.execute(
            "-- lock_customer\nSELECT pg_advisory_xact_lock(hashtextextended('customer:' || $1, 0))", customer_id
        )
        erased: bool = await self.connection.fetchval(
            "-- is_erased\nSELECT EXISTS (SELECT FROM erased_customer WHERE customer_id = $1)", customer_id
        )
        return not erased

    async def erase_customer(self, customer_id: str) -> None:
        """Forget a customer's means of payment and take no other: their token may be good for longer than they are."""
        await self.lock_customer(customer_id)
        await self.connection.execute(
            """-- save_erased
            INSERT INTO erased_customer (customer_id, erased_at) VALUES ($1, $2) ON CONFLICT DO NOTHING
            """,
            customer_id,
            self.now,
        )
        await self.delete_payment_methods(customer_id)

    async def delete_payment_methods(self, customer_id: str, service: str | None = None) -> int:
        """Forget a customer's means of payment, at one service or everywhere; return how many there were."""
        status: str = await self.connection.execute(
            """-- delete_payment_methods
            DELETE FROM payment_method WHERE customer_id = $1 AND ($2::text IS NULL OR service = $2)
            """,
            customer_id,
            service,
        )
        return int(status.rpartition(" ")[2])


def _method(row: Record) -> PaymentMethod:
    mandate = Mandate(row["mandate"], row["currency"])
    return PaymentMethod(row["customer_id"], row["service"], row["token_sealed"], mandate, row["changed_at"])
