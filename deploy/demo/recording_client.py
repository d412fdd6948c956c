"""Sends reports to the gateway over HTTP and records every call with its response."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.demo.event_log import EventLog
from deploy.demo.http_client import NoResponseError, Post
from deploy.local.errors import StackError

TIMEOUT_SECONDS = 60.0
PAUSE_SECONDS = 0.1
PATH = "/v1/usage"
ACCEPTED = 202
#: Statuses after which the request is repeated, because some reports may not have been stored.
RETRYABLE = frozenset({429, 500, 502, 503, 504})

Reports = Sequence[Mapping[str, Any]]


class RecordingClient:
    """Posts reports until they are accepted; a repeat is harmless, because reports have ids."""

    def __init__(self, http: Post, event_log: EventLog) -> None:
        self._http, self._event_log = http, event_log
        self.accepted = self.unanswered = 0

    async def send(self, credential: str, reports: Reports) -> None:
        """Return when the gateway has accepted all reports; raises StackError if it refuses one.

        Each report names its device; `credential` is the device's own, or a token for several devices.
        """
        deadline = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
        while not await self._send_once(credential, reports):
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(f"the gateway did not accept {len(reports)} reports")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _send_once(self, credential: str, reports: Reports) -> bool:
        call = self._event_log.invoke(what="report", reports=reports)
        headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
        try:
            status, answer = await self._http.post(PATH, json.dumps(reports).encode(), headers)
        except NoResponseError as error:
            self.unanswered += 1
            self._event_log.write(op="info", call=call, error=str(error))
            return False
        return self._handle(call, status, answer)

    def _handle(self, call: int, status: int, answer: bytes) -> bool:
        if status in RETRYABLE:
            self.unanswered += 1
            # Some may be on the topic: 503 means that not all were acknowledged.
            self._event_log.write(op="info", call=call, error=f"{status} {answer[:300].decode(errors='replace')}")
            return False
        if status != ACCEPTED:
            self._event_log.write(op="fail", call=call, status=status)
            raise StackError(f"the gateway refused reports: {status} {answer[:500].decode(errors='replace')}")
        body = json.loads(answer)
        accepted, refused = ([one["index"] for one in body[name]] for name in ("accepted", "refused"))
        self._event_log.write(op="ok", call=call, accepted=accepted, refused=refused)
        self.accepted += len(accepted)
        if refused:
            raise StackError(f"the gateway refused a report: {body['refused'][0]}")
        return True
