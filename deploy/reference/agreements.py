"""Incompatible changes of events and APIs that were agreed, so that `make contracts` may write them."""

import re
from dataclasses import dataclass
from pathlib import Path

#: The sections of renamed.md about events and documents; tables, metrics and settings are no part of this contract.
_SECTION = re.compile(r"^## (?:Events|Fields)\b.*\n((?:(?!## ).*\n)*)", re.MULTILINE)
#: First column of a row; a cell may list several names.
_OLD_NAMES = re.compile(r"^\| (?!old\b|---)([^|]+) \|", re.MULTILINE)
#: A list item of removed.md starts with the sentence that the check prints.
_REMOVED = re.compile(r"^- `(.+?)`", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Agreements:
    """Sentences of agreed changes, and old names of renamed events and fields."""

    removed: frozenset[str]
    renamed: frozenset[str]

    def allow(self, change: str) -> bool:
        """Return whether the change is listed, or is the disappearance of a renamed event or field."""
        if change.replace("`", "") in self.removed:
            return True
        subject = re.match(r"(.*?)`? (is gone$|was published but)", change)
        return subject is not None and re.split(r"[/`. ]", subject[1])[-1] in self.renamed


def read_agreements(root: Path) -> Agreements:
    """Read docs/reference/renamed.md and removed.md; a missing file agrees to nothing."""
    pages = {name: root / "docs" / "reference" / f"{name}.md" for name in ("renamed", "removed")}
    texts = {name: page.read_text() if page.exists() else "" for name, page in pages.items()}
    cells = _OLD_NAMES.findall("".join(_SECTION.findall(texts["renamed"])))
    old = {name for cell in cells for name in _NAME.findall(cell)}
    return Agreements(frozenset(_REMOVED.findall(texts["removed"])), frozenset(old))
