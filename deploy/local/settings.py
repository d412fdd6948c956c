"""Environment of each service process: ports, secrets, and the URLs of the other services."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from deploy.local.home import Home
from deploy.local.names import SERVICES
from deploy.local.ports import free_port, is_free
from deploy.local.roles import Prepared

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
#: Not inherited: these hold the administrator's credentials; services read their own from SECRETS_DIR.
NOT_HANDED_DOWN = ("DATABASE_URL", "HTTP_PORT", "INSTANCE")


class Ports:
    """The HTTP port of every instance, stable across restarts while it stays free."""

    def __init__(self, home: Home) -> None:
        """Load the ports of earlier starts."""
        self._place = home.folder / "ports.json"
        self._ports: dict[str, int] = json.loads(self._place.read_text()) if self._place.exists() else {}

    def of(self, instance: str) -> int:
        """Return the port of an instance such as "consumption-1"."""
        port = self._ports.get(instance)
        if port is None or not is_free(port):
            self._ports[instance] = port = self._unused()
            self._place.write_text(json.dumps(self._ports))
        return port

    def _unused(self) -> int:
        while (port := free_port()) in self._ports.values():
            pass
        return port


def write_secrets(home: Home, prepared: Prepared) -> None:
    """Write each service's secrets into its own folder, including the portal's list of all service keys."""
    for service in SERVICES:
        home.write_secret(service, "database_url", prepared[service].url)
        home.secret(service, "service_key")
    home.secret("portal", "operator_key")
    home.secret("order_dispatch", "sealing_key")
    keys = {service: home.secret(service, "service_key") for service in SERVICES}
    home.write_secret("portal", "service_keys.json", json.dumps(keys))
    home.write_secret("check", "database_url", prepared.check_url)
    home.write_secret("roles", "passwords.json", json.dumps(prepared.passwords))


def read_passwords(home: Home) -> dict[str, str]:
    """Return the roles' passwords of earlier starts."""
    place = home.secrets / "roles" / "passwords.json"
    passwords: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
    return passwords


def shared_environment(kafka_url: str, urls: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment common to all service processes; `urls` is by service name."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_DOWN}
    addresses = {f"{service.upper()}_URL": url for service, url in urls.items()}
    own = {"KAFKA_URL": kafka_url, "HTTP_HOST": HOST, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    return {**inherited, **addresses, **own, **extra}


def instance_environment(
    home: Home, service: str, instance: int, port: int, given: Mapping[str, str]
) -> dict[str, str]:
    """Return the additional environment of one instance; `given` addresses and networks take precedence."""
    mine = home.secrets / service
    environment = {"INSTANCE": str(instance), "HTTP_PORT": str(port), "SECRETS_DIR": str(mine)}
    if service == "portal":
        environment["SERVICE_KEYS_FILE"] = str(mine / "service_keys.json")
        environment["SIGNING_KEY_FILE"] = str(mine / "signing_key.pem")
        environment["PUBLIC_URL"] = given.get("PUBLIC_URL", f"http://{HOST}:{port}")
    if service == "order_dispatch":  # providers of a local stack are processes on the same machine
        environment["ALLOWED_PRIVATE_NETWORKS"] = given.get("ALLOWED_PRIVATE_NETWORKS", '["127.0.0.0/8"]')
        environment["PUBLIC_URL"] = given.get("ORDER_DISPATCH_PUBLIC_URL", f"http://{HOST}:{port}")
    return environment
