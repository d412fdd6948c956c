"""SQL of orders, their updates and the devices they are for."""

from services.order_dispatch.domain.timeouts import Timeouts
from services.order_dispatch.linking.store import LinkStore
from services.order_dispatch.orders.store.devices import Devices
from services.order_dispatch.orders.store.orders import Orders
from services.order_dispatch.orders.store.updates import ProviderUpdates
from services.order_dispatch.payments.store import PaymentStore

__all__ = ["OrderStore"]


class OrderStore(Orders, ProviderUpdates, Devices, LinkStore, PaymentStore):
    """SQL that transactions about orders need: orders, updates, devices, links and payments."""

    @property
    def timeouts(self) -> Timeouts:
        settings = self.settings
        return Timeouts(
            answer_hours=settings.answer_hours,
            status_request_hours=settings.status_request_hours,
            max_status_request_hours=settings.max_status_request_hours,
            lead_time_days=settings.default_lead_time_days,
            longest_promise_days=settings.longest_promise_days,
            in_flight_minutes=settings.in_flight_minutes,
            reminder_hours=settings.reminder_hours,
            deadline_hours=settings.answer_deadline_hours,
        )
