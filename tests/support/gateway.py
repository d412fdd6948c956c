"""Client of the gateway for devices and people; each call is logged before and after."""

from collections.abc import Sequence
from typing import Any

import httpx

from deploy.demo.event_log import EventLog

ACCEPTED = 202
#: Some reports may have been accepted; the request can be repeated.
NOT_NOW = frozenset({429, 500, 502, 503, 504})


class Gateway:
    """Posts reports as a device (with its credential) or as a person (with a token)."""

    def __init__(self, http: httpx.AsyncClient, url: str, events: EventLog) -> None:
        self.url, self._http, self._events = url, http, events

    async def takes(self, credential: str, reports: Sequence[dict[str, Any]]) -> None:
        """Send reports; all must be accepted."""
        answer = await self.post(credential, reports)
        assert answer.status_code == ACCEPTED, f"{answer.status_code} {answer.text}"
        assert answer.json()["refused"] == []

    async def post(self, credential: str, reports: Sequence[dict[str, Any]]) -> httpx.Response:
        """Send reports, each with its device id, and return the response."""
        call = self._events.invoke(what="report", reports=reports)
        headers = {"Authorization": f"Bearer {credential}"}
        try:
            answer = await self._http.post(f"{self.url}/v1/usage", json=reports, headers=headers)
        except httpx.TransportError as error:
            self._events.write(op="info", call=call, error=repr(error))
            raise
        if answer.status_code == ACCEPTED:
            told = answer.json()
            accepted, refused = ([one["index"] for one in told[name]] for name in ("accepted", "refused"))
            self._events.write(op="ok", call=call, accepted=accepted, refused=refused)
        elif answer.status_code in NOT_NOW:
            self._events.write(op="info", call=call, error=answer.text[:300])
        else:
            self._events.write(op="fail", call=call, status=answer.status_code)
        return answer

    async def raw(self, body: bytes, **headers: str) -> httpx.Response:
        """Send bytes; header names have underscores instead of hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._http.post(f"{self.url}/v1/usage", content=body, headers=named)
