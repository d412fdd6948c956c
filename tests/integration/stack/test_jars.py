"""Jars are verified by their checksum, for each source and on each request."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import jars, maven
from deploy.local.errors import StackError

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def source():
    """A complete repository that replaces the one on the network."""
    return Path(jars.classpath().split(":")[0].rpartition("/jars/")[0]) / "jars"


@pytest.fixture
def lock(tmp_path):
    """A lock with a few small files."""
    place = tmp_path / "few.lock"
    place.write_text("\n".join(line for line in jars.LOCK.read_text().splitlines() if "slf4j" in line))
    return place


@pytest.fixture
def downloads(source, tmp_path, monkeypatch):
    """Count downloads from `source` into an empty cache."""
    monkeypatch.setenv("REPLENISH_CACHE", str(tmp_path / "cache"))
    counted = []

    def download(group, artifact, version, repository, _progress):
        counted.append(artifact)
        jar = jars.Jar(group, artifact, version, "")
        jar.place(repository).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(jar.place(source), jar.place(repository))

    monkeypatch.setattr(maven, "download", download)
    return counted


def test_lock_lists_each_jar_once():
    found = jars.read_lock()

    assert len(found) == len({(jar.group, jar.artifact) for jar in found}) == 46
    assert [jar.version for jar in found if jar.artifact == "kafka_2.13"] == ["4.3.1"]


def test_existing_jar_is_not_fetched(lock, downloads):
    first = jars.classpath(lock=lock)

    assert jars.classpath(lock=lock) == first
    assert len(downloads) == len(jars.read_lock(lock)) == len(first.split(":"))


def test_damaged_jar_is_fetched_again(lock, downloads):
    damaged = Path(jars.classpath(lock=lock).split(":")[0])
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    downloads.clear()

    jars.classpath(lock=lock)

    assert len(downloads) == 1
    assert damaged.read_bytes() == whole


def test_wrong_checksum_is_refused_in_one_line(tmp_path, downloads):
    lock = tmp_path / "other.lock"
    lock.write_text(f"org.slf4j:slf4j-simple:1.7.36 {'0' * 64}\n")

    with pytest.raises(StackError, match=r"cannot download org\.slf4j:slf4j-simple:1\.7\.36: its sha256 differs"):
        jars.classpath(lock=lock)

    assert len(downloads) == jars.TRIES


def test_missing_network_is_reported_in_one_line(lock, downloads, monkeypatch):
    def unplugged(*_):
        raise StackError("ConnectionError: no route to host")

    monkeypatch.setattr(maven, "download", unplugged)

    with pytest.raises(StackError, match=r"cannot download org\.slf4j:slf4j-.*: ConnectionError: no route to host$"):
        jars.classpath(lock=lock)


async def test_two_processes_fetch_concurrently(lock, source, tmp_path):
    program = f"""
import os, shutil, sys
from pathlib import Path
from deploy.local import jars, maven

os.environ["REPLENISH_CACHE"] = sys.argv[2]

def download(group, artifact, version, repository, _progress):
    jar = jars.Jar(group, artifact, version, "")
    jar.place(repository).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(jar.place(Path({str(source)!r})), jar.place(repository))
    print("downloaded", artifact)

maven.download = download
jars.classpath(lock=Path(sys.argv[1]))
"""

    async def fetch():
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, lock, tmp_path / "both", stdout=subprocess.PIPE, cwd=ROOT
        )
        printed, _ = await child.communicate()
        assert child.returncode == 0
        return printed.decode().splitlines()

    first, second = await asyncio.gather(fetch(), fetch())

    assert sorted([first, second], key=len) == [[], [f"downloaded {jar.artifact}" for jar in jars.read_lock(lock)]]
