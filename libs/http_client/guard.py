"""SSRF guard: allows only https to public addresses, and the networks that the deployment allows.

A name is resolved once, and the connection goes to the address that was checked. This prevents DNS rebinding,
and alternative spellings of 127.0.0.1 have no effect.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Resolves host and port to addresses in text form.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
#: Formally public, but serves a cloud's metadata (Azure's wire server).
METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
#: Reserved by IANA; Python's own list depends on its version. The first contains Oracle's metadata service.
RESERVED = tuple(
    ipaddress.ip_network(net)
    for net in ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10", "2001::/23", "3fff::/20", "5f00::/16", "fec0::/10")
)
#: IPv6 networks that carry an IPv4 address in their last 32 bits: NAT64 (RFC 6052, 8215), IPv4-compatible.
EMBEDDING = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
#: At most this many addresses of a name are tried.
TRIED_ADDRESSES = 4
HTTPS_PORT, FIRST_FREE_PORT = 443, 1024
LONGEST_URL = 2000
HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", re.ASCII)


class ForbiddenAddressError(Exception):
    """The URL or address may not be called; nothing was sent."""


class Target(NamedTuple):
    """Destination of a call: the host name and its checked addresses."""

    scheme: str
    host: str
    port: int
    addresses: tuple[Address, ...]


class Guard:
    """Checks URLs; `allowed` networks are exempt from all rules and may be called without TLS."""

    def __init__(self, allowed: Sequence[Network] = (), resolve: "Resolver | None" = None) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve or resolve_by_system

    def check_url(self, url: str) -> None:
        """Check a URL without a DNS lookup, e.g. when it is entered. Raises ForbiddenAddressError."""
        split, port = split_url(url)
        literal = as_address(split.hostname or "")
        if literal is not None:
            self._check(split.scheme, port, literal)
        elif split.scheme != "https" and not self._allowed:
            raise ForbiddenAddressError("only https URLs are allowed")

    async def resolve(self, url: str) -> Target:
        """Resolve a URL and check all its addresses.

        Raises ForbiddenAddressError, or OSError if the name does not resolve.
        """
        split, port = split_url(url)
        host = split.hostname or ""
        literal = as_address(host)
        found = [str(literal)] if literal is not None else await self._resolve(host, port)
        addresses = tuple(dict.fromkeys(ipaddress.ip_address(text) for text in found))
        if not addresses:
            raise OSError(f"{host} has no address")
        for address in addresses:
            self._check(split.scheme, port, address)  # every one: an answer mixed with private addresses is an attack
        return Target(split.scheme, host, port, addresses[:TRIED_ADDRESSES])

    def _check(self, scheme: str, port: int, address: Address) -> None:
        if self._is_allowed(address):
            return
        if not is_public(address):
            raise ForbiddenAddressError(f"{address} is not a public address")
        if scheme != "https":
            raise ForbiddenAddressError("only https URLs are allowed")
        if port != HTTPS_PORT and port < FIRST_FREE_PORT:
            raise ForbiddenAddressError(f"port {port} is reserved for another protocol")

    def _is_allowed(self, address: Address) -> bool:
        real = embedded_ipv4(address)
        return any(real.version == network.version and real in network for network in self._allowed)


def split_url(url: str) -> tuple[SplitResult, int]:
    if len(url) > LONGEST_URL or any(character <= " " or character == "\\" for character in url):
        raise ForbiddenAddressError("this is not a valid URL")
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise ForbiddenAddressError("this is not a valid URL") from error
    if split.scheme not in ("http", "https") or not split.hostname:
        raise ForbiddenAddressError("only http and https URLs are allowed")
    if as_address(split.hostname) is None and not HOST.fullmatch(split.hostname):
        raise ForbiddenAddressError(
            "use letters, digits, dots and hyphens in the host name, and Punycode (xn--) for others"
        )
    if split.username is not None or split.password is not None:
        raise ForbiddenAddressError("the URL must not contain a user name or password")
    return split, port or (HTTPS_PORT if split.scheme == "https" else 80)


def as_address(host: str) -> Address | None:
    """Parse a host in standard notation; other notations are left to the resolver."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def embedded_ipv4(address: Address) -> Address:
    """Return the IPv4 address embedded in an IPv6 address, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if int(address) > 1 and any(address in network for network in EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    real = embedded_ipv4(address)
    special = real.is_multicast or real.is_reserved or real.is_unspecified or real.is_link_local
    special = special or real in METADATA or any(real in network for network in RESERVED)
    return real.is_global and not special and not getattr(address, "scope_id", None)


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Resolve with getaddrinfo, which also parses 2130706433, 0x7f.1 and 0177.0.0.1, as connect() would."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except UnicodeError as error:  # an empty or too long label
        raise ForbiddenAddressError("this is not a valid host name") from error
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]
