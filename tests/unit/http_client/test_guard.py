"""Tests of the SSRF guard: private addresses are refused in every notation and through every name."""

import ipaddress

import pytest

from libs.http_client.guard import ForbiddenAddressError, Guard

PUBLIC = "93.184.215.14"

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:0:0:0:0:80ff:fffe",
]

#: Accepted by inet_aton and therefore by connect(): 127.0.0.1, 10.0.0.1 or 169.254.169.254 in other notations.
SPELLINGS = [
    "2130706433",
    "0x7f000001",
    "017700000001",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f.1",
    "127.0.0.01",
    "10.1",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
]

INVALID_URLS = [
    "",
    "acme.example",
    "ftp://acme.example/",
    "file:///etc/passwd",
    "gopher://acme.example/",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "https://",
    "https:///path",
    "https://ann@acme.example/",
    "https://ann:secret@acme.example/",
    "https://acme.example@127.0.0.1/",
    "https://127.0.0.1\\@acme.example/",
    "https://acme.example:port/",
    "https://acme.example:99999/",
    "https://ac me.example/",
    "https://acme.example/\nHost: inside",
    "https://[::1",
    "https://acme.example%2f@inside/",
    "https://bücher.example/",
    "https://①②⑦.⓪.⓪.①/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://acme..example/",
    "https://" + "a" * 3000,
]


def resolver(*answers):
    """Return one answer per lookup; the last one is repeated."""
    left = list(answers)

    async def resolve(host, port):
        found = left.pop(0) if len(left) > 1 else left[0]
        return [found] if isinstance(found, str) else found

    return resolve


def url_of(address):
    return f"https://[{address}]/orders" if ":" in address else f"https://{address}/orders"


class TestPrivateAddress:
    @pytest.mark.parametrize("address", PRIVATE)
    async def test_resolve_refuses_literal(self, address):
        guard = Guard()

        with pytest.raises(ForbiddenAddressError):
            guard.check_url(url_of(address))
        with pytest.raises(ForbiddenAddressError):
            await guard.resolve(url_of(address))

    @pytest.mark.parametrize("address", PRIVATE)
    async def test_resolve_refuses_name(self, address):
        with pytest.raises(ForbiddenAddressError, match="not a public address"):
            await Guard(resolve=resolver(address)).resolve("https://shop.example/")

    @pytest.mark.parametrize("spelling", SPELLINGS)
    async def test_resolve_refuses_other_notations(self, spelling):
        with pytest.raises(ForbiddenAddressError, match="not a public address"):
            await Guard().resolve(f"https://{spelling}/")

    async def test_resolve_refuses_mixed_answer(self):
        with pytest.raises(ForbiddenAddressError):
            await Guard(resolve=resolver([PUBLIC, "10.0.0.1"])).resolve("https://shop.example/")

    async def test_resolve_refuses_scope_id(self):
        with pytest.raises(ForbiddenAddressError):
            await Guard(resolve=resolver("2606:2800::1%eth0")).resolve("https://shop.example/")


class TestDnsRebinding:
    async def test_resolve_looks_up_name_once(self):
        guard = Guard(resolve=resolver(PUBLIC, "127.0.0.1"))

        target = await guard.resolve("https://rebinding.example/")

        assert [str(address) for address in target.addresses] == [PUBLIC]

    async def test_resolve_checks_each_call(self):
        guard = Guard(resolve=resolver(PUBLIC, "127.0.0.1"))
        await guard.resolve("https://rebinding.example/")

        with pytest.raises(ForbiddenAddressError):
            await guard.resolve("https://rebinding.example/")


class TestUrl:
    @pytest.mark.parametrize("url", INVALID_URLS)
    async def test_resolve_refuses_invalid_url(self, url):
        guard = Guard(allowed=[ipaddress.ip_network("127.0.0.0/8")], resolve=resolver("127.0.0.1"))

        with pytest.raises(ForbiddenAddressError):
            guard.check_url(url)
        with pytest.raises(ForbiddenAddressError):
            await guard.resolve(url)

    async def test_resolve_allows_public_https(self):
        guard = Guard(resolve=resolver([PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]))

        target = await guard.resolve("https://shop.example/v1?x=1")

        assert (target.host, target.port, len(target.addresses)) == ("shop.example", 443, 2)

    async def test_resolve_refuses_http(self):
        guard = Guard(resolve=resolver(PUBLIC))

        with pytest.raises(ForbiddenAddressError, match="only https"):
            guard.check_url("http://shop.example/")
        with pytest.raises(ForbiddenAddressError, match="only https"):
            await guard.resolve("http://shop.example/")

    @pytest.mark.parametrize("port", [22, 25, 80, 110, 587])
    async def test_resolve_refuses_reserved_port(self, port):
        with pytest.raises(ForbiddenAddressError, match=f"port {port}"):
            await Guard(resolve=resolver(PUBLIC)).resolve(f"https://shop.example:{port}/")

    async def test_resolve_allows_high_port(self):
        assert (await Guard(resolve=resolver(PUBLIC)).resolve("https://shop.example:8443/")).port == 8443

    async def test_resolve_raises_os_error_for_unresolvable_name(self):
        with pytest.raises(OSError):
            await Guard(resolve=resolver([])).resolve("https://gone.example/")


class TestAllowedNetwork:
    GUARD = Guard(allowed=[ipaddress.ip_network("127.0.0.0/8")])

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "127.0.0.2"])
    async def test_resolve_allows_http_on_any_port(self, host):
        self.GUARD.check_url(f"http://{host}:81/")

        assert (await self.GUARD.resolve(f"http://{host}:81/")).port == 81

    @pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[::1]"])
    async def test_resolve_refuses_other_networks(self, host):
        with pytest.raises(ForbiddenAddressError):
            await self.GUARD.resolve(f"https://{host}/")
