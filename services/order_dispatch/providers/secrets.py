"""A provider's secrets: what each must be, and how they are stored, as one encrypted JSON object."""

import json
from collections.abc import Mapping

from libs.http_client import Scheme, UnusableSecretError, check_characters, check_secret
from services.order_dispatch.sealing import open_sealed, read_keys, seal
from services.order_dispatch.settings import Settings

#: Secrets that sign, or verify, bodies; `callback_before` is the old value of `callback` during a rotation.
SIGNING_SECRETS = ("signing", "callback", "callback_before")
#: Secrets that are sent as they are in an Authorization header.
KEYS = ("api_key",)


class UnusableSecretsError(Exception):
    """Secrets that cannot be used, by name."""

    def __init__(self, errors: Mapping[str, UnusableSecretError]) -> None:
        super().__init__("; ".join(f"{name}: {error}" for name, error in errors.items()))
        self.errors = dict(errors)


def check_secrets(secrets: Mapping[str, str], scheme: Scheme) -> None:
    """Raise UnusableSecretsError for unknown names and for secrets that cannot sign in the provider's scheme."""
    errors: dict[str, UnusableSecretError] = {}
    for name, secret in secrets.items():
        try:
            if name in SIGNING_SECRETS:
                check_secret(scheme, secret)
            elif name in KEYS:
                check_characters(secret)
            else:
                known = ", ".join((*SIGNING_SECRETS, *KEYS))
                raise UnusableSecretError("unknown_secret", "is not used by any protocol", f"send one of {known}")  # noqa: TRY301  # one list of errors
        except UnusableSecretError as error:
            errors[name] = error
    if errors:
        raise UnusableSecretsError(errors)


def seal_secrets(provider_id: str, secrets: Mapping[str, str], settings: Settings) -> bytes:
    return seal(read_keys(settings.sealing_key), json.dumps(dict(secrets)), _about(provider_id))


def open_secrets(provider_id: str, sealed: bytes | None, settings: Settings) -> Mapping[str, str]:
    if sealed is None:
        return {}
    opened: dict[str, str] = json.loads(open_sealed(read_keys(settings.sealing_key), sealed, _about(provider_id)))
    return opened


def _about(provider_id: str) -> str:
    return f"secrets of provider {provider_id}"
