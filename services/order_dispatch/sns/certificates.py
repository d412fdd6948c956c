"""Cache of SNS signing certificates."""

import time
from weakref import WeakKeyDictionary

from libs.kit import Kit, RetryLaterError

KEEP_SECONDS = 86_400.0
#: More than SNS has regions; beyond this the oldest entry is evicted.
MOST_KEPT = 64
LARGEST_CERTIFICATE = 65_536
OK = 200

_KEPT: WeakKeyDictionary[Kit, dict[str, tuple[float, bytes]]] = WeakKeyDictionary()


async def certificate_at(url: str, kit: Kit) -> bytes:
    """Fetch a certificate, or return it from the cache; the URL must be checked already.

    Raises RetryLaterError on failure.
    """
    import httpx  # noqa: PLC0415  # 5 MB, not needed without notifications

    kept = _KEPT.setdefault(kit, {})
    if url in kept and time.monotonic() - kept[url][0] < KEEP_SECONDS:
        return kept[url][1]
    try:
        async with kit.http.stream("GET", url) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_CERTIFICATE:
                    raise RetryLaterError(f"the certificate exceeds {LARGEST_CERTIFICATE} bytes")
    except httpx.HTTPError as error:
        raise RetryLaterError(f"the certificate could not be fetched: {type(error).__name__}") from error
    if response.status_code != OK:
        raise RetryLaterError(f"the certificate could not be fetched: {response.status_code}")
    if len(kept) >= MOST_KEPT:
        kept.pop(next(iter(kept)))
    kept[url] = (time.monotonic(), bytes(body))
    return kept[url][1]
