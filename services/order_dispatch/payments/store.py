"""SQL of payments, their history, the books and customers' payment methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Record

from libs.kit import Store as KitStore
from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain.decisions import Mandate
from services.order_dispatch.payments.domain.payment import Payment, PaymentDecision
from services.order_dispatch.payments.domain.states import PaymentState
from services.order_dispatch.payments.services import describe_payment_service


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A customer's encrypted token at one payment service, and the limit per order."""

    customer_id: str
    service: str
    token_sealed: bytes
    mandate: Mandate
    changed_at: datetime


def token_owner(customer_id: str, service: str) -> str:
    """The associated data that a token is sealed with (sealing.py)."""
    return f"payment-method:{customer_id}:{service}"


#: Columns of a payment with those of its order, for `payment AS p JOIN orders AS o`.
PAYMENT_COLUMNS = """
    p.payment_id, p.order_id, o.customer_id, p.product_id, p.pool_id, o.provider_id, p.service,
    p.currency, p.amount, p.mandate, p.state, p.version, p.captures_several, p.step, p.idempotency_key,
    p.requested_amount, p.requested_at, p.requested_final, p.authorized, p.captured, p.refunded, p.released,
    p.capture_requested, p.capture_final, p.void_requested, p.refund_requested, p.reference, p.expires_at, p.reason
"""


class PaymentStore(KitStore):
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
        return None if row is None else _payment_method(row)

    async def list_payment_methods(self, customer_id: str) -> list[PaymentMethod]:
        rows = await self.connection.fetch(
            """-- list_payment_methods
            SELECT customer_id, service, token_sealed, mandate, currency, changed_at
            FROM payment_method WHERE customer_id = $1 ORDER BY service
            """,
            customer_id,
        )
        return [_payment_method(row) for row in rows]

    async def lock_customer(self, customer_id: str) -> None:
        """Take an advisory lock, so that a payment method cannot be saved while its customer is erased."""
        await self.connection.execute(
            "-- lock_customer\nSELECT pg_advisory_xact_lock(hashtextextended('customer:' || $1, 0))", customer_id
        )

    async def is_customer_erased(self, customer_id: str) -> bool:
        """Whether the customer was erased. A separate statement, because its snapshot must be taken after the lock."""
        erased: bool = await self.connection.fetchval(
            "-- is_customer_erased\nSELECT EXISTS (SELECT FROM erased_customer WHERE customer_id = $1)", customer_id
        )
        return erased

    async def erase_customer(self, customer_id: str) -> None:
        """Delete a customer's payment methods and refuse new ones, because a sign-in token may outlive its customer."""
        await self.lock_customer(customer_id)
        await self.connection.execute(
            """-- erase_customer
            INSERT INTO erased_customer (customer_id, erased_at) VALUES ($1, $2) ON CONFLICT DO NOTHING
            """,
            customer_id,
            self.now,
        )
        await self.delete_payment_methods(customer_id)

    async def delete_payment_methods(self, customer_id: str, service: str | None = None) -> None:
        """Delete a customer's payment method at one service, or all of them."""
        await self.connection.execute(
            """-- delete_payment_methods
            DELETE FROM payment_method WHERE customer_id = $1 AND ($2::text IS NULL OR service = $2)
            """,
            customer_id,
            service,
        )

    async def find_payment_service(self, provider_id: str) -> str | None:
        """Return the payment service that charges the provider's customers; None if the provider bills them."""
        name: str | None = await self.connection.fetchval(
            """-- find_payment_service
            SELECT payment FROM provider WHERE provider_id = $1
            """,
            provider_id,
        )
        return name

    async def add_payment(self, decision: PaymentDecision, token_sealed: bytes | None) -> None:
        """Add a payment with its history and calls; the token is deleted once the authorization has a result."""
        payment = decision.payment
        await self.connection.execute(
            """-- add_payment
            INSERT INTO payment (payment_id, order_id, product_id, pool_id, service, currency, amount, mandate, state,
                version, step, idempotency_key, requested_amount, requested_at, reason, token_sealed, captures_several)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
            """,
            *(payment.payment_id, payment.order_id, payment.product_id, payment.pool_id),
            *(payment.service, payment.currency, payment.amount),
            *(payment.mandate, payment.state, payment.version, payment.step, payment.idempotency_key),
            *(payment.requested_amount, payment.requested_at, payment.reason, token_sealed, payment.captures_several),
        )
        await self.add_payment_transitions(decision)
        self.add_service_calls(decision)

    async def save_decision(self, decision: PaymentDecision) -> None:
        """Save the payment, its transitions and bookings, and add a task per call to the payment service."""
        await self.save_payment(decision.payment)
        await self.add_payment_transitions(decision)
        await self.add_bookings(decision)
        self.add_service_calls(decision)

    async def save_payment(self, payment: Payment) -> None:
        """Update a payment; the token is deleted once the authorization has a result."""
        await self.connection.execute(
            """-- save_payment
            UPDATE payment SET state = $2, version = $3, step = $4, idempotency_key = $5, requested_amount = $6,
                requested_at = $7, authorized = $8, captured = $9, refunded = $10, capture_requested = $11,
                void_requested = $12, refund_requested = $13, reference = $14, expires_at = $15, reason = $16,
                captures_several = $17, requested_final = $18, released = $19, capture_final = $20,
                token_sealed = CASE WHEN $4 = 'authorize' THEN token_sealed END,
                given_up = CASE WHEN $2 = 'unknown' THEN given_up END
            WHERE payment_id = $1
            """,
            *(payment.payment_id, payment.state, payment.version, payment.step, payment.idempotency_key),
            *(payment.requested_amount, payment.requested_at, payment.authorized, payment.captured, payment.refunded),
            *(payment.capture_requested, payment.void_requested, payment.refund_requested, payment.reference),
            *(payment.expires_at, payment.reason, payment.captures_several, payment.requested_final),
            *(payment.released, payment.capture_final),
        )

    async def add_payment_transitions(self, decision: PaymentDecision) -> None:
        await self.connection.executemany(
            """-- add_payment_transitions
            INSERT INTO payment_history (payment_id, version, from_state, to_state, step, idempotency_key, amount,
                occurred_at, because, cause)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                (
                    decision.payment.payment_id,
                    transition.version,
                    transition.from_state,
                    transition.to_state,
                    transition.step,
                    transition.idempotency_key,
                    transition.amount,
                    transition.occurred_at,
                    transition.because,
                    self.cause,
                )
                for transition in decision.transitions
            ],
        )

    async def add_bookings(self, decision: PaymentDecision) -> None:
        """Add a decision's bookings under its first transition; its step is booked once per kind."""
        for booking in decision.bookings:
            await self.connection.execute(
                """-- add_bookings
                WITH booked AS (
                    INSERT INTO money_transaction (payment_id, version, idempotency_key, kind, currency, occurred_at)
                    VALUES ($1, $2, $8, $3, $4, $5) RETURNING number
                )
                INSERT INTO money_entry (number, account, amount)
                SELECT number, account, amount FROM booked, unnest($6::text[], $7::bigint[]) AS e (account, amount)
                """,
                decision.payment.payment_id,
                decision.transitions[0].version,
                booking.kind,
                decision.payment.currency,
                decision.transitions[0].occurred_at,
                [account for account, _ in booking.entries],
                [amount for _, amount in booking.entries],
                decision.transitions[0].idempotency_key,
            )

    def add_service_calls(self, decision: PaymentDecision) -> None:
        for call in decision.calls:
            payload = {"payment_id": decision.payment.payment_id, "obstacle": call.obstacle, "cause": call.cause}
            self.add_task(call.step, call.idempotency_key, payload)

    async def lock_order_of_payment(self, payment_id: str) -> None:
        """Lock the order before its payment, in the order of the commands, so that the two cannot deadlock."""
        await self.connection.execute(
            """-- lock_order_of_payment
            SELECT FROM orders WHERE order_id = (SELECT order_id FROM payment WHERE payment_id = $1) FOR UPDATE
            """,
            payment_id,
        )

    async def lock_payment(self, payment_id: str) -> Payment:
        """Lock a payment and its order. Raises LookupError if there is no such payment."""
        await self.lock_order_of_payment(payment_id)
        row = await self.connection.fetchrow(
            f"""-- lock_payment
            SELECT {PAYMENT_COLUMNS}
            FROM payment AS p JOIN orders AS o USING (order_id) WHERE p.payment_id = $1 FOR UPDATE OF p
            """,
            payment_id,
        )
        if row is None:
            raise LookupError(f"there is no payment {payment_id}")
        return _payment(row)

    async def lock_payment_of_order(self, order_id: str) -> Payment | None:
        """Lock an order's payment; the caller holds the order's lock."""
        row = await self.connection.fetchrow(
            f"""-- lock_payment_of_order
            SELECT {PAYMENT_COLUMNS}
            FROM payment AS p JOIN orders AS o USING (order_id) WHERE p.order_id = $1 FOR UPDATE OF p
            """,
            order_id,
        )
        return None if row is None else _payment(row)

    async def find_payment(self, order_id: str) -> Payment | None:
        row = await self.connection.fetchrow(
            f"""-- find_payment
            SELECT {PAYMENT_COLUMNS}
            FROM payment AS p JOIN orders AS o USING (order_id) WHERE p.order_id = $1
            """,
            order_id,
        )
        return None if row is None else _payment(row)

    async def get_payment(self, payment_id: str) -> tuple[Payment, bytes | None]:
        """Return a payment and its sealed token. Raises LookupError if there is no such payment."""
        row = await self.connection.fetchrow(
            f"""-- get_payment
            SELECT {PAYMENT_COLUMNS}, p.token_sealed
            FROM payment AS p JOIN orders AS o USING (order_id) WHERE p.payment_id = $1
            """,
            payment_id,
        )
        if row is None:
            raise LookupError(f"there is no payment {payment_id}")
        columns = dict(row)
        token_sealed = columns.pop("token_sealed")
        return _payment(columns), token_sealed

    async def list_expired_payments(self, limit: int) -> Sequence[str]:
        """Return the ids of payments whose authorization has expired, the earliest first."""
        rows = await self.connection.fetch(
            """-- list_expired_payments
            SELECT payment_id FROM payment WHERE state = 'authorized' AND expires_at <= $1
            ORDER BY expires_at, payment_id LIMIT $2
            """,
            self.now,
            limit,
        )
        return [row["payment_id"] for row in rows]

    async def list_payment_transitions(self, payment_id: str) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_payment_transitions
            SELECT version, from_state, to_state, step, amount, occurred_at, because, cause
            FROM payment_history WHERE payment_id = $1 ORDER BY version
            """,
            payment_id,
        )
        return rows

    async def list_unknown_payments(self, limit: int) -> Sequence[Record]:
        """Return payments with an unknown outcome, the longest unknown first."""
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_unknown_payments
            SELECT payment_id, order_id, service, step, requested_amount, currency, requested_at, given_up FROM payment
            WHERE state = 'unknown' ORDER BY requested_at, payment_id LIMIT $1
            """,
            limit,
        )
        return rows

    async def give_up(self, payment_id: str, reason: str) -> bool:
        """Mark the step of an unknown payment as not performed; returns False if the payment is not unknown."""
        given_up: bool | None = await self.connection.fetchval(
            """-- give_up
            UPDATE payment SET given_up = $2 WHERE payment_id = $1 AND state = 'unknown' RETURNING true
            """,
            payment_id,
            reason,
        )
        return given_up is not None

    async def find_given_up(self, payment_id: str) -> str | None:
        """Return an operator's reason to give up the step in progress, if it was given up."""
        reason: str | None = await self.connection.fetchval(
            "-- find_given_up\nSELECT given_up FROM payment WHERE payment_id = $1", payment_id
        )
        return reason


def _payment_method(row: Record) -> PaymentMethod:
    mandate = Mandate(row["mandate"], row["currency"])
    return PaymentMethod(row["customer_id"], row["service"], row["token_sealed"], mandate, row["changed_at"])


def _payment(row: Any) -> Payment:
    columns: dict[str, Any] = dict(row)
    columns["state"] = PaymentState(columns["state"])
    columns["step"] = columns["step"] and PaymentStep(columns["step"])
    columns["rules"] = describe_payment_service(columns["service"]).find_rules(columns["currency"])
    return Payment(**columns)
