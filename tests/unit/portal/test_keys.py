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
    def test_makes_a_key_that_only_we_may_read_and_finds_it_again(self, tmp_path):
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
    def test_signs_what_the_other_services_read(self, bearer, principal):
        ring = KeyRing(None)

        assert read_claims(token(ring, bearer), read_keys(ring.published)) == principal

    def test_publishes_nothing_secret(self):
        (key,) = KeyRing(None).published["keys"]

        assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}

    def test_publishes_the_keys_beside_the_first_for_a_change_without_a_gap(self, tmp_path):
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
    def test_goes_on_with_its_keys_while_somebody_changes_the_files(self, tmp_path, monkeypatch, half):
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

    def test_does_not_begin_with_a_broken_file(self, tmp_path):
        path = tmp_path / "signing_key.pem"
        path.write_bytes(b"")

        with pytest.raises(ValueError, match="key"):
            KeyRing(path)

    @pytest.mark.parametrize(("age", "seconds"), [(10**9, 3600), (100, 10)], ids=["long ago", "just now"])
    def test_a_token_ends(self, age, seconds):
        ring = KeyRing(None)
        issued_at = int(time.time()) - age

        with pytest.raises(ProblemError):
            read_claims(token(ring, issued_at=issued_at, seconds=seconds), ring.verifying)

    def test_derived_keys_differ_by_purpose(self):
        ring = KeyRing(None)

        assert ring.derive(b"a") == ring.derive(b"a") != ring.derive(b"b")
