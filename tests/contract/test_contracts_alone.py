"""replenish_contracts works without this repository: providers and device makers install it alone."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest

from deploy.local.settings import ROOT
from deploy.reference.contracts import PUBLISHED

PROJECT = ROOT / "libs" / "replenish_contracts"
#: Run without site-packages: the path holds the standard library and the one folder that is given.
READ_EVERY_EXAMPLE = """
import importlib.util, json, pathlib, sys
site, examples = sys.argv[1:]
sys.path.append(site)
from replenish_contracts.catalogue import CATALOGUE
from replenish_contracts.golden import read_example
from replenish_contracts.schemas import schema_of
from replenish_contracts.units import BaseUnit, format_quantity

names = sorted(path.stem for path in pathlib.Path(examples).glob("*.json"))
for name in names:
    read_example(CATALOGUE[name], pathlib.Path(examples, name + ".json").read_bytes())
    schema_of(CATALOGUE[name])
used = read_example(CATALOGUE["SlotUsed"], pathlib.Path(examples, "SlotUsed.json").read_bytes())
foreign = [name for name in ("libs", "services", "deploy", "asyncpg", "fastapi") if importlib.util.find_spec(name)]
modules = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"read": names, "quantity": format_quantity(used.quantity, 0), "foreign": foreign,
                  "loaded": sorted(modules & {"pydantic", "msgspec", "orjson"})}))
"""


def closure(requirements):
    """Return the names of the required distributions and of all that they require, without extras."""
    found, waiting = set(), list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)[0]
        if "extra ==" not in requirement and name not in found:
            found.add(name)
            waiting += requires(name) or []
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the files that the wheel contains, and the declared dependencies only."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    folder = tmp_path_factory.mktemp("site")
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        shutil.copytree(PROJECT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in closure(project["project"]["dependencies"]):
        for file in distribution(name).files:
            top = Path(file).parts[0]
            if top not in ("..", "__pycache__") and not (folder / top).exists():
                (folder / top).symlink_to(Path(distribution(name).locate_file(top)).resolve())
    return folder


def run(site, script, *arguments):
    command = [sys.executable, "-I", "-S", "-c", script, str(site), *arguments]
    return subprocess.run(command, cwd=site, capture_output=True, text=True, check=False, timeout=60)


def test_package_reads_every_example_without_the_repository(site):
    ended = run(site, READ_EVERY_EXAMPLE, str(PUBLISHED / "golden"))

    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["read"] == sorted(path.stem for path in (PUBLISHED / "golden").glob("*.json"))
    assert told["quantity"] == str(json.loads((PUBLISHED / "golden" / "SlotUsed.json").read_text())["data"]["quantity"])
    assert told["foreign"] == []
    assert told["loaded"] == ["msgspec", "orjson", "pydantic"]


def test_package_imports_every_module_without_the_repository(site):
    modules = [
        ".".join(path.relative_to(site).with_suffix("").parts).removesuffix(".__init__")
        for path in (site / "replenish_contracts").rglob("*.py")
    ]
    script = "import importlib, sys; sys.path.append(sys.argv[1]); [importlib.import_module(m) for m in sys.argv[2:]]"

    ended = run(site, script, *modules)

    assert len(modules) > 20
    assert ended.returncode == 0, ended.stderr
