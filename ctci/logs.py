"""A log on disk, read-only: its lines by number, its end, its times, and its text made fit to be shown.

Memory is bounded whatever the log: the index holds one number per 64 KB, and a line is cut at WIDTH bytes.
Never writes; the keeper may be appending to the file meanwhile.
"""

import os
import re
import struct
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

#: Bytes of a line that are shown.
WIDTH = 4096
#: The index knows how many lines end before each multiple of this.
STEP = 64 * 1024
BLOCK = 1 << 20
#: So many logs keep their index in memory.
INDEXES = 128
#: One record of the keeper's times: offset, Unix milliseconds.
_TIME = struct.Struct("<QQ")

#: What a terminal would obey: CSI, OSC (titles, links), DCS and its like, charsets, single functions.
SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b[0-OQ-WYZ\\`-~]"
)
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_PLAIN = "\x1b[0m"
#: What is not to be taken for text: controls, bidi marks, what has no width.
ODD = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_NAMES = {"\x00": "NUL", "\x07": "BEL", "\x08": "BS", "\x1b": "ESC", "\x7f": "DEL"}


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log as long as it was when it was opened."""

    path: Path
    size: int
    lines: int
    #: Whether the last line has ended.
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line; `text` is its last state (a progress bar has many), without its end, at most WIDTH bytes."""

    #: From 1.
    number: int
    offset: int
    text: bytes
    #: States that a carriage return overwrote.
    states: int
    #: Bytes of the last state that `text` leaves out.
    more: int


@dataclass(frozen=True, kw_only=True)
class _Index:
    """Newlines before each multiple of STEP, of the first `size` bytes."""

    inode: int
    size: int
    mtime_ns: int
    before: "array[int]"
    newlines: int
    whole: bool


_indexes: OrderedDict[Path, _Index] = OrderedDict()
# Guards _indexes; an index itself never changes, and is built outside the lock.
_lock = threading.Lock()


def open_(path: Path) -> Log | None:
    """The log at `path`, or None where there is none. The first look at a log reads it once, later ones what is new."""
    try:
        with path.open("rb") as file:
            index = _index(path, file)
    except FileNotFoundError:
        return None
    return Log(path=path, size=index.size, lines=index.newlines + (not index.whole), whole=index.whole)


def window(log: Log, first: int, count: int) -> tuple[Line, ...]:
    """`count` lines from number `first` on, fewer at the end."""
    first = max(1, first)
    count = min(count, log.lines - first + 1)
    if count <= 0:
        return ()
    lines: list[Line] = []
    with log.path.open("rb") as file:
        offset = _offset(log, file, first)
        line = _Growing(first, offset)
        for block in _blocks(file, offset, log.size, STEP):
            parts = block.split(b"\n", count - len(lines))
            for part in parts[:-1]:
                offset += len(part) + 1
                lines.append(line.take(part).end())
                line = _Growing(line.number + 1, offset)
            if len(lines) == count:
                return tuple(lines)
            offset += len(parts[-1])
            line.take(parts[-1])
    lines.append(line.end())
    return tuple(lines)


def tail(path: Path, count: int) -> tuple[int, list[bytes]]:
    """(number of the first, the last `count` lines), each at most WIDTH bytes; (1, []) for no log or an empty one."""
    log = open_(path)
    if log is None or not log.lines:
        return 1, []
    lines = window(log, max(1, log.lines - count + 1), count)
    return lines[0].number, [line.text for line in lines]


def span(log: Log, first: int, count: int) -> tuple[int, int]:
    """(start, end) in bytes of `count` lines from number `first` on."""
    with log.path.open("rb") as file:
        return _offset(log, file, max(1, first)), _offset(log, file, max(1, first) + count)


def chunks(path: Path, start: int, end: int) -> Iterator[bytes]:
    """The bytes from `start` up to `end`, in pieces."""
    with path.open("rb") as file:
        yield from _blocks(file, start, end, 4 * STEP)


def times(path: Path, offsets: Sequence[int]) -> list[int | None]:
    """When the byte at each of the (ascending) offsets was written, Unix milliseconds; None where nobody knows."""
    nobody: list[int | None] = [None] * len(offsets)
    try:
        file = path.with_name(f"{path.name}.idx").open("rb")
    except FileNotFoundError:
        return nobody
    with file:
        total = file.seek(0, 2) // _TIME.size
        if not total or not offsets:
            return nobody
        low = max(0, bisect_right(_Records(file, total), offsets[0]) - 1)
        high = bisect_right(_Records(file, total), offsets[-1])
        file.seek(low * _TIME.size)
        known = list(_TIME.iter_unpack(file.read((high - low) * _TIME.size)))
    starts = [start for start, _ in known]
    found = (bisect_right(starts, offset) - 1 for offset in offsets)
    return [known[at][1] if at >= 0 else None for at in found]


def clean(line: bytes) -> str:
    """A line as plain text: its last state, no terminal sequences, and odd characters named: `<U+202E>`."""
    text = last_state(line)[0].decode("utf-8", "replace")
    return _named(SEQUENCE.sub("", text))


def coloured(line: bytes) -> str:
    """The same, but for the sequences that set colours; what begins with one ends in none."""
    whole = last_state(line)[0].decode("utf-8", "replace")
    shown: list[str] = []
    styled = False
    at = 0
    for sequence in SEQUENCE.finditer(whole):
        shown.append(_named(whole[at : sequence.start()]))
        if _COLOURS.fullmatch(sequence[0]):
            shown.append(sequence[0])
            styled = True
        at = sequence.end()
    shown.append(_named(whole[at:]))
    text = "".join(shown)
    return text if not styled or text.endswith(_PLAIN) else text + _PLAIN


def _named(text: str) -> str:
    return ODD.sub(lambda match: f"<{odd(match[0])}>", text)


def odd(character: str) -> str:
    """The name of a character that one would not see."""
    return _NAMES.get(character) or f"U+{ord(character):04X}"


def last_state(line: bytes) -> tuple[bytes, int]:
    """(what stands on a terminal after the line, how many states a carriage return overwrote)."""
    line = line.rstrip(b"\r\n")
    at = line.rfind(b"\r")
    return (line, 0) if at < 0 else (line[at + 1 :], line.count(b"\r"))


class _Growing:
    """A line while it is read: keeps its last state only, and of that no more than it needs."""

    def __init__(self, number: int, offset: int) -> None:
        self.number = number
        self._offset = offset
        self._kept = b""
        self._states = 0
        self._lost = 0

    def take(self, piece: bytes) -> "_Growing":
        self._kept += piece
        if len(self._kept) <= 2 * WIDTH:
            return self
        returned = self._kept.endswith(b"\r")
        last, states = last_state(self._kept)
        self._states += states
        self._lost = (0 if states else self._lost) + max(0, len(last) - WIDTH)
        # Whether the last return ends a state or the line is known with the next piece.
        self._kept = last[:WIDTH] + (b"\r" if returned else b"")
        return self

    def end(self) -> Line:
        last, states = last_state(self._kept)
        lost = 0 if states else self._lost
        stop = min(len(last), WIDTH)
        # Not in the middle of a character.
        while WIDTH - 4 < stop < len(last) and last[stop] & 0xC0 == 0x80:
            stop -= 1
        return Line(
            number=self.number,
            offset=self._offset,
            text=last[:stop],
            states=self._states + states,
            more=lost + len(last) - stop,
        )


class _Records(Sequence[int]):
    """The offsets of the keeper's times, for bisect: read one at a time, a log of days has many."""

    def __init__(self, file: BinaryIO, total: int) -> None:
        self._file = file
        self._total = total

    def __len__(self) -> int:
        return self._total

    def __getitem__(self, at: int) -> int:  # type: ignore[override] # bisect asks for single ones only
        self._file.seek(at * _TIME.size)
        return int(_TIME.unpack(self._file.read(_TIME.size))[0])


def _index(path: Path, file: BinaryIO) -> _Index:
    """The index of the file as it is now: the one kept, that one extended, or a new one."""
    facts = os.fstat(file.fileno())
    with _lock:
        old = _indexes.get(path)
    if old is None or old.inode != facts.st_ino or old.size > facts.st_size:
        index = _scan(file, facts, None)
    elif old.size < facts.st_size:
        # A log is only ever appended to.
        index = _scan(file, facts, old)
    else:
        index = old if old.mtime_ns == facts.st_mtime_ns else _scan(file, facts, None)
    with _lock:
        _indexes[path] = index
        _indexes.move_to_end(path)
        while len(_indexes) > INDEXES:
            _indexes.popitem(last=False)
    return index


def _scan(file: BinaryIO, facts: os.stat_result, old: _Index | None) -> _Index:
    """Count newlines up to the size of now, from the last whole step of an older index on."""
    before = array("Q", old.before if old is not None else (0,))
    size = start = (len(before) - 1) * STEP
    newlines = before[-1]
    whole = True
    for block in _blocks(file, start, facts.st_size, BLOCK):
        for at in range(0, len(block), STEP):
            newlines += block.count(b"\n", at, at + STEP)
            if at + STEP <= len(block):
                before.append(newlines)
        size += len(block)
        whole = block.endswith(b"\n")
    if old is not None and size == start:
        # The file was cut right where the last step ended.
        whole = old.whole
    return _Index(
        inode=facts.st_ino,
        size=size,
        mtime_ns=facts.st_mtime_ns,
        before=before,
        newlines=newlines,
        whole=whole,
    )


def _blocks(file: BinaryIO, start: int, end: int, length: int) -> Iterator[bytes]:
    """The bytes from `start` up to `end`; all but the last piece have `length`."""
    file.seek(start)
    while start < end and (block := file.read(min(length, end - start))):
        yield block
        start += len(block)


def _offset(log: Log, file: BinaryIO, number: int) -> int:
    """Where line `number` begins; the size of the log for lines beyond its end."""
    index = _index(log.path, file)
    wanted = number - 1
    if wanted == 0:
        return 0
    if number > log.lines:
        return log.size
    step = bisect_left(index.before, wanted) - 1
    seen = index.before[step]
    file.seek(step * STEP)
    piece = file.read(STEP)
    at = -1
    for _ in range(wanted - seen):
        at = piece.index(b"\n", at + 1)
    return step * STEP + at + 1
