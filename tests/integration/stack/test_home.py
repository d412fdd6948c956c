"""The stack's folder: private secrets, stable ports, and a lock per stack."""

import json
import socket

import pytest

from deploy.local.errors import StackError
from deploy.local.following import Follower
from deploy.local.home import Home
from deploy.local.names import SERVICES
from deploy.local.roles import Prepared, ServiceUrls
from deploy.local.settings import (
    Ports,
    instance_environment,
    read_passwords,
    shared_environment,
    write_secrets,
)


@pytest.fixture
def home(tmp_path):
    place = Home(tmp_path / "home")
    place.create()
    return place


def prepared():
    urls = Prepared(check_url="postgresql://check", passwords={"replenish_portal": "pw"})
    urls.update({service: ServiceUrls(f"postgresql://{service}", "postgresql://owner") for service in SERVICES})
    return urls


class TestHome:
    def test_home_is_locked_by_one_stack(self, home):
        assert not home.is_owned()
        with home.owned():
            assert home.is_owned()
            with pytest.raises(StackError, match="already running"), Home(home.folder).owned():
                pass
        assert not home.is_owned()

    def test_secret_is_created_once(self, home):
        assert home.secret("portal", "operator_key") == home.secret("portal", "operator_key")
        assert home.secret("portal", "operator_key") != home.secret("gateway", "operator_key")


class TestSecrets:
    def test_secrets_are_private(self, home):
        write_secrets(home, prepared())

        files = [path for path in home.secrets.rglob("*") if path.is_file()]
        assert len(files) > 2 * len(SERVICES)
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert {path.stat().st_mode & 0o777 for path in (home.secrets, *home.secrets.iterdir())} == {0o700}

    def test_portal_has_service_keys(self, home):
        write_secrets(home, prepared())

        keys = json.loads((home.secrets / "portal" / "service_keys.json").read_text())
        assert keys == {service: (home.secrets / service / "service_key").read_text() for service in SERVICES}
        assert len(set(keys.values())) == len(SERVICES)

    def test_passwords_are_kept_for_next_start(self, home):
        assert read_passwords(home) == {}
        write_secrets(home, prepared())

        assert read_passwords(home) == {"replenish_portal": "pw"}


class TestPorts:
    def test_ports_are_kept_unless_occupied(self, home):
        first = Ports(home).of("gateway-0")

        assert Ports(home).of("gateway-0") == first
        assert Ports(home).of("gateway-1") != first
        with socket.socket() as stranger:
            stranger.bind(("127.0.0.1", first))
            stranger.listen()
            assert Ports(home).of("gateway-0") != first


class TestEnvironment:
    def test_environment_omits_admin_url_and_secrets(self, home, monkeypatch):
        monkeypatch.setenv("DATABASE_URL", "postgresql://admin:secret@x/postgres")
        monkeypatch.setenv("SMTP_HOST", "mail.example")
        write_secrets(home, prepared())

        shared = shared_environment("127.0.0.1:9092", {"reorder_decision": "http://127.0.0.1:1"}, {"CLOCK_FILE": "c"})
        environment = shared | instance_environment(home, "portal", 1, 8123, shared)

        assert "DATABASE_URL" not in environment
        assert environment["REORDER_DECISION_URL"] == "http://127.0.0.1:1"
        assert environment["SMTP_HOST"] == "mail.example"
        assert environment["CLOCK_FILE"] == "c"
        assert (environment["INSTANCE"], environment["HTTP_PORT"]) == ("1", "8123")
        keys = [home.secret(service, "service_key") for service in SERVICES]
        assert not set(keys) & set(environment.values())

    def test_environment_keeps_given_addresses(self, home):
        given = {
            "PUBLIC_URL": "https://home.example",
            "ORDER_DISPATCH_PUBLIC_URL": "https://links.example",
            "ALLOWED_PRIVATE_NETWORKS": '["10.0.0.0/8"]',
        }

        portal, orders = (instance_environment(home, name, 0, 8123, given) for name in ("portal", "order_dispatch"))

        assert portal["PUBLIC_URL"] == "https://home.example"
        assert orders["PUBLIC_URL"] == "https://links.example"
        assert orders["ALLOWED_PRIVATE_NETWORKS"] == '["10.0.0.0/8"]'


class TestFollower:
    def test_follower_prints_complete_lines_with_process(self, home, capsys):
        log = home.logs / "gateway-0.log"
        log.write_text("old\n")
        follower = Follower(home)

        with log.open("a") as writer:
            writer.write("new\nhal")
        follower._show_new(log)
        with log.open("a") as writer:
            writer.write("f\n")
        follower._show_new(log)

        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert lines == [["gateway-0", "new"], ["gateway-0", "half"]]
