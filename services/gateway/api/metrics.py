"""The gateway's metrics with their meanings."""

from prometheus_client import Counter, Gauge, Histogram

REPORTS_ACCEPTED = Counter("gateway_reports_accepted", "Reports acknowledged by the broker and then by us", ["type"])
REPORTS_REFUSED = Counter("gateway_reports_refused", "Reports refused, by the code their sender got", ["code"])
REQUESTS_REFUSED = Counter("gateway_requests_refused", "Requests refused as a whole, by code", ["code"])
BYTES_UNDER_WAY = Gauge("gateway_under_way_bytes", "Bodies being read and records not acknowledged yet")
PRODUCE_SECONDS = Histogram(
    "gateway_produce_seconds",
    "Seconds until the broker acknowledged a request's reports",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
BROKER_CONNECTED = Gauge("gateway_broker_connected", "1 while a producer is connected")
