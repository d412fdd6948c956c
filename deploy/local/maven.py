"""Downloads one file by its Maven coordinates with jgo."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from deploy.local.errors import StackError

TIMEOUT_SECONDS = 30
LONGEST_TROUBLE = 200
#: System certificate stores: the certificate of a TLS-inspecting proxy is found only there.
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

#: jgo's protocol: called with name and size, yields a function that takes each chunk's length.
Progress = Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None]]]


def download(group: str, artifact: str, version: str, repository: Path, progress: Progress) -> None:
    """Download the jar into the repository folder; raises StackError with a one-line message."""
    # Imported lazily: it takes 0.2 s and is needed only if a jar is missing.
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415  # only who fetches needs it
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415  # only who fetches needs it

    known = next((place for place in CERTIFICATES if Path(place).exists()), None)
    if known is not None:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", known)
    context = MavenContext(
        repo_cache=repository,
        remote_repos={"central": MAVEN_CENTRAL_URL},
        resolver=PythonResolver(progress_callback=progress),
        timeout=TIMEOUT_SECONDS,
    )
    try:
        context.project(group, artifact).at_version(version).artifact().resolve()
    except Exception as error:  # noqa: BLE001 - jgo raises a dozen kinds; a person needs one line
        words = " ".join(str(error).split())[:LONGEST_TROUBLE]
        raise StackError(f"{type(error).__name__}: {words}") from None
