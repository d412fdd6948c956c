"""Test suites are independent: what two suites share is in tests/support."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: Shared helpers, and programs that have tests of their own.
SHARED = {"bench", "judge", "support"}


def suite_of(parts):
    """Return the suite of a module: `unit/gateway`, `e2e`, ..."""
    return parts[:2] if parts[0] in {"unit", "integration"} else parts[:1]


def imported_modules(source):
    """Yield the parts of each imported module of `tests`, without the leading `tests`."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (tuple(name.split(".")[1:]) for name in names if name.startswith("tests."))


def wrong_import(importer, imported):
    """Return why a module of `tests` may not import another one, or None."""
    if imported[0] in SHARED:
        return None
    if suite_of(importer) != suite_of(imported):
        return "belongs to another suite: move what is shared to tests/support"
    if any(part == "conftest" or part.startswith("test_") for part in imported[:-1]):
        return "is a test module or a conftest: move what is shared to a module of the suite"
    return None


def test_no_suite_imports_helpers_of_another():
    wrong = []
    for path in sorted(TESTS.rglob("*.py")):
        importer = path.relative_to(TESTS).with_suffix("").parts
        source = path.read_text(encoding="utf-8")
        if "tests." not in source:
            continue
        wrong += [
            f"{'/'.join(importer)}: tests.{'.'.join(imported)} {reason}"
            for imported in imported_modules(source)
            if (reason := wrong_import(importer, imported))
        ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("unit/portal/test_keys", "tests.unit.portal.builders.offer", True),
        ("unit/portal/test_keys", "tests.support.home.Home", True),
        ("unit/portal/test_keys", "tests.unit.gateway.builders.offer", False),
        ("support/home", "tests.unit.portal.builders.offer", False),
        ("e2e/page/test_page", "tests.e2e.page.screen.screen", True),
        ("e2e/test_demo", "tests.e2e.conftest.world", False),
        ("e2e/test_demo", "tests.e2e.test_kept.is_kept", False),
    ],
)
def test_wrong_import(importer, imported, allowed):
    [module] = imported_modules(f"from {imported.rpartition('.')[0]} import {imported.rpartition('.')[2]}")

    assert (wrong_import(tuple(importer.split("/")), module) is None) == allowed
