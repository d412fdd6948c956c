"""Certificates of SNS, fetched once each and kept for a while."""

import time
from weakref import WeakKeyDictionary

from libs.kit import Kit, Retry

KEEP_SECONDS = 86_400.0
#: More addresses than SNS has regions; beyond it the oldest goes.
MOST_KEPT = 64
LARGEST_CERTIFICATE = 65_536
OK = 200

_KEPT: WeakKeyDictionary[Kit, dict[str, tuple[float, bytes]]] = WeakKeyDictionary()


async def certificate_at(url: str, kit: Kit) -> bytes:
    """Return the certificate at an address that was checked; raises Retry while it cannot be had."""
    import httpx  # noqa: PLC0415  # 5 MB that a service without notifications does not need

    kept = _KEPT.setdefault(kit, {})
    if url in kept and time.monotonic() - kept[url][0] < KEEP_SECONDS:
        return kept[url][1]
    try:
        async with kit.http.stream("GET", url) as answer:
            read = bytearray()
            async for piece in answer.aiter_bytes():
                read += piece
                if len(read) > LARGEST_CERTIFICATE:
                    raise Retry("the certificate is too large to be one")
    except httpx.HTTPError as error:
        raise Retry(f"the certificate cannot be read: {type(error).__name__}") from error
    if answer.status_code != OK:
        raise Retry(f"the certificate cannot be read: {answer.status_code}")
    if len(kept) >= MOST_KEPT:
        kept.pop(next(iter(kept)))
    kept[url] = (time.monotonic(), bytes(read))
    return kept[url][1]
