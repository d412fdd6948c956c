"""Tests of the HTTP exchange with misbehaving servers: pinned address, limits, no redirects."""

import asyncio
import gzip
import ssl
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from libs.http_client.exchange import UnknownOutcomeError
from libs.kit import RetryLaterError
from tests.integration.order_dispatch.providers_http.sample_shops import Shop, client_for, http_client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Listener:
    """Server that answers every connection with the same bytes and records the requests."""

    def __init__(self, *chunks, pause=0.0):
        self.chunks, self.pause, self.heads = chunks, pause, []

    async def answer(self, reader, writer):
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            for chunk in self.chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(self.pause)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.heads.append("")
        finally:
            writer.close()


@asynccontextmanager
async def listening(*chunks, pause=0.0, tls=None):
    listener = Listener(*chunks, pause=pause)
    server = await asyncio.start_server(listener.answer, "127.0.0.1", 0, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


def fetch(url, http=None):
    return client_for(Shop("acme", url, None), http).request("GET", "/orders/1")


def at(listener, host="127.0.0.1", scheme="http"):
    return f"{scheme}://{host}:{listener.port}"


class TestRedirect:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_redirect_is_not_followed(self, status):
        async with listening(OK) as inside:
            answer = (
                f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{inside.port}/\r\nContent-Length: 0\r\n\r\n"
            )
            async with listening(answer.encode()) as shop:
                with pytest.raises(UnknownOutcomeError, match=str(status)):
                    await fetch(at(shop))

        assert inside.heads == []


class TestAnswer:
    async def test_endless_body_is_cut_off_at_limit(self):
        async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", *[b"x" * 65536] * 64) as shop:
            with pytest.raises(UnknownOutcomeError, match="262144 bytes"):
                await fetch(at(shop))

    async def test_encoded_body_is_refused(self):
        bomb = gzip.compress(b"x" * 50_000_000)
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        async with listening(head.encode(), bomb) as shop:
            with pytest.raises(UnknownOutcomeError, match="encoded"):
                await fetch(at(shop))

        assert "accept-encoding: identity" in shop.heads[0].lower()

    async def test_slow_body_ends_at_total_timeout(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
        async with listening(head, *[b"x"] * 100, pause=0.2) as shop:
            started = time.monotonic()
            with pytest.raises(UnknownOutcomeError, match=r"within 0\.5 seconds"):
                await fetch(at(shop), http_client(seconds=0.5))

        assert time.monotonic() - started < 10

    @pytest.mark.parametrize(
        "response", [b"", b"\x00\xff" * 100, b"HTTP/1.1 999 x\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 40_000]
    )
    async def test_invalid_http_raises_unknown(self, response):
        async with listening(response) as shop:
            with pytest.raises(UnknownOutcomeError):
                await fetch(at(shop))

    @pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 408, 100])
    async def test_server_error_raises_unknown(self, status):
        async with listening(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode()) as shop:
            with pytest.raises(UnknownOutcomeError):
                await fetch(at(shop))

    async def test_retry_after_raises_retry(self):
        async with listening(b"HTTP/1.1 503 x\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n") as shop:
            with pytest.raises(RetryLaterError) as error:
                await fetch(at(shop))

        assert error.value.after_seconds == 9

    @pytest.mark.parametrize("pause", ["", "Retry-After: 0\r\n"])
    async def test_short_retry_after_uses_back_off(self, pause):
        async with listening(f"HTTP/1.1 429 x\r\n{pause}Content-Length: 0\r\n\r\n".encode()) as shop:
            with pytest.raises(RetryLaterError, match="429") as error:
                await fetch(at(shop))

        assert error.value.after_seconds is None

    @pytest.mark.parametrize("status", [200, 201, 202, 400, 404, 405, 409, 422])
    async def test_conclusive_status_is_returned(self, status):
        async with listening(f"HTTP/1.1 {status} x\r\nContent-Length: 2\r\n\r\n{{}}".encode()) as shop:
            reply = await fetch(at(shop))

        assert (reply.status, reply.body) == (status, b"{}")


class TestEnvironment:
    async def test_proxy_variables_are_ignored(self, monkeypatch):
        async with listening(OK) as proxy, listening(OK) as shop:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
                monkeypatch.setenv(name, at(proxy))
            await fetch(at(shop))

        assert (len(shop.heads), proxy.heads) == (1, [])


class TestName:
    async def test_name_is_resolved_once_and_kept_in_host_header(self):
        resolved = []

        async def resolve(host, port):
            resolved.append(host)
            return ["127.0.0.1"]

        async with listening(OK) as shop:
            await fetch(at(shop, "shop.example"), http_client(resolve=resolve))

        assert resolved == ["shop.example"]
        assert f"host: shop.example:{shop.port}\r\n" in shop.heads[0].lower()

    async def test_name_with_private_address_is_refused(self):
        async def resolve(host, port):
            return ["127.0.0.1"]

        async with listening(OK) as inside:
            with pytest.raises(RetryLaterError, match="not a public address") as error:
                await fetch(f"https://shop.example:{inside.port}", http_client(allowed=(), resolve=resolve))

        assert inside.heads == []
        assert error.value.after_seconds == 60

    async def test_second_address_is_tried_when_first_refuses(self):
        async def resolve(host, port):
            return ["127.9.9.9", "127.0.0.1"]

        async with listening(OK) as shop:
            assert (await fetch(at(shop, "shop.example"), http_client(resolve=resolve))).status == 200


class TestTls:
    async def test_certificate_is_checked_for_name_at_pinned_address(self, tmp_path):
        async with listening(OK, tls=server_for("shop.example", tmp_path)) as shop:
            http = http_client(seconds=5, resolve=to_loopback, ca_file=tmp_path / "ca.pem")
            reply = await fetch(at(shop, "shop.example", "https"), http)

        assert reply.status == 200

    async def test_certificate_of_other_name_is_refused(self, tmp_path):
        async with listening(OK, tls=server_for("other.example", tmp_path)) as shop:
            http = http_client(seconds=5, resolve=to_loopback, ca_file=tmp_path / "ca.pem")
            with pytest.raises(RetryLaterError, match="not connected"):
                await fetch(at(shop, "shop.example", "https"), http)

        assert shop.heads == []

    async def test_certificate_of_unknown_authority_is_refused(self, tmp_path):
        async with listening(OK, tls=server_for("shop.example", tmp_path)) as shop:
            with pytest.raises(RetryLaterError, match="not connected"):
                await fetch(at(shop, "shop.example", "https"), http_client(seconds=5, resolve=to_loopback))

        assert shop.heads == []


async def to_loopback(host, port):
    return ["127.0.0.1"]


def server_for(name, folder):
    """Return a TLS context for this name; the CA certificate is written to the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context
