"""Where each key and value of a TOML text stands. tomllib has accepted the text before, so nothing is judged here."""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?|\'\'\'.*?\'\'\'(?:\'{1,2}(?!\'))?|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*|[^\s,\]}#]+")


@dataclass(frozen=True)
class Span:
    """Line and columns, from 1, in code points; the end is one past."""

    line: int
    column: int
    end: int


@dataclass
class Spans:
    """The places of a text."""

    text: str
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)

    def line(self, number: int) -> str:
        """A line of the text, without its end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


def scan(text: str) -> Spans:
    """The places of every key, header and value of a valid TOML text."""
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._spans = Spans(text)
        self._counts: dict[Path, int] = {}

    def run(self) -> Spans:
        prefix: Path = ()
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
            raise ValueError(f"unexpected text at {self._at}")
        self._at = found.end()
        return found.group()

    def _span(self, start: int, end: int) -> Span:
        line = bisect_right(self._starts, start)
        column = start - self._starts[line - 1] + 1
        # The caret stays on the first line of a value of several.
        stop = min(end, self._text.find("\n", start) % (len(self._text) + 1))
        return Span(line, column, column + max(1, stop - start))

    def _dotted(self) -> list[tuple[str, Span]]:
        parts = []
        while True:
            self._skip(_SPACE)
            start = self._at
            raw = self._skip(_KEY)
            name = next(iter(tomllib.loads(f"{raw} = 1"))) if raw[0] in "\"'" else raw
            parts.append((name, self._span(start, self._at)))
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _header(self) -> Path:
        double = self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        parts = self._dotted()
        self._at += 2 if double else 1
        path: Path = ()
        for number, (name, span) in enumerate(parts, 1):
            path = (*path, name)
            self._spans.keys.setdefault(path, span)
            if number == len(parts):
                # The header of a table itself is its best place.
                self._spans.keys[path] = span if not double else self._spans.keys[path]
                if double:
                    self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
                self._spans.keys.setdefault(path, span)
        return path

    def _pair(self, prefix: Path) -> None:
        path = prefix
        for name, span in self._dotted():
            path = (*path, name)
            self._spans.keys.setdefault(path, span)
        self._at += 1
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
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
        self._spans.values[path] = self._span(start, self._at)

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "]":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._value((*path, number))
            number += 1

    def _table(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "}":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)
