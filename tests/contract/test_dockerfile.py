"""The Dockerfile follows the image rules, and each rule refuses a violation."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
KNOWN = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD", "ARG", "LABEL"}
NON_ROOT = re.compile(r"[1-9]\d*")


def parse(text):
    """Return instructions as (word, rest), without comments, with continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def ignored(path):
    """Return whether .dockerignore excludes a top-level path; the last matching rule decides."""
    out = False
    for rule in (ROOT / ".dockerignore").read_text().split():
        if fnmatch(path, rule.removeprefix("!")):
            out = not rule.startswith("!")
    return out


def copy_troubles(rest, stages):
    options = [word for word in shlex.split(rest) if word.startswith("--")]
    *sources, _ = [word for word in shlex.split(rest) if not word.startswith("--")]
    for option in options:
        if option.startswith("--from=") and option.removeprefix("--from=") not in stages:
            yield f"COPY {option} names no stage"
    if not any(option.startswith("--from=") for option in options):
        for source in sources:
            if not (ROOT / source).exists() or ignored(source):
                yield f"COPY {source}: not there, or kept out by .dockerignore"


def run_troubles(rest):
    for command in re.split(r"&&|\|\||;|\|", rest):
        if "pip install" in command and not ("--require-hashes" in command and "--no-cache-dir" in command):
            yield "pip install without --require-hashes --no-cache-dir"
        if "apt-get install" in command and "--no-install-recommends" not in command:
            yield "apt-get install without --no-install-recommends"
        if re.search(r"\b(sudo|curl|wget|chmod 777)\b", command):
            yield f"RUN uses what an image build must not: {command.strip()}"
        if re.match(r"\s*cd\s", command):
            yield "cd in RUN; WORKDIR is for that"


def from_troubles(rest, stages):
    image = rest.split()[0]
    if image not in stages and (":" not in image or image.endswith(":latest")):
        yield f"FROM {image}: which version?"


def single_troubles(word, rest, stages):
    if word not in KNOWN:
        yield f"{word} is not allowed here"
    if "://" in rest:
        yield f"{word} names an address"
    if word == "WORKDIR" and not rest.startswith("/"):
        yield "WORKDIR is relative"
    if word in {"CMD", "ENTRYPOINT"} and not rest.startswith("["):
        yield f"{word} in shell form: signals would not reach the process"
    if word == "ENV" and re.search(r"PASSWORD|SECRET|TOKEN|KEY", rest):
        yield "ENV holds a secret"
    yield from {"COPY": copy_troubles, "FROM": from_troubles}.get(word, lambda *_: ())(rest, stages)
    yield from run_troubles(rest) if word == "RUN" else ()


def troubles(text):
    instructions, stages, found = parse(text), set(), []
    for word, rest in instructions:
        found += single_troubles(word, rest, stages)
        if word == "FROM" and " AS " in rest:
            stages.add(rest.rpartition(" AS ")[2])
    words = [word for word, _ in instructions]
    last = instructions[len(words) - words[::-1].index("FROM") :]
    users = [rest for word, rest in last if word == "USER"]
    if not users or not NON_ROOT.fullmatch(users[-1]):
        found.append("the last USER is not a number other than 0")
    found += [f"no {word}" for word in ("HEALTHCHECK", "ENTRYPOINT", "CMD") if word not in dict(last)]
    return found


def test_dockerfile_passes_all_rules():
    assert troubles(TEXT) == []


@pytest.mark.parametrize(
    ("part", "instead", "trouble"),
    [
        ("python:3.13-slim\n#", "python\n#", "which version"),
        ("python:3.13-slim AS", "python:latest AS", "which version"),
        ("USER 10001", "USER root", "last USER"),
        ("USER 10001", "", "last USER"),
        ("--require-hashes ", "", "require-hashes"),
        ("COPY libs libs", "ADD libs libs", "ADD is not allowed"),
        ("COPY libs libs", "COPY lib libs", "COPY lib:"),
        ("COPY libs libs", "COPY tests tests", "kept out by"),
        ("--from=packages", "--from=package", "no stage"),
        ("WORKDIR /app", "WORKDIR app", "relative"),
        ('CMD ["services.gateway"]', "CMD services.gateway", "shell form"),
        ("HTTP_PORT=8000", "SERVICE_KEY=abc", "a secret"),
        ("RUN useradd", "RUN curl x && useradd", "must not"),
        ("RUN useradd", "RUN apt-get install git && useradd", "no-install-recommends"),
        ("HEALTHCHECK", "LABEL", "no HEALTHCHECK"),
    ],
)
def test_rule_refuses_violation(part, instead, trouble):
    assert part in TEXT

    assert any(trouble in found for found in troubles(TEXT.replace(part, instead)))
