"""`replenish token`: prints an operator token."""

import json
import urllib.error
import urllib.request

import typer

from deploy.cli.options import HomeOption, home_of
from deploy.cli.refusals import message_of
from deploy.local.errors import StackError
from deploy.local.health import TIMEOUT_SECONDS
from deploy.local.home import Home


def register(app: typer.Typer) -> None:
    app.command()(token)


def token(home: HomeOption = None) -> None:
    """Print an operator's bearer token, valid for one hour."""
    typer.echo(operator_token(home_of(home)))


def operator_token(home: Home) -> str:
    """Return a token from the portal for this stack's operator key."""
    portal = home.read_state().get("services", {}).get("portal")
    if portal is None or not home.is_owned():
        raise StackError(f"no stack is running in {home.folder}; start it with `replenish up`")
    request = urllib.request.Request(  # noqa: S310 - our own portal
        f"{portal}/v1/tokens",
        data=json.dumps({"operator_key": home.secret("portal", "operator_key")}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - our own portal
            return str(json.load(answer)["access_token"])
    except urllib.error.HTTPError as error:
        refusal = message_of(error.code, str(error.url), error.read())
        raise StackError(f"cannot get a token from the portal at {portal}: {refusal}") from None
    except (OSError, ValueError, KeyError) as error:
        raise StackError(f"cannot get a token from the portal at {portal}: {error}") from None
