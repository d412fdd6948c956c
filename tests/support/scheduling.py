"""Distributes tests to worker processes so that `make test` is fast on few cores.

A running stack costs memory and, even idle, a sixth of a core. All tests of one stack therefore run in one
worker, which starts and stops it; other tests are distributed by file. The longest files come first, so that
no worker still runs one of them when the others are done.
"""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

STACKS = ("tests/chaos/", "tests/e2e/")
#: Files in a stack's folder that do not use it.
ALONE = ("tests/chaos/test_seeded_bugs.py", "tests/e2e/test_demo.py")
LONGEST_FIRST = (
    "tests/chaos/test_seeded_bugs.py",
    "tests/chaos/",
    "tests/integration/test_bench_smoke.py",
    "tests/e2e/test_demo.py",
    "tests/integration/order_dispatch/providers_http/",
    "tests/e2e/",
    "tests/integration/stack/",
    "tests/integration/check/",
    "tests/integration/kit/",
    "tests/integration/",
)


class Spread(LoadScopeScheduling):
    """Distributes files in collection order, and the files of one stack together."""

    def __init__(self, config: Any, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in ALONE:
            return file
        return next((folder for folder in STACKS if file.startswith(folder)), file)


def rank(nodeid: str) -> int:
    """Return the sort key of a test; tests of equal rank keep their order."""
    matching = [(-len(start), place) for place, start in enumerate(LONGEST_FIRST) if nodeid.startswith(start)]
    return min(matching)[1] if matching else len(LONGEST_FIRST)
