"""One update of a provider's beside what it is about, and what it tells about the goods."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import OrderUpdated, UpdateStatus
from replenish_contracts.units import CURRENCIES
from services.order_dispatch.domain.drafts import Provider
from services.order_dispatch.domain.orders import Order
from services.order_dispatch.domain.watch import Patience

#: A date is a day, and days begin before their orders: so much earlier than the order a promise may seem to be.
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Said:
    """One update as the rules below see it."""

    order: Order
    update: OrderUpdated
    provider: Provider | None
    patience: Patience
    occurred_at: datetime
    #: It is older than what the provider said of the same status: it may add to that, and change nothing.
    is_stale: bool = False

    @property
    def because(self) -> str:
        return f"{self.update.provider_id} said {self.update.status} ({self.update.update_id})"

    @property
    def reason(self) -> str:
        return self.update.reason or "no reason given"

    def take_over(self, order: Order) -> Order:
        """Take over what the update says about the goods, their date and their price."""
        update = self.update
        promised = self._promise if order.expected_at is None or (self._named and not self.is_stale) else None
        expected = promised or order.expected_at
        if expected is None and update.status is not UpdateStatus.DELIVERED:
            expected = self.occurred_at + timedelta(days=self.patience.lead_time_days)
        billed, currency = self._billed(order)
        return replace(
            order,
            expected_at=expected,
            promised_at=order.promised_at or promised,
            shipped_quantity=self._counted(order),
            tracking=self._newer(update.tracking, order.tracking),
            billed=billed,
            billed_currency=currency,
            substitute=self._newer(
                None if update.product_id == order.product_id else update.product_id, order.substitute
            ),
            resolve_by=None,
            doubtful_until=None,
        )

    def _counted(self, order: Order) -> int | None:
        """Return how much left or arrived; an earlier update's quantity is only an announcement."""
        update = self.update
        says = update.quantity is not None and update.status in (UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)
        return update.quantity if says else order.shipped_quantity

    def _newer(self, said: str | None, known: str | None) -> str | None:
        return (known or said) if self.is_stale else (said or known)

    def _billed(self, order: Order) -> tuple[int | None, str | None]:
        """Return what the provider wants for the order; an amount in no currency says nothing."""
        currency = self.update.currency or order.currency
        stale = self.is_stale and order.billed is not None
        if stale or self.update.price is None or currency not in CURRENCIES:
            return order.billed, order.billed_currency
        return self.update.price, currency

    @property
    def _named(self) -> datetime | None:
        """Return the date the update gives, if it is a believable one."""
        named = self.update.expected_at
        latest = self.occurred_at + timedelta(days=self.patience.longest_promise_days)
        return named if named is not None and self.order.drafted_at - A_DAY <= named <= latest else None

    @property
    def _promise(self) -> datetime | None:
        """Return the provider's date, else its usual days from now, else nothing."""
        usual = self.provider.lead_time_days if self.provider else None
        return self._named or (None if usual is None else self.occurred_at + timedelta(days=usual))
