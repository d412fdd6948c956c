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


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A customer's means of payment at one payment service."""

    customer_id: str
    service: str
    token_sealed: bytes
    mandate: Mandate
    changed_at: datetime


def token_owner(customer_id: str, service: str) -> str:
    """Return whose a token is: what it is sealed token_owner."""
    return f"payment-method:{customer_id}:{service}"


#: Columns of a payment with those of its order, for `payment AS p JOIN orders AS o`.
PAYMENT_COLUMNS = """
    p.payment_id, p.order_id, o.customer_id, o.product_id, o.pool_id, o.provider_id, p.service,
    p.currency, p.amount, p.mandate, p.state, p.move, p.step, p.key, p.requested, p.requested_at,
    p.authorized, p.captured, p.refunded, p.capture_requested, p.void_requested, p.refund_requested,
    p.reference, p.expires_at, p.reason
"""


class PaymentStore(KitStore):
    """SQL token_owner means of payment."""

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

    async def book_money(self, decision: PaymentDecision) -> None:
        """Write a decision's bookings under the payment's last settled move; a move is booked once."""
        for booking in decision.bookings:
            await self.connection.execute(
                """-- book_money
                WITH booked AS (
                    INSERT INTO money_transaction (payment_id, move, kind, currency, occurred_at)
                    VALUES ($1, $2, $3, $4, $5) RETURNING number
                )
                INSERT INTO money_entry (number, account, amount)
                SELECT number, account, amount FROM booked, unnest($6::text[], $7::bigint[]) AS e (account, amount)
                """,
                decision.payment.payment_id,
                decision.transitions[0].number,
                booking.kind,
                decision.payment.currency,
                decision.transitions[0].occurred_at,
                [account for account, _ in booking.entries],
                [amount for _, amount in booking.entries],
            )

    async def find_payment_service(self, provider_id: str) -> str | None:
        """Return the module in payments/ that takes this provider's money, if we do."""
        name: str | None = await self.connection.fetchval(
            """-- find_payment_service
            SELECT payment FROM provider WHERE provider_id = $1
            """,
            provider_id,
        )
        return name

    async def add_payment(self, decision: PaymentDecision, token_sealed: bytes | None) -> None:
        payment = decision.payment
        await self.connection.execute(
            """-- add_payment
            INSERT INTO payment (payment_id, order_id, service, currency, amount, mandate, state, move, step, key,
                requested, requested_at, reason, token_sealed)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """,
            *(payment.payment_id, payment.order_id, payment.service, payment.currency, payment.amount),
            *(payment.mandate, payment.state, payment.move, payment.step, payment.key, payment.requested),
            *(payment.requested_at, payment.reason, token_sealed),
        )
        await self._add_payment_transitions(decision)

    async def save_payment(self, decision: PaymentDecision) -> None:
        """Store what a decision changed, and its transitions; the token goes when it is known what became of it."""
        payment = decision.payment
        await self.connection.execute(
            """-- save_payment
            UPDATE payment SET state = $2, move = $3, step = $4, key = $5, requested = $6, requested_at = $7, authorized = $8,
                captured = $9, refunded = $10, capture_requested = $11, void_requested = $12, refund_requested = $13,
                reference = $14, expires_at = $15, reason = $16,
                token_sealed = CASE WHEN $4 = 'authorize' THEN token_sealed END,
                given_up = CASE WHEN $2 = 'unknown' THEN given_up END
            WHERE payment_id = $1
            """,
            *(payment.payment_id, payment.state, payment.move, payment.step, payment.key, payment.requested),
            *(payment.requested_at, payment.authorized, payment.captured, payment.refunded, payment.capture_requested),
            *(payment.void_requested, payment.refund_requested, payment.reference, payment.expires_at, payment.reason),
        )
        await self._add_payment_transitions(decision)

    async def _add_payment_transitions(self, decision: PaymentDecision) -> None:
        await self.connection.executemany(
            """-- add_moves
            INSERT INTO payment_history (payment_id, move, from_state, to_state, step, amount, occurred_at,
                because, cause)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                (
                    decision.payment.payment_id,
                    m.number,
                    m.from_state,
                    m.to_state,
                    m.step,
                    m.amount,
                    m.occurred_at,
                    m.because,
                    self.cause,
                )
                for m in decision.transitions
            ],
        )

    async def lock_payment(self, payment_id: str) -> Payment:
        """Return the payment, with its order locked before it."""
        await self.connection.execute(
            """-- lock_order_of_payment
            SELECT FROM orders WHERE order_id = (SELECT order_id FROM payment WHERE payment_id = $1) FOR UPDATE
            """,
            payment_id,
        )
        payment = await self._lock(payment_id, None)
        if payment is None:
            raise LookupError(f"there is no payment {payment_id}")
        return payment

    async def lock_payment_of(self, order_id: str) -> Payment | None:
        """Return an order's payment, locked; the caller has the order's lock."""
        return await self._lock(None, order_id)

    async def _lock(self, payment_id: str | None, order_id: str | None) -> Payment | None:
        row = await self.connection.fetchrow(
            f"""-- lock_payment
            SELECT {PAYMENT_COLUMNS}
            FROM payment AS p JOIN orders AS o USING (order_id)
            WHERE p.payment_id = $1 OR p.order_id = $2 FOR UPDATE OF p
            """,
            payment_id,
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
        """Return a payment with its sealed token, for whoever is about to ask the payment service."""
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
        """Return payments whose reservation is over, the longest first."""
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
            SELECT move, from_state, to_state, step, amount, occurred_at, because, cause
            FROM payment_history WHERE payment_id = $1 ORDER BY move
            """,
            payment_id,
        )
        return rows

    async def list_unknown_payments(self, limit: int) -> Sequence[Record]:
        """Return payments of which nobody knows how a step ended, the longest first."""
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_unknown_payments
            SELECT payment_id, order_id, service, step, requested, currency, requested_at, given_up FROM payment
            WHERE state = 'unknown' ORDER BY requested_at, payment_id LIMIT $1
            """,
            limit,
        )
        return rows

    async def give_up(self, payment_id: str, reason: str) -> bool:
        """Let the step under way of an unknown payment end as not done; False where it is not unknown."""
        given_up: bool | None = await self.connection.fetchval(
            """-- give_up
            UPDATE payment SET given_up = $2 WHERE payment_id = $1 AND state = 'unknown' RETURNING true
            """,
            payment_id,
            reason,
        )
        return given_up is not None

    async def find_given_up(self, payment_id: str) -> str | None:
        reason: str | None = await self.connection.fetchval(
            "-- find_given_up\nSELECT given_up FROM payment WHERE payment_id = $1", payment_id
        )
        return reason

    async def save_decision(self, decision: PaymentDecision) -> None:
        """Store all of a decision: the payment, its transitions, its bookings, and whom to call next."""
        await self.save_payment(decision)
        await self.book_money(decision)
        self.add_service_calls(decision)

    def add_service_calls(self, decision: PaymentDecision) -> None:
        for call in decision.calls:
            payload = {"payment_id": decision.payment.payment_id, "obstacle": call.obstacle}
            self.add_task(call.step, call.key, payload)


def _payment_method(row: Record) -> PaymentMethod:
    mandate = Mandate(row["mandate"], row["currency"])
    return PaymentMethod(row["customer_id"], row["service"], row["token_sealed"], mandate, row["changed_at"])


def _payment(row: Any) -> Payment:
    columns: dict[str, Any] = dict(row)
    columns["state"] = PaymentState(columns["state"])
    columns["step"] = columns["step"] and PaymentStep(columns["step"])
    return Payment(**columns)
