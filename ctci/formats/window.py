"""A line of a log and those around it: colours taken out, a progress bar's last state, cut at a width. Pure.

What a matcher remembers from line to line is here too, and it is bounded.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import re2

from ctci.model import Finding

#: Bytes of a line that are read; what follows is not looked at.
WIDTH = 8192
#: Bytes on either side of a line that a matcher may look at.
NEAR = 64 * 1024
#: Characters of what a finding says, and of the names in it.
MOST_MESSAGE = 2000
MOST_NAME = 500
#: Directories that make is in at one time.
MOST_DIRECTORIES = 50

#: No part of it can match where another could: the time is linear in the line.
_SEQUENCE = re.compile(rb"\x1b\[[0-?]*+[ -/]*+[@-~]|\x1b\][^\x07\x1b]*+(?:\x07|\x1b\\)|\x1b[()][0-9A-Z]|\x1b[=>78]")
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def compiled(regexp: str) -> Any:
    """A regular expression of RE2's over bytes, which never matches over the end of a line. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.never_nl = True
    return re2.compile(regexp.encode(), options)


class Pattern:
    """A regular expression of RE2's over the bytes of one line; linear in it, whatever it holds. Raises re2.error.

    `needs` stands in each line that it matches, and is looked for first: that costs a tenth.
    """

    def __init__(self, regexp: str, needs: bytes = b"") -> None:
        self._compiled = compiled(regexp)
        self._needs = needs

    @property
    def groups(self) -> int:
        return int(self._compiled.groups)

    def fields(self, line: bytes) -> tuple[str | None, ...] | None:
        """The groups of the first match, None where there is none."""
        found = self._compiled.search(line) if self._needs in line else None
        if found is None:
            return None
        return tuple(None if each is None else each.decode("utf-8", "replace") for each in found.groups())


@dataclass(kw_only=True)
class Memory:
    """What is known of the lines before this one."""

    #: Where the recipe ran; paths below it are shown relative to it.
    root: str = ""
    #: Where make is, the innermost last.
    directories: list[str] = field(default_factory=list)
    #: Lines up to this one belong to a finding that is known already.
    taken: int = 0
    #: The test whose failure is being told, and whether a finding has come of it.
    test: str | None = None
    told: bool = True
    #: Line of the last heading of a test.
    headed: int = 0
    #: The file that a linter's lines belong to, and the last such line.
    file: str | None = None
    file_line: int = 0
    #: Tests that a finding was made of.
    tests: set[str] = field(default_factory=set)
    #: Tests that failed and passed when they were run again.
    flaky: set[str] = field(default_factory=set)
    #: gcc, or clang: what the last lines that both could have written were of, and how often that was looked for.
    compiler: str = "gcc"
    compilers_asked: int = 0
    #: ruff, or flake8: what the run of such lines was, and up to which line.
    linter: str = ""
    linter_line: int = 0


class Window:
    """One line of a block of the log, from which its neighbours can be seen."""

    def __init__(self, block: bytes, start: int, end: int, number: int, *, whole: bool, memory: Memory) -> None:
        self._block = block
        self._start = start
        self._end = end
        #: Whether the log ends with this block: then its last line counts without a line feed.
        self._whole = whole
        self.number = number
        self.memory = memory
        self.line = clean(block[start:end])
        #: How many other lines were looked at.
        self.looked = 0

    def below(self, most: int) -> Iterator[bytes]:
        """The lines that follow, at most so many."""
        at = self._block.find(b"\n", self._end) + 1
        last = min(len(self._block), self._end + NEAR)
        while most and 0 < at < last:
            self.looked += 1
            end = self._block.find(b"\n", at, last)
            if end < 0:
                if self._whole and last == len(self._block):
                    yield clean(self._block[at:last])
                return
            yield clean(self._block[at : min(end, at + WIDTH)])
            at = end + 1
            most -= 1

    def above(self, most: int) -> Iterator[bytes]:
        """The lines before, the nearest first, at most so many."""
        end = self._start - 1
        first = max(0, self._start - NEAR)
        while most and end > first:
            self.looked += 1
            start = self._block.rfind(b"\n", first, end) + 1
            if start == 0 and first > 0:
                # It begins further away than is looked.
                return
            yield clean(self._block[start : min(end, start + WIDTH)])
            end = start - 1
            most -= 1

    def has_below(self, text: bytes) -> bool:
        """Whether a text stands soon after this line."""
        return self._block.find(text, self._end, self._end + NEAR) >= 0

    def finding(
        self,
        severity: str,
        tool: str,
        message: str,
        *,
        rule: str | None = None,
        file: str | None = None,
        line: str | int | None = None,
        column: str | int | None = None,
        test: str | None = None,
        after: int = 0,
    ) -> Finding:
        """A finding that came from this line, or from one so many lines after it."""
        return Finding(
            severity=severity,
            tool=tool,
            message=shown(message, MOST_MESSAGE) or "(no message)",
            rule=name(rule),
            file=place(file, self.memory),
            line=number(line),
            column=number(column),
            test=name(test),
            log_line=self.number + after,
        )


#: What a line with an anchor says: findings; () where it was understood and says nothing; None where it only looked so.
Read = Callable[[Window], tuple[Finding, ...] | None]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Tools that write alike: what their lines have in them, and who reads those."""

    name: str
    #: Regular expressions; `^` at the start of one is the start of a line, `@` any colours.
    anchors: tuple[str, ...]
    read: Read
    #: The anchors are plain RE2, given by a stranger: without `@`, and a line's start is as they have it.
    plain: bool = False


def clean(raw: bytes) -> bytes:
    """A line as a terminal would leave it: without colours, and of a progress bar the last state."""
    raw = raw[:WIDTH]
    if b"\x1b" in raw:
        raw = _SEQUENCE.sub(b"", raw)
    if b"\r" in raw:
        raw = raw.rstrip(b"\r").rpartition(b"\r")[2]
    # RE2 reads UTF-8: what is none would match nothing.
    return raw if raw.isascii() else raw.decode("utf-8", "replace").encode()


def text(line: bytes) -> str:
    """A line as text."""
    return line.decode("utf-8", "replace")


def shown(said: str, most: int) -> str:
    """A text without controls, in a length that can be shown."""
    said = _ODD.sub(" ", said[: most * 2]).strip()
    return said if len(said) <= most else said[: most - 1] + "…"


def name(said: str | None) -> str | None:
    """A short text on one line, None where nothing is left."""
    return shown(said.replace("\n", " "), MOST_NAME) or None if said else None


def number(said: str | int | None) -> int | None:
    """A line's or column's number, None for what can be none."""
    if isinstance(said, str):
        said = int(said) if len(said) <= 9 and said.isascii() and said.isdigit() else None
    return said or None


def place(file: str | None, memory: Memory) -> str | None:
    """A file's path without `./`, relative to where the recipe ran if it lies below and that is known."""
    found = name(file)
    if not found:
        return None
    found = found.removeprefix("file://")
    root = memory.root.rstrip("/")
    if memory.directories and root and not found.startswith("/"):
        found = memory.directories[-1].rstrip("/") + "/" + found.removeprefix("./")
        if not found.startswith(root + "/"):
            return name(file)
    if root and found.startswith(root + "/"):
        found = found[len(root) + 1 :]
    while found.startswith("./"):
        found = found[2:]
    return found or None


def joined(lines: Iterable[bytes]) -> str:
    """Lines as one paragraph."""
    return " ".join(text(each).strip() for each in lines)
