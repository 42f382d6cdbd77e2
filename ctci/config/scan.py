"""Where each key and value of a TOML text stands. tomllib has accepted the text before, so nothing is judged here."""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field

#: ("projects", "shop", "notify", 0): the names and numbers that lead to a value.
At = tuple[str | int, ...]

#: What lies deeper has the place of what it lies in: paths of a million parts would fill the memory.
DEEPEST = 40
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
#: Texts of several lines, up to two more quotes may stand before the three that end one; and texts of one line.
LONG = r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?|\'\'\'.*?\'\'\'(?:\'{1,2}(?!\'))?'
SHORT = r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\''
_STRING = re.compile(f"{LONG}|{SHORT}", re.DOTALL)
# A date may be parted from its time by a blank.
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*|[^\s,\]}#]+")


@dataclass(frozen=True, kw_only=True)
class Span:
    """Line and columns from 1, in code points, on the first line; `start` and `stop` are offsets in the text."""

    line: int = 1
    column: int = 1
    #: One past the last column.
    end: int = 2
    start: int = 0
    stop: int = 0


@dataclass(kw_only=True)
class Spans:
    """The places of a text."""

    text: str = ""
    keys: dict[At, Span] = field(default_factory=dict)
    values: dict[At, Span] = field(default_factory=dict)

    def nearest(self, at: At, *, key: bool) -> Span:
        """The place of a value or its key, or where the text has neither, of what it stands in."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(at), 0, -1):
            found = first.get(at[:length]) or second.get(at[:length])
            if found is not None:
                return found
        return Span()

    def raw(self, at: At) -> str:
        """A value as it is written."""
        span = self.nearest(at, key=False)
        return self.text[span.start : span.stop]

    def bounds(self, span: Span) -> tuple[int, int]:
        """Offsets of the begin and end of the line of a place."""
        start = self.text.rfind("\n", 0, span.start) + 1
        stop = self.text.find("\n", span.start)
        return start, len(self.text) if stop < 0 else stop


def scan(text: str) -> Spans:
    """The places of every key, header and value of a valid TOML text, whose lines end with a bare newline."""
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._spans = Spans(text=text)
        #: Number of the last entry of each array of tables.
        self._counts: dict[At, int] = {}

    def run(self) -> Spans:
        prefix: At = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return self._spans
            if self._text[self._at] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"unexpected text at offset {self._at}")
        self._at = found.end()
        return found.group()

    def _span(self, start: int) -> Span:
        """From `start` to where the scanner is."""
        line = bisect_right(self._starts, start)
        column = start - self._starts[line - 1] + 1
        newline = self._text.find("\n", start, self._at)
        width = (self._at if newline < 0 else newline) - start
        return Span(line=line, column=column, end=column + max(1, width), start=start, stop=self._at)

    def _dotted(self, path: At) -> list[tuple[At, Span]]:
        """The paths and places of the parts of a key, below `path`."""
        parts = []
        while True:
            self._skip(_SPACE)
            start = self._at
            raw = self._skip(_KEY)
            name = next(iter(tomllib.loads(f"{raw} = 1"))) if raw[0] in "\"'" else raw
            path = _below(path, name)
            parts.append((path, self._span(start)))
            # Below an array of tables, a header speaks of its last entry.
            if path in self._counts:
                path = _below(path, self._counts[path])
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _header(self) -> At:
        double = self._text.startswith("[[", self._at)
        self._at += 1 + double
        parts = self._dotted(())
        self._at += 1 + double
        for path, span in parts:
            self._spans.keys.setdefault(path, span)
        path, span = parts[-1]
        if not double:
            # A table is best shown where its own header is, not where one of its children was named first.
            self._spans.keys[path] = span
            return path
        self._counts[path] = self._counts.get(path, -1) + 1
        entry = _below(path, self._counts[path])
        self._spans.keys[entry] = span
        return entry

    def _pair(self, prefix: At) -> None:
        parts = self._dotted(prefix)
        for path, span in parts:
            self._spans.keys.setdefault(path, span)
        self._at += 1
        self._skip(_SPACE)
        self._value(parts[-1][0])

    def _value(self, path: At) -> None:
        start = self._at
        first = self._text[start]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._table(path)
        elif first in "\"'":
            self._skip(_STRING)
        else:
            self._skip(_SCALAR)
        self._spans.values[path] = self._span(start)

    def _array(self, path: At) -> None:
        number = 0
        while self._more("]"):
            self._value(_below(path, number))
            number += 1

    def _table(self, path: At) -> None:
        while self._more("}"):
            self._pair(path)

    def _more(self, closing: str) -> bool:
        """Step over the opening bracket or a comma; False once over the closing one."""
        if self._text[self._at] in "[{,":
            self._at += 1
        self._skip(_BLANK)
        if self._text[self._at] == ",":
            return self._more(closing)
        if self._text[self._at] != closing:
            return True
        self._at += 1
        return False


def _below(path: At, part: str | int) -> At:
    return (*path, part) if len(path) < DEEPEST else path
