#!/usr/bin/env bash
# setup.sh runtime|dev: creates .venv with exactly the locked packages and downloads Kafka.
# Needs only python3 (>= 3.11); idempotent.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
wanted=${1:?usage: setup.sh runtime|dev}
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

make_venv() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
        || fail "$python is missing or older than 3.11; use another one: make setup PYTHON=/path/to/python3"
    say "setup: creating .venv with $("$python" --version)"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv .venv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --without-pip .venv
        "$python" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check "uv==$UV_VERSION"
    else
        fail "$python has neither ensurepip nor pip (Debian: apt-get install python3-venv)"
    fi
}

# A copy of the last installed lock is kept in .venv; if it is unchanged, so are the packages.
installed() { cmp -s "$1" .venv/installed.lock; }

sync() {
    say "setup: installing packages of $1"
    rm -f .venv/installed.lock
    .venv/bin/uv pip sync --quiet --require-hashes --python .venv/bin/python "$1"
    cp "$1" .venv/installed.lock
}

.venv/bin/uv --version >/dev/null 2>&1 || make_venv
if [ "$wanted" = dev ] || [ -f .venv/has-dev ]; then
    # Never downgrade dev to runtime: the dev lock has every runtime package at the same version.
    touch .venv/has-dev
    installed requirements-dev.lock || sync requirements-dev.lock
else
    installed requirements.lock || sync requirements.lock
fi

# Put the repository on the path without building a package.
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
paths=$(printf '%s\n' "$PWD" "$PWD/libs/replenish_contracts")
[ "$(cat "$site/replenish.pth" 2>/dev/null)" = "$paths" ] || printf '%s\n' "$paths" >"$site/replenish.pth"
if ! grep -q "deploy.cli" .venv/bin/replenish 2>/dev/null; then
    # Not a Python script: its shebang could exceed the kernel's length limit.
    printf '#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/python" -m deploy.cli "$@"\n' >.venv/bin/replenish
    chmod 755 .venv/bin/replenish
fi

.venv/bin/python -m deploy.local.jars
