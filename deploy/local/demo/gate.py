"""Devices send their reports through the gateway over HTTP, and remember what they were told."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from deploy.local.demo.diary import Diary
from deploy.local.errors import StackError

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1
ACCEPTED = 202
#: Nothing was taken, and sending the same again is right.
NOT_NOW = frozenset({429, 503})


class Gate:
    """Posts reports until they are answered; sending twice is harmless, they have names."""

    def __init__(self, http: httpx.AsyncClient, url: str, diary: Diary) -> None:
        self._http, self._url, self._diary = http, f"{url}/v1/usage", diary
        self.accepted = self.unanswered = 0

    async def send(self, device_id: str, credential: str, reports: Sequence[Mapping[str, Any]]) -> None:
        """Return when the gateway has taken all reports; raise StackError when it refuses one."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not await self._once(device_id, credential, reports):
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(f"the gateway did not take the reports of {device_id}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _once(self, device_id: str, credential: str, reports: Sequence[Mapping[str, Any]]) -> bool:
        call = self._diary.invoke(what="report", device_id=device_id, reports=reports)
        try:
            headers = {"Authorization": f"Bearer {credential}"}
            answer = await self._http.post(self._url, json=reports, headers=headers)
        except httpx.TransportError as error:
            self.unanswered += 1
            self._diary.write(op="info", call=call, error=repr(error))
            return False
        return self._judge(call, answer)

    def _judge(self, call: int, answer: httpx.Response) -> bool:
        if answer.status_code == ACCEPTED:
            told = answer.json()
            accepted = [one["index"] for one in told["accepted"]]
            refused = [one["index"] for one in told["refused"]]
            self._diary.write(op="ok", call=call, accepted=accepted, refused=refused)
            self.accepted += len(accepted)
            if not refused:
                return True
        elif answer.status_code in NOT_NOW:
            self.unanswered += 1
            # Part of it may be on the topic: 503 means that not all of it was acknowledged.
            self._diary.write(op="info", call=call, error=answer.text[:300])
            return False
        else:
            self._diary.write(op="fail", call=call, status=answer.status_code)
        raise StackError(f"the gateway refuses a report: {answer.status_code} {answer.text[:500]}")
