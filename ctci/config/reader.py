"""One TOML file under examination: its tables, and every problem with its place.

Collects problems instead of raising, so that all of a file are told in one pass. Never shows the value of a secret.
"""

import codecs
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ctci.config import forms, hiding, likeness, looked, scan
from ctci.config.problems import Also, Problem
from ctci.config.scan import At, Span, Spans

#: More of one file would not be read anyway.
MOST_PROBLEMS = 400
MOST_BYTES = 4 << 20
#: So many words are compared to find what was meant in a file. Of hundreds of mistakes the first hints tell enough.
MOST_COMPARED = 5000
_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "a table", list: "a list"}


def kind_of(value: object) -> str:
    """What a TOML value is, in words."""
    return _KINDS.get(type(value), "a date or time")


class Reader:
    """A file and what is wrong with it."""

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        #: As it was before it was read.
        self.stamp = looked.stamp(path)
        #: The file's name for people.
        self.shown = shown
        self.problems: list[Problem] = []
        self.plain: Mapping[str, Any] = {}
        self.spans = Spans()
        #: Names of keys that are not in force yet and have been noted.
        self.noted: set[str] = set()
        #: Where values stand that are never shown.
        self._hidden: list[Span] = []
        self._compared = 0

    def parse(self) -> bool:
        """Whether the file is there and is TOML; `plain` holds it."""
        try:
            if self.path.stat().st_size > MOST_BYTES:
                return self._unreadable(f"has more than {MOST_BYTES >> 20} MiB")
            text = self.path.read_bytes().removeprefix(codecs.BOM_UTF8).decode().replace("\r\n", "\n")
        except OSError as error:
            return self._unreadable(f"cannot be read: {error.strerror}")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            return self._unreadable("is not UTF-8", line=line)
        try:
            plain = tomllib.loads(text)
            self.spans = scan.scan(text)
        except tomllib.TOMLDecodeError as error:
            return self._syntax(str(error), text)
        except RecursionError:
            return self._unreadable("is nested too deep")
        except ValueError:
            # Python refuses to read numbers of thousands of digits.
            return self._unreadable("has a number that is too long")
        self.plain = plain
        self._hidden = hiding.of_values(plain, self.spans)
        return True

    def _unreadable(self, said: str, line: int = 1) -> bool:
        self.problems.append(Problem(code="C001", message=f"the file {said}", file=self.shown, line=line))
        return False

    def _syntax(self, said: str, text: str) -> bool:
        """What tomllib says, in our words; without what may be a secret."""
        found = re.search(r"\(at line (\d+), column (\d+)\)", said)
        lines = text.split("\n")
        line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
        message = re.sub(r" \(at .*\)$", "", said)
        message = re.sub(r"\('(.*)',?\)", lambda it: f"`{it[1].replace(chr(39), '').replace(', ', '.')}`", message)
        source, end = "", column + 1
        # What has no end may have begun anywhere.
        if found is not None:
            start = sum(len(each) + 1 for each in lines[: line - 1])
            place = Span(line=line, column=column, end=end, start=start + column - 1, stop=start + column)
            source, end = hiding.shown(Spans(text=text), place, hiding.of_line(text, start))
        self.problems.append(
            Problem(
                code="C001",
                message=f"not valid TOML: {message[:1].lower()}{message[1:]}",
                file=self.shown,
                line=line,
                column=column,
                end_column=end,
                hint='text values need quotes: "…"' if message == "Invalid value" else "",
                source=source,
            )
        )
        return False

    # --- problems ----------------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether nobody would read more problems."""
        return len(self.problems) >= MOST_PROBLEMS

    def say(
        self,
        code: str,
        message: str,
        at: At,
        *,
        key: bool = False,
        warning: bool = False,
        hint: str = "",
        help: str = "",  # noqa: A002 - the word that is shown
        note: str = "",
        also: tuple[At, str] | None = None,
        other: "Reader | None" = None,
    ) -> None:
        """Add a problem at a value, or at its key; `also` is another key and what stands there, perhaps in `other`."""
        severity = "warning" if warning else "error"
        self._add(severity, code, message, at, key=key, hint=hint, help=help, note=note, also=also, other=other)

    def close(self, name: str, allowed: Iterable[str]) -> str | None:
        """The one of the allowed names that was probably meant; of very many mistakes in a file, for the first only."""
        names = list(allowed)
        self._compared += len(names)
        return likeness.close(name, names) if self._compared <= MOST_COMPARED else None

    def later(self, name: str, at: At, *, of: str = "", hint: str = "") -> None:
        """Note, once for each key name, that a key is understood and has no function yet."""
        if name not in self.noted and not self.full:
            self.noted.add(name)
            said = f"`{name}`{of} is understood, and not in force yet"
            self._add("note", "C901", said, at, key=True, hint=hint)

    def _add(
        self,
        severity: str,
        code: str,
        message: str,
        at: At,
        *,
        key: bool,
        hint: str,
        help: str = "",  # noqa: A002 - the word that is shown
        note: str = "",
        also: tuple[At, str] | None = None,
        other: "Reader | None" = None,
    ) -> None:
        if self.full and not self._make_room(error=severity == "error"):
            return
        span = self.spans.nearest(at, key=key)
        source, end = hiding.shown(self.spans, span, self._hidden)
        second = None
        if also is not None:
            second = (other or self).also(*also, file=other.shown if other is not None and other is not self else "")
        self.problems.append(
            Problem(
                code=code,
                severity=severity,
                message=_short(self._told(message, span, key=key)),
                file=self.shown,
                line=span.line,
                column=span.column,
                end_column=end,
                hint=_short(hiding.told(hint)),
                help=help,
                note=note,
                also=second,
                source=source,
            )
        )

    def _told(self, said: str, span: Span, *, key: bool) -> str:
        return hiding.told(said) if key else hiding.told(said, self.spans, span, self._hidden)

    def also(self, at: At, text: str, *, file: str) -> Also:
        """A key of this file as the second place of a problem."""
        there = self.spans.nearest(at, key=True)
        line, last = hiding.shown(self.spans, there, self._hidden)
        return Also(line=there.line, column=there.column, end_column=last, text=text, source=line, file=file)

    def _make_room(self, *, error: bool) -> bool:
        """Whether a warning or note gave way: however many there are, an error among them is not lost."""
        if not error or all(each.severity == "error" for each in self.problems):
            return False
        self.problems.remove(next(each for each in reversed(self.problems) if each.severity != "error"))
        return True

    # --- what every table has ----------------------------------------------------------------------------------------

    def table(self, at: At, value: object, known: Iterable[str], what: str) -> dict[str, Any]:
        """The known entries of a table; the unknown ones are told, with what was probably meant."""
        if not isinstance(value, dict):
            self.wrong_type(at, value, "a table")
            return {}
        allowed = list(known)
        for name in value:
            if name in allowed or self.full:
                continue
            meant = self.close(name.replace("_", "-"), allowed)
            self.say(
                "C101",
                f"unknown key `{_short(name, 80)}` in {what}",
                (*at, name),
                key=True,
                hint=f"did you mean `{meant}`?" if meant else "not a known key",
                help="" if meant else f"allowed here: {', '.join(sorted(allowed))}",
            )
        return {name: entry for name, entry in value.items() if name in allowed}

    def named(self, at: At, value: object, what: str) -> dict[str, Any]:
        """The entries of a table of names; impossible names and doubles are told and left out."""
        if not isinstance(value, dict):
            self.wrong_type(at, value, "a table")
            return {}
        good: dict[str, Any] = {}
        seen: dict[str, str] = {}
        for name, each in value.items():
            first = seen.setdefault(name.casefold(), name)
            if not forms.is_name(name):
                self.wrong_name((*at, name), name, what, key=True)
            elif first != name:
                double = (*at, first), "the other"
                self.say("C115", f"`{name}` and `{first}` differ in case only", (*at, name), key=True, also=double)
            else:
                good[name] = each
        return good

    def wrong_name(self, at: At, name: str, what: str, *, key: bool = False) -> None:
        """Tell that something cannot be called so."""
        said = f"not a name for a {what}: `{_short(name, 80)}`"
        self.say("C105", said, at, key=key, hint="letters, digits, `.`, `_` and `-`, at most 64")

    def wrong_type(self, at: At, value: object, wanted: str) -> None:
        """Tell that a value is not of the type that its key takes."""
        name = next((part for part in reversed(at) if isinstance(part, str)), "")
        self.say("C109", f"`{_short(name, 80)}` must be {wanted}", at, hint=f"found {kind_of(value)}")


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
