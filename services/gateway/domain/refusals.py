"""Why a report is not taken, in words that say what to send instead."""

from typing import NamedTuple


class Refusal(NamedTuple):
    """One report of a request that was not taken; `code` never changes, the words may."""

    place: int
    code: str
    field: str | None
    problem: str
    remedy: str

    def told(self) -> dict[str, str | int | None]:
        """Return it as the answer's JSON shows it."""
        return {"index": self.place} | {name: value for name, value in self._asdict().items() if name != "place"}


class MalformedRequestError(Exception):
    """Nothing of the body can be read; no report of it was taken."""

    def __init__(self, code: str, problem: str, status: int = 400) -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem
        self.status = status


def refuse(code: str, field: str | None, problem: str, remedy: str) -> Refusal:
    """Return a refusal whose place in the request is not known yet."""
    return Refusal(0, code, field, problem, remedy)
