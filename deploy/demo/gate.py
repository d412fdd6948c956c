"""Sends reports to the gateway over HTTP and records every call with its response."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.demo.diary import Diary
from deploy.demo.door import NoAnswerError, Post
from deploy.local.errors import StackError

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1
PATH = "/v1/usage"
ACCEPTED = 202
#: Statuses after which some reports may be missing, and repeating the request is right.
NOT_NOW = frozenset({429, 500, 502, 503, 504})

Reports = Sequence[Mapping[str, Any]]


class Gate:
    """Posts reports until they are accepted; repeating is harmless, because reports have ids."""

    def __init__(self, door: Post, diary: Diary) -> None:
        self._door, self._diary = door, diary
        self.accepted = self.unanswered = 0

    async def send(self, credential: str, reports: Reports) -> None:
        """Return when the gateway has accepted all reports; raises StackError if it refuses one.

        Each report names its device; `credential` is the device's own, or a token for several devices.
        """
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not await self._once(credential, reports):
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(f"the gateway did not accept {len(reports)} reports")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _once(self, credential: str, reports: Reports) -> bool:
        call = self._diary.invoke(what="report", reports=reports)
        headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
        try:
            status, answer = await self._door.post(PATH, json.dumps(reports).encode(), headers)
        except NoAnswerError as error:
            self.unanswered += 1
            self._diary.write(op="info", call=call, error=str(error))
            return False
        return self._judge(call, status, answer)

    def _judge(self, call: int, status: int, answer: bytes) -> bool:
        if status in NOT_NOW:
            self.unanswered += 1
            # Some may be on the topic: 503 means that not all were acknowledged.
            self._diary.write(op="info", call=call, error=f"{status} {answer[:300].decode(errors='replace')}")
            return False
        if status != ACCEPTED:
            self._diary.write(op="fail", call=call, status=status)
            raise StackError(f"the gateway refuses reports: {status} {answer[:500].decode(errors='replace')}")
        told = json.loads(answer)
        accepted, refused = ([one["index"] for one in told[name]] for name in ("accepted", "refused"))
        self._diary.write(op="ok", call=call, accepted=accepted, refused=refused)
        self.accepted += len(accepted)
        if refused:
            raise StackError(f"the gateway refuses a report: {told['refused'][0]}")
        return True
