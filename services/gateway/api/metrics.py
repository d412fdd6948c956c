"""Prometheus metrics of the gateway."""

from prometheus_client import Counter, Gauge, Histogram

REPORTS_ACCEPTED = Counter("gateway_reports_accepted", "Reports acknowledged by the broker and answered 202", ["type"])
REPORTS_REFUSED = Counter("gateway_reports_refused", "Reports refused, by error code", ["code"])
REQUESTS_REFUSED = Counter("gateway_requests_refused", "Requests refused as a whole, by error code", ["code"])
IN_FLIGHT_BYTES = Gauge("gateway_in_flight_bytes", "Bodies being read and records not yet acknowledged")
PRODUCE_SECONDS = Histogram(
    "gateway_produce_seconds",
    "Seconds until the broker acknowledged the reports of a request",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
BROKER_CONNECTED = Gauge("gateway_broker_connected", "1 while a producer is connected")
