"""Signing keys of the portal."""

import stat
import time

import pytest

from libs.kit.http.auth import Principal, read_claims, read_keys
from libs.kit.http.problems import ProblemError
from services.portal.domain import claims
from services.portal.store.keys import KeyRing


def token(ring, bearer=claims.OPERATOR, issued_at=None, seconds=3600):
    return ring.sign(claims.claims(bearer, int(time.time()) if issued_at is None else issued_at, seconds))


class TestKeyRing:
    def test_key_file_is_private_and_reused(self, tmp_path):
        path = tmp_path / "secrets" / "signing_key.pem"

        first, second = KeyRing(path), KeyRing(path)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert read_claims(token(first), second.verifying).role == "operator"
        assert [file.name for file in path.parent.iterdir()] == ["signing_key.pem"]

    @pytest.mark.parametrize(
        ("bearer", "principal"),
        [
            (claims.OPERATOR, Principal("operator", "operator")),
            (claims.customer("c-1"), Principal("customer:c-1", "customer", customer_id="c-1")),
            (claims.service("gateway"), Principal("service:gateway", "service", service="gateway")),
        ],
    )
    def test_tokens_verify_in_other_services(self, bearer, principal):
        ring = KeyRing(None)

        assert read_claims(token(ring, bearer), read_keys(ring.published)) == principal

    def test_published_keys_have_no_private_part(self):
        (key,) = KeyRing(None).published["keys"]

        assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}

    def test_all_keys_are_published_for_rotation(self, tmp_path):
        path = tmp_path / "signing_key.pem"
        old = KeyRing(path)
        signed_before = token(old)
        path.rename(tmp_path / "signing_key.old.pem")

        new = KeyRing(path)

        assert len(new.published["keys"]) == 2
        assert read_claims(signed_before, new.verifying).role == "operator"
        with pytest.raises(ProblemError):
            read_claims(token(new), old.verifying)

    @pytest.mark.parametrize("half", [None, b"", b"-----BEGIN PRIVATE KEY-----\nMC4"], ids=["away", "empty", "half"])
    def test_keys_are_kept_while_files_change(self, tmp_path, monkeypatch, half):
        path = tmp_path / "signing_key.pem"
        ring = KeyRing(path)
        monkeypatch.setattr("services.portal.store.keys.RELOAD_SECONDS", -1)
        key = path.read_bytes()
        path.unlink()
        if half is not None:
            path.write_bytes(half)

        meanwhile = token(ring)
        path.write_bytes(key)

        assert read_claims(meanwhile, KeyRing(path).verifying).role == "operator"

    def test_broken_key_file_prevents_start(self, tmp_path):
        path = tmp_path / "signing_key.pem"
        path.write_bytes(b"")

        with pytest.raises(ValueError, match="key"):
            KeyRing(path)

    @pytest.mark.parametrize(("age", "seconds"), [(10**9, 3600), (100, 10)], ids=["long ago", "just now"])
    def test_token_expires(self, age, seconds):
        ring = KeyRing(None)
        issued_at = int(time.time()) - age

        with pytest.raises(ProblemError):
            read_claims(token(ring, issued_at=issued_at, seconds=seconds), ring.verifying)

    def test_derived_keys_differ_by_purpose(self):
        ring = KeyRing(None)

        assert ring.derive(b"a") == ring.derive(b"a") != ring.derive(b"b")
