"""Which addresses may be called: a public one over https, and what the deployment names itself.

A name is resolved once, by us; the connection goes to the address that was judged. So neither a
spelling of 127.0.0.1 nor a name that changes its mind between two questions leads inside.
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
#: Returns the addresses of a host as text.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

#: Public by its number, and the door to a cloud's own metadata all the same (Azure's wire server).
METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
#: Set aside by IANA; which of them Python knows depends on its version. Oracle's metadata is in the first.
SET_ASIDE = tuple(
    ipaddress.ip_network(net)
    for net in ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10", "2001::/23", "3fff::/20", "5f00::/16", "fec0::/10")
)
#: IPv6 networks that carry an IPv4 address in their last 32 bits: NAT64 (RFC 6052, 8215), IPv4-compatible.
EMBEDDING = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
#: A name with more addresses is tried at the first of them.
TRIED_ADDRESSES = 4
HTTPS_PORT, FIRST_FREE_PORT = 443, 1024
LONGEST_URL = 2000
HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", re.ASCII)


class Forbidden(Exception):  # noqa: N818  # what happened
    """This address is not called; nothing was sent."""


class Target(NamedTuple):
    """Where a call goes: the name it was given under, and the addresses that were judged."""

    scheme: str
    host: str
    port: int
    addresses: tuple[Address, ...]


class Guard:
    """Judges URLs; `allowed` are networks of ours that may be called in spite of everything, also without TLS."""

    def __init__(self, allowed: Sequence[Network] = (), resolve: "Resolver | None" = None) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve or resolve_by_system

    def check_url(self, url: str) -> None:
        """Raise Forbidden for what can be seen without asking anybody; for the moment a URL is entered."""
        split, port = parts(url)
        literal = as_address(split.hostname or "")
        if literal is not None:
            self._check(split.scheme, port, literal)
        elif split.scheme != "https" and not self._allowed:
            raise Forbidden("only https is called")

    async def judge(self, url: str) -> Target:
        """Return where this URL leads; raises Forbidden, or OSError where the name leads nowhere."""
        split, port = parts(url)
        host = split.hostname or ""
        literal = as_address(host)
        found = [str(literal)] if literal is not None else await self._resolve(host, port)
        addresses = tuple(dict.fromkeys(ipaddress.ip_address(text) for text in found))
        if not addresses:
            raise OSError(f"{host} has no address")
        for address in addresses:
            self._check(split.scheme, port, address)  # all of them: a mixed answer is an attempt
        return Target(split.scheme, host, port, addresses[:TRIED_ADDRESSES])

    def _check(self, scheme: str, port: int, address: Address) -> None:
        if self._is_ours(address):
            return
        if not is_public(address):
            raise Forbidden(f"{address} is no public address")
        if scheme != "https":
            raise Forbidden("only https is called")
        if port != HTTPS_PORT and port < FIRST_FREE_PORT:
            raise Forbidden(f"port {port} belongs to another protocol")

    def _is_ours(self, address: Address) -> bool:
        """Tell whether the deployment allows it; a disguise of the address counts as the address."""
        real = undisguised(address)
        return any(real.version == network.version and real in network for network in self._allowed)


def parts(url: str) -> tuple[SplitResult, int]:
    """Return the parts of a URL and its port; raises Forbidden where it is none that we call."""
    if len(url) > LONGEST_URL or any(character <= " " or character == "\\" for character in url):
        raise Forbidden("this is no URL")
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as wrong:
        raise Forbidden("this is no URL") from wrong
    if split.scheme not in ("http", "https") or not split.hostname:
        raise Forbidden("only http and https URLs are called")
    if as_address(split.hostname) is None and not HOST.fullmatch(split.hostname):
        raise Forbidden("a host name has letters, digits, dots and hyphens; others are given as xn--")
    if split.username is not None or split.password is not None:
        raise Forbidden("a URL with a user in it is not called")
    return split, port or (HTTPS_PORT if split.scheme == "https" else 80)


def as_address(host: str) -> Address | None:
    """Return the address a host is the plain spelling of; other spellings are the resolver's."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def undisguised(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
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
    """Tell whether anybody on the internet is meant by this address."""
    real = undisguised(address)
    special = real.is_multicast or real.is_reserved or real.is_unspecified or real.is_link_local
    special = special or real in METADATA or any(real in network for network in SET_ASIDE)
    return real.is_global and not special and not getattr(address, "scope_id", None)


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver; it also reads 2130706433, 0x7f.1 and 0177.0.0.1, as connect() would."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except UnicodeError as wrong:  # a label that is too long, or empty
        raise Forbidden("this is no host name") from wrong
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]
