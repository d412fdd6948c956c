"""POST /v1/usage: reports in, acknowledged by the broker before they are acknowledged by us."""

from collections import Counter
from datetime import datetime
from time import monotonic
from typing import NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from libs.kit import Kit
from libs.kit.http.auth import Principal, unauthorized
from libs.kit.http.dependencies import kit_of, principal_of, require
from libs.kit.http.problems import ProblemError
from libs.kit.logs import next_hop
from services.gateway.api import metrics
from services.gateway.api.body import read_body
from services.gateway.api.door import Door, door_of, too_fast
from services.gateway.domain.devices import Device
from services.gateway.domain.drafts import Draft
from services.gateway.domain.explaining import REMEDIES
from services.gateway.domain.judging import NUL, Report, judge
from services.gateway.domain.records import write
from services.gateway.domain.refusals import MalformedRequestError, Refusal, refuse
from services.gateway.facades import cloudevents, plain

router = APIRouter(tags=["usage"])

DEVICE_CREDENTIAL = "rpl_dev_"
#: A body costs at least as many reports as it has pieces of this size.
BYTES_PER_REPORT = 1024


class Sender(NamedTuple):
    """Who speaks: a device by its own credential, or somebody with a token of the portal."""

    name: str
    device: Device | None
    principal: Principal | None


@router.post("/v1/usage", status_code=202)
async def report_usage(request: Request) -> Response:
    """Take reports of use, levels and refills; 202 only after all in-sync replicas have them."""
    kit = kit_of(request)  # called, not depended on: FastAPI would run it in another thread for every report
    door = door_of(kit)
    try:
        sender = await _sender(request, kit, door)
        with door.budget.hold() as held:
            body = await read_body(request, door.settings, held)
            drafts = _read(request, body, door)
            devices = await _devices(drafts, sender, door)
            _charge(drafts, devices, sender, len(body), door)
            return await _take(drafts, devices, sender, (door, request.headers.get("traceparent")))
    except ProblemError as error:
        metrics.REQUESTS_REFUSED.labels(error.body["code"]).inc()
        raise


async def _sender(request: Request, kit: Kit, door: Door) -> Sender:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(DEVICE_CREDENTIAL):
        principal = await principal_of(request, kit)
        require(principal, "customer", "operator")
        sender = Sender(f"principal:{principal.subject}", None, principal)
    else:
        device = door.registry.remembered(token) or await _introduced(request, token, door)
        sender = Sender(device.device_id, device, None)
    door.charge(sender.name, 1)
    return sender


async def _introduced(request: Request, credential: str, door: Door) -> Device:
    """Return the device of a credential seen for the first time; raises 401 if nobody knows it."""
    address = request.client.host if request.client else ""
    if wait := door.strangers.wait(address, monotonic()):
        raise too_fast("too_many_unknown", "Too many requests with unknown credentials", wait)
    device = await door.registry.by_credential(credential)
    if device is None:
        door.strangers.take(address, 1, monotonic())
        raise unauthorized("No device has this credential; a device that was replaced or removed gets a new one.")
    return device


def _read(request: Request, body: bytes, door: Door) -> list[Draft | Refusal]:
    """Let the protocol the request is written in read it."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media_type == cloudevents.STRUCTURED:
            return cloudevents.read_structured(body, door.bounds)
        if media_type == cloudevents.BATCH:
            return cloudevents.read_batch(body, door.bounds)
        if media_type in plain.MEDIA_TYPES:
            if cloudevents.MARK in request.headers:
                return cloudevents.read_binary(request.headers, body, door.bounds)
            return plain.read(body, door.bounds)
    except MalformedRequestError as error:
        raise ProblemError(error.status, error.code, "The body cannot be read", detail=error.problem) from None
    accepted = f"application/json, {cloudevents.STRUCTURED} or {cloudevents.BATCH}"
    raise ProblemError(415, "unsupported_media_type", "Nobody here reads this Content-Type", detail=f"send {accepted}")


async def _devices(drafts: list[Draft | Refusal], sender: Sender, door: Door) -> dict[str, Device]:
    """Return the devices this sender may speak for, of those the reports name."""
    if sender.device is not None:
        return {sender.device.device_id: sender.device}
    names = {draft.device_id for draft in drafts if isinstance(draft, Draft) and draft.device_id}
    found = await door.registry.by_ids({name for name in names if NUL not in name})
    return {name: device for name, device in found.items() if _may_speak_for(sender, device)}


def _may_speak_for(sender: Sender, device: Device) -> bool:
    principal = sender.principal
    return principal is not None and (principal.role == "operator" or principal.customer_id == device.customer_id)


def _charge(drafts: list[Draft | Refusal], devices: dict[str, Device], sender: Sender, size: int, door: Door) -> None:
    """Charge a device for what it sent, and a token what it sent for each device; nobody for a stranger's reports."""
    if sender.device is not None:
        door.charge(sender.name, max(len(drafts), size / BYTES_PER_REPORT) - 1)
        return
    names = [draft.device_id for draft in drafts if isinstance(draft, Draft)]
    for payer, count in Counter(name if name in devices else sender.name for name in names).items():
        door.charge(payer, count)


async def _take(
    drafts: list[Draft | Refusal], devices: dict[str, Device], sender: Sender, around: tuple[Door, str | None]
) -> Response:
    """Judge every report, write those that are believed, and say what became of each."""
    door, traceparent = around
    now, trace = door.clock.now(), next_hop(traceparent)
    reports: list[tuple[int, Report]] = []
    refused: list[Refusal] = []
    for index, draft in enumerate(drafts):
        judged = _judge(draft, devices, sender, (door, now))
        if isinstance(judged, Refusal):
            refused.append(judged._replace(place=index))
        else:
            reports.append((index, judged))
    for refusal in refused:
        metrics.REPORTS_REFUSED.labels(refusal.code).inc()
    if not reports:
        raise _nothing_taken(refused)
    await door.write([write(report.type, report.id, report.said, trace) for _, report in reports])
    for kind, count in Counter(report.type for _, report in reports).items():
        metrics.REPORTS_ACCEPTED.labels(kind).inc(count)
    answer = {
        "accepted": [{"index": index, "id": report.id} for index, report in reports],
        "refused": [refusal.told() for refusal in refused],
    }
    return Response(msgspec.json.encode(answer), status_code=202, media_type="application/json")


def _judge(
    draft: Draft | Refusal, devices: dict[str, Device], sender: Sender, around: tuple[Door, datetime]
) -> Report | Refusal:
    if isinstance(draft, Refusal):
        return draft
    door, now = around
    device = sender.device
    if draft.device_id is not None:
        device = devices.get(draft.device_id)
    if device is None:
        return _not_yours(draft, sender)
    return judge(draft, device, now, door.sense, sender.device is None)


def _not_yours(draft: Draft, sender: Sender) -> Refusal:
    if draft.device_id is None:
        return refuse("missing_field", "device_id", "the report does not say its device", REMEDIES["device_id"])
    whose = "this credential is another device's" if sender.device else "this token may not report for such a device"
    return refuse("foreign_device", "device_id", whose, "send it with the device's own credential")


def _nothing_taken(refused: list[Refusal]) -> ProblemError:
    codes = {refusal.code for refusal in refused}
    status = 403 if codes == {"foreign_device"} else 422
    code = codes.pop() if len(codes) == 1 else "refused"
    title = "The report was refused" if len(refused) == 1 else "All reports were refused"
    return ProblemError(status, code, title, refused=[refusal.told() for refusal in refused])
