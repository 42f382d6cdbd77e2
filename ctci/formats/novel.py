"""A log's bytes -> its lines, each as a number of 32 bits, and which of them no green log of the same place had. Pure.

A line is known by its words: names, numbers, times and ids are left out, so that a new file is no news. Where all
words were seen before, it is known as a fingerprint has it, with its names. What tells of a success is no news. A log
that is too various for all that says nothing.

A block of the log is dealt with as a whole: its digits are made alike, and only what has then not stood in the log
before is looked at as a line. Time is linear in the log, and memory is bounded.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ctci.formats import fingerprint, window, wording
from ctci.model import Lines, NewLine, Novel

#: The way that lines are told apart: numbers made in another way name other lines. Goes up with each change of it.
WAY = 1
#: Of a log without a line, and of one that has too many different ones.
NONE, VARIOUS = Lines(way=WAY), Lines(way=WAY, words=None, whole=None)
BLOCK = 1 << 20
#: Lines of one log that differ in more than digits, and their characters: of so many the words are read.
MOST_FORMS, MOST_READ = 40_000, 4_000_000
#: Of so many of these the names are read too, which takes ten times as long.
MOST_WHOLE, MOST_WHOLE_READ = 10_000, 1_000_000
#: Lines of a block, and their least length on average: what is shorter is no text.
MANY, LEAST = 10_000, 10
#: New lines that are told with their text, and characters of that.
MOST_TOLD = 10
MOST_TEXT = 300
#: Characters of a line by which it is told apart.
WIDE = 1000

_DIGITS = bytes.maketrans(b"0123456789", b"0" * 10)
#: Where the keeper cut a log in its middle, the lines before and after it are torn.
_TORN = re.compile(rb"[^\n]*\n\[ctci\] \d+ bytes left out here\n[^\n]*\n")
_OURS = b"[ctci] "
#: What `fingerprint` writes for what moves.
_MARK = re.compile(r"<(?:n|time|for|temp)>")


def scan(chunks: Iterable[bytes], known: Lines | None) -> tuple[Lines, Novel | None]:
    """The lines of a log, and those that are not known; None where nothing is known, or nothing is new."""
    scanner = _Scanner(known if known is not None and known.way == WAY else None)
    for block in _blocks(chunks):
        scanner.take(block)
        if scanner.is_over:
            return VARIOUS, None
    return scanner.lines(), scanner.novel()


def plain(lines: Lines) -> dict[str, list[int] | None]:
    """Lines as plain JSON."""
    return {"words": _listed(lines.words), "whole": _listed(lines.whole)}


def lines(plain: Mapping[str, Sequence[int] | None]) -> Lines:
    """The lines that `plain` wrote."""
    words, whole = (None if each is None else frozenset(each) for each in (plain["words"], plain["whole"]))
    return Lines(way=WAY, words=words, whole=whole)


def _listed(numbers: frozenset[int] | None) -> list[int] | None:
    return None if numbers is None else sorted(numbers)


class _Scanner:
    """What is known of a log so far."""

    def __init__(self, known: Lines | None) -> None:
        self._read = wording.Words()
        self._passed = 0
        #: Of each line that was looked at: all that is kept of it is a number.
        self._forms: set[int] = set()
        #: Characters of these.
        self._length = 0
        #: Whether there are more lines, or more different ones, than are looked at.
        self.is_over = False
        self._words = _News(None if known is None else known.words)
        self._whole = _News(None if known is None else known.whole)

    @property
    def _has_names(self) -> bool:
        """Whether there are few enough of them for their names to be looked at."""
        return len(self._forms) <= MOST_WHOLE and self._length <= MOST_WHOLE_READ

    def take(self, block: bytes) -> None:
        """The next lines; `block` ends with the end of one."""
        if (count := block.count(b"\n")) > MANY and len(block) < LEAST * count:
            self.is_over = True
            return
        alike = block.translate(_DIGITS)
        forms = alike.split(b"\n")
        words: dict[bytes, int] = {}
        whole: dict[bytes, int] = {}
        for form in set(forms):
            mark = hash(form)
            if mark in self._forms:
                continue
            self._forms.add(mark)
            text = _text(form)[:WIDE]
            self._length += len(text)
            if len(self._forms) > MOST_FORMS or self._length > MOST_READ:
                self.is_over = True
                return
            found = self._read.of(text)
            if found and self._words.see(number := _number(found)) and not wording.is_fine(found):
                words[form] = number
            if self._has_names:
                named = self._read.named(_MARK.sub("0", fingerprint.normal(text)))
                if named and self._whole.see(number := _number(named)) and not wording.is_fine(named):
                    whole[form] = number
        self._words.tell(block, forms, words, self._passed)
        self._whole.tell(block, forms, whole, self._passed)
        self._passed += len(forms) - 1

    def lines(self) -> Lines:
        whole = frozenset(self._whole.seen) if self._has_names else None
        return Lines(way=WAY, words=frozenset(self._words.seen), whole=whole)

    def novel(self) -> Novel | None:
        """New words say most; where there are none, new names may."""
        return self._words.novel() or (self._whole.novel() if self._has_names else None)


class _News:
    """The lines of a log, told apart in one way, and those of them that are new."""

    def __init__(self, known: frozenset[int] | None) -> None:
        self._known = known
        self.seen: set[int] = set()
        self._new: set[int] = set()
        self._told: dict[int, NewLine] = {}

    def see(self, number: int) -> bool:
        """Whether it is a new one."""
        self.seen.add(number)
        return self._known is not None and number not in self._known

    def tell(self, block: bytes, forms: Sequence[bytes], new: Mapping[bytes, int], passed: int) -> None:
        """Keep the new lines of a block, and where the first of them stand."""
        self._new.update(new.values())
        if not new or len(self._told) >= MOST_TOLD:
            return
        start = 0
        for at, form in enumerate(forms):
            number = new.get(form)
            if number is not None and number not in self._told:
                end = block.find(b"\n", start)
                said = window.text(_last_state(block[start : end if end >= 0 else len(block)]))
                self._told[number] = NewLine(line=passed + at + 1, text=window.shown(said, MOST_TEXT))
                if len(self._told) >= MOST_TOLD:
                    return
            start = block.find(b"\n", start) + 1

    def novel(self) -> Novel | None:
        return Novel(count=len(self._new), lines=tuple(self._told.values())) if self._new else None


def _number(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))


def _text(form: bytes) -> str:
    """A line without what is ctci's own."""
    return "" if form.startswith(_OURS) else window.text(_last_state(form))


def _last_state(line: bytes) -> bytes:
    """What a terminal shows of it: of a progress bar the last state, and of a long line the beginning."""
    if b"\r" in line:
        line = line.rstrip(b"\r").rpartition(b"\r")[2]
    return window.clean(line)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The log in blocks of whole lines, each with its end. A line that is longer than a block is left empty.

    Two lines are held back: where the log was cut, one must see the lines on both sides.
    """
    held = b""
    skipping = False
    for piece in _pieces(chunks):
        if skipping:
            at = piece.find(b"\n")
            if at < 0:
                continue
            skipping = False
            held = piece[at:]
        else:
            held += piece
        if len(held) < BLOCK:
            continue
        held = _mended(held)
        for lines in (3, 1):
            cut = _from_end(held, lines)
            if cut and len(held) >= BLOCK:
                yield held[:cut]
                held = held[cut:]
        if len(held) >= BLOCK:
            held = b""
            skipping = True
    if held:
        yield _mended(held + b"\n")


def _mended(held: bytes) -> bytes:
    """Without the lines that are torn; those that are left have the same numbers."""
    if b" bytes left out here" not in held:
        return held
    return _TORN.sub(lambda match: b"\n" * match[0].count(b"\n"), held)


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for at in range(0, len(chunk), BLOCK):
            yield chunk[at : at + BLOCK]


def _from_end(held: bytes, lines: int) -> int:
    """Where the line ends that is followed by so many ends of lines less one; 0 for none."""
    at = len(held)
    for _ in range(lines):
        at = held.rfind(b"\n", 0, at)
        if at < 0:
            return 0
    return at + 1
