"""docker-compose.yml is valid, complete and equal to the local stack."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from deploy.local import containers
from deploy.local.names import SERVICES, for_people
from libs.kit.settings import Settings

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "deploy" / "compose-spec" / "compose-spec.json").read_text())
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def errors(compose):
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(compose)]


class TestSchema:
    def test_schema_rejects_invalid_file(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        broken = copy.deepcopy(COMPOSE)
        broken["services"]["kafka"]["imagee"] = "apache/kafka"

        assert errors(broken)

    def test_schema_accepts_compose_file(self):
        assert errors(COMPOSE) == []


class TestServices:
    def test_services_are_complete(self):
        assert set(COMPOSE["services"]) == {*map(for_people, SERVICES), "kafka", "postgres", "prepare"}

    def test_images_equal_test_images(self):
        assert COMPOSE["services"]["kafka"]["image"] == containers.KAFKA_IMAGE
        assert COMPOSE["services"]["postgres"]["image"] == containers.POSTGRES_IMAGE

    def test_kafka_settings_equal_test_settings(self):
        environment = COMPOSE["services"]["kafka"]["environment"]
        expected = containers.kafka_environment("127.0.0.1", 9092)

        differing = {name for name, value in expected.items() if environment.get(name) != value}

        assert differing == {
            "KAFKA_LISTENERS",
            "KAFKA_ADVERTISED_LISTENERS",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
            "KAFKA_INTER_BROKER_LISTENER_NAME",
        }

    def test_image_dockerfile_exists(self):
        build = COMPOSE["services"]["prepare"]["build"]

        assert (ROOT / build["context"] / build["dockerfile"]).is_file()

    @pytest.mark.parametrize("service", SERVICES)
    def test_service_runs_own_module_with_own_secrets(self, service):
        entry = COMPOSE["services"][for_people(service)]
        (mount,) = entry["volumes"]

        assert entry["command"] == [f"services.{service}"]
        assert mount["volume"] == {"subpath": f"secrets/{service}"}
        assert mount["target"] == entry["environment"]["SECRETS_DIR"]
        assert mount.get("read_only", False) is (service != "portal")

    @pytest.mark.parametrize("service", SERVICES)
    def test_service_has_urls_of_called_services(self, service):
        environment = COMPOSE["services"][for_people(service)]["environment"]

        asked = [other for other in SERVICES if f"{other}_url" in Settings.model_fields]
        assert len(asked) > 1
        for other in asked:
            assert environment[f"{other.upper()}_URL"] == f"http://{for_people(other)}:8000"
        assert "DATABASE_URL" not in environment

    @pytest.mark.parametrize("service", COMPOSE["services"])
    def test_ports_are_published_on_loopback_only(self, service):
        for port in COMPOSE["services"][service].get("ports", []):
            assert port.startswith("127.0.0.1:")
