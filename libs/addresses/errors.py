"""Refusal of an address: a stable code, the problem and the remedy."""


class InvalidAddressError(ValueError):
    """Part of an address is not valid. `problem` describes it, `remedy` says what would be valid."""

    def __init__(self, code: str, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.code, self.problem, self.remedy = code, problem, remedy
