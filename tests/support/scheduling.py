"""Which tests follow each other in one process, and who begins: the length of `make test` on few cores.

A running company costs memory and, even when idle, a sixth of a core. So the tests of one company go
to one process, which starts it and stops it; everything else is handed out a file at a time. What takes
minutes comes first, so that nobody is still at work on it when everything else is done.
"""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

COMPANIES = ("tests/chaos/", "tests/e2e/")
#: These are in a company's folder and do without it.
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
    """Hands out files, and the files of a company together, in the order they were collected."""

    def __init__(self, config: Any, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in ALONE:
            return file
        return next((company for company in COMPANIES if file.startswith(company)), file)


def rank(nodeid: str) -> int:
    """Return the place of a test among all; those of equal rank stay as they are."""
    matching = [(-len(start), place) for place, start in enumerate(LONGEST_FIRST) if nodeid.startswith(start)]
    return min(matching)[1] if matching else len(LONGEST_FIRST)
