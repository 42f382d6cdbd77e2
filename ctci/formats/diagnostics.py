"""A log's bytes -> findings: what compilers, linters and tests said, and which of it a developer wants first. Pure.

The log is read once, in blocks, by one RE2 automaton of all the anchors; only lines with an anchor are looked at.
Time is linear in the log and memory bounded, whatever its bytes are; how it is cut into chunks changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ctci.formats import problem_matcher
from ctci.formats.matchers import annotations, builds, compilers, go, native, python, scripts
from ctci.formats.problem_matcher import ProblemMatcher
from ctci.formats.window import NEAR, WIDTH, Family, Memory, Window, clean, compiled
from ctci.model import Finding

#: The first of them that has an anchor in a line is asked first.
FAMILIES: tuple[Family, ...] = (
    *compilers.FAMILIES,
    *go.FAMILIES,
    *native.FAMILIES,
    *python.FAMILIES,
    *builds.FAMILIES,
    *annotations.FAMILIES,
    *scripts.FAMILIES,
)
BLOCK = 1 << 20
#: Findings of one log; of one severity of one tool; and warnings and notes of all tools together.
MOST = 1000
MOST_ALIKE = 200
MOST_SOFT = 500
#: Lines that look like a family's and bring nothing, until that family is no longer looked for.
MOST_FRUITLESS = 3000
#: A finding makes up for so many of them, a line that was understood counts as this part of one, and what was looked
#: at around a line as this part for each line.
CREDIT = 20
UNDERSTOOD = 0.25
LOOKED = 0.1
#: What only says that another tool failed.
_ECHOES = {("make", "recipe"), ("ninja", "recipe"), ("maven", "recipe"), ("cargo", None)}
#: What programs say; a test or a compiler that names its place says more.
_PROGRAMS = {"python", "node", "java", "perl", "assert", "sh", "log"}
#: Their warnings alone may fail a job; a compiler's seldom do.
_LINTERS = {"eslint", "flake8", "pylint", "shellcheck", "sphinx"}


def scan(chunks: Iterable[bytes], *, root: str = "", matchers: Sequence[ProblemMatcher] = ()) -> tuple[Finding, ...]:
    """What is told in a log, in its order; ctci's own word on what was left out comes last.

    `root` is where the recipe ran: paths below it are shown relative to it.
    """
    scanner = _Scanner(root, matchers)
    for chunk in chunks:
        for at in range(0, len(chunk), BLOCK):
            scanner.feed(chunk[at : at + BLOCK])
    return scanner.close()


def first(findings: Iterable[Finding]) -> Finding | None:
    """The finding that a developer whose job failed wants to see first; None where nothing is told to be wrong."""
    wrong = [each for each in findings if _wrong(each) or each.tool in _LINTERS]
    return min(wrong, key=_rank, default=None)


def _wrong(finding: Finding) -> bool:
    return finding.severity in ("error", "failure") and finding.tool != "ctci"


def _rank(finding: Finding) -> tuple[int, int]:
    """What names its place, then what does not, what only echoes, linters' warnings; in each the order of the log."""
    if not _wrong(finding):
        kind = 4 if finding.severity == "warning" else 5
    elif (finding.tool, finding.rule) in _ECHOES:
        kind = 3
    elif finding.tool == "annotation" and finding.file is None:
        kind = 2
    elif finding.tool in _PROGRAMS or (finding.line is None and finding.test is None):
        kind = 1
    else:
        kind = 0
    return kind, finding.log_line or 0


class _Scanner:
    """The state between two chunks."""

    def __init__(self, root: str, matchers: Sequence[ProblemMatcher]) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._behind = b""
        #: The rest of a line that is too long to be kept is passed over.
        self._skipping = False
        #: Line feeds before what is yet to be read.
        self._passed = 0
        self._memory = Memory(root=root)
        self._kept = _Kept()
        self._families = _Searched(FAMILIES)
        self._users = [_Searched((problem_matcher.family(each),)) for each in matchers]

    def feed(self, piece: bytes) -> None:
        if self._skipping:
            at = piece.find(b"\n")
            if at < 0:
                return
            self._skipping = False
            piece = piece[at:]
        self._pieces.append(piece)
        self._size += len(piece)
        while self._size >= BLOCK + NEAR and not self._skipping:
            self._step(b"".join(self._pieces))

    def close(self) -> tuple[Finding, ...]:
        """All that was found."""
        pending = b"".join(self._pieces)
        if pending:
            self._read(pending, b"", whole=True)
        return self._kept.all(self._memory.flaky)

    def _step(self, pending: bytes) -> None:
        """Read the whole lines of the first block; the bytes after it are only looked at."""
        cut = pending.rfind(b"\n", 0, BLOCK) + 1
        if cut == 0:
            end = pending.find(b"\n", BLOCK)
            self._skipping = end < 0
            # One byte more than is read: it is still seen to be too long.
            pending = pending[: WIDTH + 1] + (pending[end:] if end >= 0 else b"")
        else:
            self._read(pending[:cut], pending[cut : cut + NEAR], whole=False)
            pending = pending[cut:]
        self._pieces = [pending]
        self._size = len(pending)

    def _read(self, active: bytes, ahead: bytes, *, whole: bool) -> None:
        if self._users:
            # Strangers' patterns know nothing of colours; those of this house allow for them.
            active, ahead = _plain(active), _plain(ahead)
        block = self._behind + active + ahead
        span = len(self._behind), len(self._behind) + len(active)
        for searched in (self._families, *self._users):
            self._search(searched, block, span, whole=whole)
        self._passed += active.count(b"\n")
        self._behind = active[-NEAR:]

    def _search(self, searched: "_Searched", block: bytes, span: tuple[int, int], *, whole: bool) -> None:
        """Ask the families about each line in which one of their anchors stands."""
        at, stop = span
        number, counted = self._passed + 1, at
        while searched.pattern is not None:
            match = searched.pattern.search(block, at, stop)
            if match is None:
                return
            found, family = match.start(), searched.family_of(match)
            start = block.rfind(b"\n", max(0, found - WIDTH), found) + 1
            end = block.find(b"\n", max(found, start), start + WIDTH)
            long = False
            if (start == 0 and found > WIDTH) or end < 0:
                # The line goes on behind what is read of it; or the log ends.
                long = start + WIDTH < stop or found - start > WIDTH
                end = min(stop, start + WIDTH)
            if start == 0 and found > WIDTH:
                at = block.find(b"\n", found, stop) + 1 or stop
                self._kept.note("long", "lines longer than 8 KB were read only in their beginning")
                continue
            if long:
                self._kept.note("long", "lines longer than 8 KB were read only in their beginning")
            number += block.count(b"\n", counted, start)
            counted = start
            window = Window(block, start, end, number, whole=whole, memory=self._memory)
            read = family.read(window)
            kept = sum(self._kept.keep(each) for each in read or ())
            if searched.weigh(family, kept, window.looked, understood=read == ()):
                said = f"lines like those of {family.name} were no longer read from line {number} on: "
                self._kept.note(family.name, said + "too many of them had said nothing new")
            if kept or match.end() >= end:
                at = block.find(b"\n", end, stop) + 1 or stop
            else:
                at = max(match.end(), found + 1)
            if at >= stop:
                return


class _Searched:
    """Families that are looked for together, as long as it is worth it."""

    def __init__(self, families: tuple[Family, ...]) -> None:
        self.families = families
        self._fruitless = {each.name: 0.0 for each in families}
        self.pattern = _pattern(families)

    def family_of(self, match: Any) -> Family:
        """Whose anchor was found."""
        return self.families[0] if self.families[0].plain else self.families[match.lastindex - 1]

    def weigh(self, family: Family, kept: int, looked: int, *, understood: bool) -> bool:
        """Count what a line brought; True where its family is from now on not looked for."""
        weight = -CREDIT * kept if kept else (UNDERSTOOD if understood else 1.0) * (1 + LOOKED * looked)
        self._fruitless[family.name] = max(0.0, self._fruitless[family.name] + weight)
        if self._fruitless[family.name] <= MOST_FRUITLESS:
            return False
        self.families = tuple(each for each in self.families if each is not family)
        self.pattern = _pattern(self.families) if self.families else None
        return True


class _Kept:
    """Findings, each once, no more than fit; and ctci's word on what was left out."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._seen: set[tuple[object, ...]] = set()
        self._alike: dict[tuple[str, str], int] = {}
        self._soft = 0
        self._notes: dict[str, str] = {}

    def keep(self, finding: Finding) -> bool:
        """Whether it is new and there is room for it."""
        key = (
            finding.tool,
            finding.severity,
            finding.file,
            finding.line,
            finding.column,
            finding.message,
            finding.test,
        )
        if key in self._seen:
            return False
        alike = (finding.tool, finding.severity)
        if self._alike.get(alike, 0) >= MOST_ALIKE:
            what = f"{finding.severity}s of {finding.tool}"
            self.note("alike " + what, f"only the first {MOST_ALIKE} {what} are kept")
            return False
        soft = finding.severity not in ("error", "failure")
        if soft and self._soft >= MOST_SOFT:
            self.note("soft", f"only the first {MOST_SOFT} warnings and notes are kept")
            return False
        if len(self._findings) >= MOST:
            self.note("most", f"only the first {MOST} findings are kept")
            return False
        self._alike[alike] = self._alike.get(alike, 0) + 1
        self._soft += soft
        self._seen.add(key)
        self._findings.append(finding)
        return True

    def note(self, key: str, said: str) -> None:
        """Say once that something was left out."""
        if len(self._notes) < 100:
            self._notes.setdefault(key, said)

    def all(self, flaky: set[str]) -> tuple[Finding, ...]:
        """In the log's order; what was said of a test that passed at last is a warning."""
        told = (replace(each, severity="warning") if each.test in flaky else each for each in self._findings)
        own = (Finding(severity="note", tool="ctci", message=said) for said in self._notes.values())
        return (*sorted(told, key=lambda each: each.log_line or 0), *own)


def _plain(block: bytes) -> bytes:
    """A block without colours; its lines stay as many."""
    if b"\x1b" not in block and b"\r" not in block and block.isascii():
        return block
    return b"\n".join(map(clean, block.split(b"\n")))


def _pattern(families: Sequence[Family]) -> Any:
    """One automaton; its group tells whose anchor it was."""
    if families[0].plain:
        # Its own groups would be counted with those of the families: it is looked for alone.
        return compiled(problem_matcher.in_block(families[0].anchors[0]))
    return compiled("(?m)" + "|".join(f"({'|'.join(map(_anchor, each.anchors))})" for each in families))


def _anchor(written: str) -> str:
    colours = r"(?:\x1b\[[0-9;]*[mK])*"
    begins = written.startswith("^")
    return (r"(?:^|\r)" + colours if begins else "") + written.removeprefix("^").replace("@", colours)
