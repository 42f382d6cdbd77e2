"""The sections that a recipe marks in its log: `::group::NAME` or `##[group]NAME` up to the line that ends it. Pure.

They do not nest: a section ends where the next begins, as it does for those who thought these marks out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_BEGIN = re.compile(r"(?:::group::|##\[group\])(.*)")
_END = re.compile(r"(?:::endgroup::|##\[endgroup\])\s*")


@dataclass(frozen=True, kw_only=True)
class Section:
    """Lines of a window, by where they stand in it: from `start` up to `end`, which is not of them."""

    #: None for what stands outside of all sections.
    name: str | None
    start: int
    end: int
    #: Whether its end was marked: a recipe that failed in it did not come so far.
    ended: bool


def name_of(line: str) -> str | None:
    """The name of the section that begins with this line of plain text; None where none does."""
    found = _BEGIN.fullmatch(line)
    return (found[1].strip() or "unnamed") if found else None


def of(lines: Iterable[str]) -> tuple[Section, ...]:
    """All lines of a window in sections, in their order; what stands outside of them too."""
    found: list[Section] = []
    name, start, at = None, 0, 0

    def close(end: int, *, ended: bool) -> None:
        if end > start:
            found.append(Section(name=name, start=start, end=end, ended=ended))

    for at, line in enumerate(lines, start=1):
        begun = name_of(line)
        if begun is not None:
            close(at - 1, ended=True)
            name, start = begun, at - 1
        elif name is not None and _END.fullmatch(line):
            close(at, ended=True)
            name, start = None, at
    close(at, ended=False)
    return tuple(found)
