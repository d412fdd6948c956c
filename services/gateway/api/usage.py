"""POST /v1/usage: authenticates, parses and validates reports, and answers 202 once the broker has them."""

from collections import Counter
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from libs.kit import Kit
from libs.kit.http.auth import Principal, unauthorized
from libs.kit.http.dependencies import kit_of, principal_of, require
from libs.kit.http.problems import ProblemError
from libs.kit.logs import next_hop
from services.gateway.api import metrics
from services.gateway.api.device_registry import DeviceRegistry
from services.gateway.api.ingest_pipeline import IngestPipeline, pipeline_of, rate_limited
from services.gateway.api.request_body import read_body
from services.gateway.domain.devices import Device
from services.gateway.domain.records import encode
from services.gateway.domain.refusals import REMEDIES, MalformedRequestError, Refusal
from services.gateway.domain.reports import Report
from services.gateway.domain.validation import NUL, ValidReport, validate
from services.gateway.domain.warnings import warnings_of
from services.gateway.facades import cloudevents, plain_json

router = APIRouter(tags=["usage"])

DEVICE_CREDENTIAL = "rpl_dev_"
#: A body counts against the rate limit as at least one report per this many bytes.
BYTES_PER_REPORT = 1024


class Sender(NamedTuple):
    """The authenticated sender: a device with its credential, or a principal with a token of the portal."""

    name: str  # key of its rate limit
    device: Device | None
    principal: Principal | None

    def may_report_for(self, device: Device) -> bool:
        principal = self.principal
        return principal is not None and (principal.role == "operator" or principal.customer_id == device.customer_id)


@router.post("/v1/usage", status_code=202)
async def report_usage(request: Request) -> Response:
    """Accept reports of use, levels and refills; 202 is sent only after all in-sync replicas have them."""
    kit = kit_of(request)  # not a FastAPI dependency: a synchronous one would run in a thread for each request
    pipeline = pipeline_of(kit)
    try:
        sender = await _authenticate(request, kit, pipeline)
        with pipeline.memory.reserve() as reservation:
            body = await read_body(request, pipeline.settings, reservation)
            reports = _parse(request, body, pipeline)
            devices = await _find_devices(reports, sender, pipeline.registry)
            _charge(reports, devices, sender, len(body), pipeline)
            now = pipeline.clock.now()
            accepted, refused = _validate(reports, devices, sender, pipeline, now)
            traceparent = next_hop(request.headers.get("traceparent"))
            await pipeline.produce([encode(report, traceparent) for _, report in accepted])
    except ProblemError as error:
        metrics.REQUESTS_REFUSED.labels(error.body["code"]).inc()
        raise
    for event_type, count in Counter(report.type for _, report in accepted).items():
        metrics.REPORTS_ACCEPTED.labels(event_type).inc(count)
    answer: dict[str, Any] = {
        "accepted": [_show_accepted(index, report) for index, report in accepted],
        "refused": [refusal.as_json() for refusal in refused],
    }
    if warnings := warnings_of(devices.values(), now):
        answer["warnings"] = warnings
    return Response(msgspec.json.encode(answer), status_code=202, media_type="application/json")


def _show_accepted(index: int, report: ValidReport) -> dict[str, Any]:
    shown: dict[str, Any] = {"index": index, "id": report.id}
    if report.notes:
        shown["notes"] = [note._asdict() for note in report.notes]
    return shown


async def _authenticate(request: Request, kit: Kit, pipeline: IngestPipeline) -> Sender:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(DEVICE_CREDENTIAL):
        principal = await principal_of(request, kit)
        require(principal, "customer", "operator")
        sender = Sender(f"principal:{principal.subject}", None, principal)
    else:
        device = pipeline.registry.find_cached(token) or await _load_device(request, token, pipeline)
        sender = Sender(device.device_id, device, None)
    pipeline.charge(sender.name, 1)
    return sender


async def _load_device(request: Request, credential: str, pipeline: IngestPipeline) -> Device:
    """Return the device of a credential that is not cached.

    Raises 401 if it is unknown, and 429 if its client address sent too many unknown ones.
    """
    address = request.client.host if request.client else ""
    if wait := pipeline.unknown_credential_rates.wait(address, monotonic()):
        raise rate_limited("too_many_unknown", "Too many requests with unknown credentials", wait)
    device = await pipeline.registry.find_by_credential(credential)
    if device is None:
        pipeline.unknown_credential_rates.take(address, 1, monotonic())
        raise unauthorized("This credential is unknown, or its device was replaced or removed.")
    return device


def _parse(request: Request, body: bytes, pipeline: IngestPipeline) -> list[Report | Refusal]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media_type == cloudevents.STRUCTURED:
            return cloudevents.parse_structured(body, pipeline.body_limits)
        if media_type == cloudevents.BATCH:
            return cloudevents.parse_batch(body, pipeline.body_limits)
        if media_type in plain_json.MEDIA_TYPES:
            if cloudevents.BINARY_HEADER in request.headers:
                return cloudevents.parse_binary(request.headers, body, pipeline.body_limits)
            return plain_json.parse(body, pipeline.body_limits)
    except MalformedRequestError as error:
        raise ProblemError(error.status, error.code, "The body cannot be parsed", detail=error.problem) from None
    detail = f"Supported types: application/json, {cloudevents.STRUCTURED}, {cloudevents.BATCH}."
    raise ProblemError(415, "unsupported_media_type", "This Content-Type is not supported", detail=detail)


async def _find_devices(reports: list[Report | Refusal], sender: Sender, registry: DeviceRegistry) -> dict[str, Device]:
    """Return by id the devices of the reports for which this sender may report."""
    if sender.device is not None:
        return {sender.device.device_id: sender.device}
    ids = {report.device_id for report in reports if isinstance(report, Report) and report.device_id}
    found = await registry.find_by_ids({device_id for device_id in ids if NUL not in device_id})
    return {device_id: device for device_id, device in found.items() if sender.may_report_for(device)}


def _charge(
    reports: list[Report | Refusal], devices: dict[str, Device], sender: Sender, size: int, pipeline: IngestPipeline
) -> None:
    """Count reports against the rate limit of their device; those of foreign devices against the sender's."""
    if sender.device is not None:
        pipeline.charge(sender.name, max(len(reports), size / BYTES_PER_REPORT) - 1)
        return
    ids = [report.device_id for report in reports if isinstance(report, Report)]
    for name, count in Counter(id_ if id_ in devices else sender.name for id_ in ids).items():
        pipeline.charge(name, count)


def _validate(
    reports: list[Report | Refusal],
    devices: dict[str, Device],
    sender: Sender,
    pipeline: IngestPipeline,
    now: datetime,
) -> tuple[list[tuple[int, ValidReport]], list[Refusal]]:
    """Return accepted reports with their index, and refused ones; raises 422 or 403 if none is accepted."""
    accepted: list[tuple[int, ValidReport]] = []
    refused: list[Refusal] = []
    for index, report in enumerate(reports):
        outcome = _validate_one(report, devices, sender, pipeline, now)
        if isinstance(outcome, Refusal):
            refused.append(outcome._replace(position=index))
        else:
            accepted.append((index, outcome))
    for refusal in refused:
        metrics.REPORTS_REFUSED.labels(refusal.code).inc()
    if not accepted:
        codes = {refusal.code for refusal in refused}
        status = 403 if codes == {"foreign_device"} else 422
        code = codes.pop() if len(codes) == 1 else "refused"
        title = "The report was refused" if len(refused) == 1 else "All reports were refused"
        problem = ProblemError(status, code, title, refused=[refusal.as_json() for refusal in refused])
        if warnings := warnings_of(devices.values(), now):
            problem.body["warnings"] = warnings
        raise problem
    return accepted, refused


def _validate_one(
    report: Report | Refusal, devices: dict[str, Device], sender: Sender, pipeline: IngestPipeline, now: datetime
) -> ValidReport | Refusal:
    if isinstance(report, Refusal):
        return report
    device = sender.device if report.device_id is None else devices.get(report.device_id)
    if device is not None:
        return validate(report, device, now, pipeline.report_limits, sender.device is None)
    if report.device_id is None:
        return Refusal("missing_field", "device_id", "the field is required with a token", REMEDIES["device_id"])
    problem = (
        "the credential is of another device" if sender.device else "the token does not permit reports for this device"
    )
    return Refusal("foreign_device", "device_id", problem, "use the device's own credential")
