"""Renders templates with Jinja2 and loads the static files."""

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from services.portal.domain import formatting

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).resolve().parents[1]
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


class Static(NamedTuple):
    """A static file; `tag` is a prefix of its content's SHA-256."""

    body: bytes
    media_type: str
    tag: str


STATIC = {
    file.name: Static(body, TYPES[file.suffix], hashlib.sha256(body).hexdigest()[:16])
    for file in sorted((HERE / "static").iterdir())
    for body in [file.read_bytes()]
}


def _static_url(name: str) -> str:
    """Return the URL of a file; it contains the tag, so browsers can cache it indefinitely."""
    return f"/static/{name}?v={STATIC[name].tag}"


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  # 4 MB, not loaded while the portal is idle

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = _static_url
    environment.filters["quantity"] = formatting.quantity
    return environment


def render(template: str, **values: Any) -> str:
    """Return the HTML of a template; everything in `values` is escaped."""
    return _environment().get_template(template).render(**values)
