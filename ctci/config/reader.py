"""One TOML file under examination: its tables, and every problem with its place.

Collects problems instead of raising, so that all of a file are told in one pass. Never shows the value of a secret.
"""

import codecs
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ctci.config import forms, keys, scan
from ctci.config.problems import Also, Problem
from ctci.config.scan import At, Span, Spans

#: More of one file would not be read anyway.
MOST_PROBLEMS = 400
MOST_BYTES = 4 << 20
#: Tables whose entries have names of their own, which may be `secrets`.
_NAMING = ("projects", "each", "sub", "recipes", "schedules", "notify")
MASK = '"…hidden…"'
_LOGIN = re.compile(r"://[^/\s@]*:(?![0-9]+/)[^@]*@|^https?://[^/\s]*@")
_SECRET_WORD = re.compile(r"secret|token|passw|credential|[a-z][-_]?key\b", re.IGNORECASE)
_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "a table", list: "a list"}


def kind_of(value: object) -> str:
    """What a TOML value is, in words."""
    return _KINDS.get(type(value), "a date or time")


def has_login(address: str) -> bool:
    """Whether an address has a password in it; over http a name too, for people put tokens there."""
    return _LOGIN.search(address) is not None


@lru_cache(maxsize=10_000)
def _sounds_secret(name: str) -> bool:
    """Whether a key is that of a secret, or may have been meant so: `tokn` with a secret behind it is not shown."""
    if _SECRET_WORD.search(name):
        return True
    return name in keys.SECRETS or (
        name not in keys.ALL and bool(difflib.get_close_matches(name[:100], keys.SECRETS, n=1, cutoff=0.75))
    )


def without(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The table without one of its keys."""
    return {name: each for name, each in value.items() if name != key}


def close(name: str, allowed: Iterable[str]) -> str | None:
    """The one of the allowed names that was probably meant."""
    found = difflib.get_close_matches(name[:100], list(allowed), n=3, cutoff=0.65)
    # Of two that are equally like it, the one that begins as it does: people err late in a word.
    return max(found, key=lambda each: (_likeness(name, each), _alike(name, each)), default=None)


def _alike(one: str, other: str) -> int:
    """With how many letters both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (here, there) in pairs if here != there), min(len(one), len(other)))


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, one[:100]).ratio()


class Reader:
    """A file and what is wrong with it."""

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        #: The file's name for people.
        self.shown = shown
        self.problems: list[Problem] = []
        self.plain: Mapping[str, Any] = {}
        self.spans = Spans()
        #: Names of keys that are not in force yet and have been noted.
        self.noted: set[str] = set()
        #: Where values stand that are never shown.
        self._hidden: list[Span] = []

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
        found = (self.spans.values[at] for at in self._secrets(plain, (), "") if at in self.spans.values)
        self._hidden = sorted(found, key=lambda span: (span.start, -span.stop))
        return True

    def _unreadable(self, said: str, line: int = 1) -> bool:
        self.problems.append(Problem(code="C001", message=f"the file {said}", file=self.shown, line=line))
        return False

    def _syntax(self, said: str, text: str) -> bool:
        """What tomllib says, in our words; where a secret may stand, without the line."""
        found = re.search(r"\(at line (\d+), column (\d+)\)", said)
        lines = text.split("\n")
        line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
        source = lines[line - 1] if line <= len(lines) else ""
        message = re.sub(r" \(at .*\)$", "", said)
        message = re.sub(r"\('(.*)',?\)", lambda it: f"`{it[1].replace(chr(39), '').replace(', ', '.')}`", message)
        before = "\n".join([*lines[: line - 1], source[: column - 1]])
        # Within a text of several lines, any line may be the secret.
        inside = any(before.count(quotes) % 2 for quotes in ('"""', "'''"))
        hide = inside or found is None or _SECRET_WORD.search(source) or re.search(r"\burl\b|://.*@", source)
        self.problems.append(
            Problem(
                code="C001",
                message=f"not valid TOML: {message[:1].lower()}{message[1:]}",
                file=self.shown,
                line=line,
                column=column,
                end_column=column + 1,
                hint='text values need quotes: "…"' if message == "Invalid value" else "",
                source="" if hide else source,
            )
        )
        return False

    def _secrets(self, value: object, at: At, name: str) -> Iterable[At]:
        """The places of all values that are secrets, or may be: also under a misspelt key."""
        secret = at == ("smtp", "url") or (at[:1] == ("notify",) and name == "webhook") or _sounds_secret(name)
        if secret and forms.is_reference(value):
            return
        # A table of references by name: each of them is looked at for itself.
        if name == "secrets" and isinstance(value, dict):
            secret = False
        elif at[-2:-1] == ("secrets",) and len(at) > 2 and at[-3] not in _NAMING:
            secret = not (isinstance(value, dict) and forms.is_reference(without(value, "branches")))
        if secret or (isinstance(value, str) and has_login(value)):
            yield at
        if isinstance(value, dict) and len(at) < scan.DEEPEST:
            for key, each in value.items():
                yield from self._secrets(each, (*at, key), key)
        elif isinstance(value, list) and len(at) < scan.DEEPEST:
            for number, each in enumerate(value):
                yield from self._secrets(each, (*at, number), name)

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
        source, end = self._source(span)
        second = None
        if also is not None:
            second = (other or self).also(*also, file=other.shown if other is not None and other is not self else "")
        self.problems.append(
            Problem(
                code=code,
                severity=severity,
                message=_short(message),
                file=self.shown,
                line=span.line,
                column=span.column,
                end_column=end,
                hint=_short(hint),
                help=help,
                note=note,
                also=second,
                source=source,
            )
        )

    def also(self, at: At, text: str, *, file: str) -> Also:
        """A key of this file as the second place of a problem."""
        there = self.spans.nearest(at, key=True)
        line, last = self._source(there)
        return Also(line=there.line, column=there.column, end_column=last, text=text, source=line, file=file)

    def _make_room(self, *, error: bool) -> bool:
        """Whether a warning or note gave way: however many there are, an error among them is not lost."""
        if not error or all(each.severity == "error" for each in self.problems):
            return False
        self.problems.remove(next(each for each in reversed(self.problems) if each.severity != "error"))
        return True

    def _source(self, span: Span) -> tuple[str, int]:
        """(the line of a place, the end of the place in it): cut where a secret begins, empty behind it."""
        start, stop = self.spans.bounds(span)
        for hidden in self._hidden:
            if hidden.stop <= start or hidden.start >= stop:
                continue
            if hidden.start < start or span.start > hidden.start:
                return "", span.end
            line = self.spans.text[start : hidden.start] + MASK
            return line, min(span.end, len(line) + 1) if span.start < hidden.start else len(line) + 1
        return self.spans.text[start:stop], span.end

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
            meant = close(name.replace("_", "-"), allowed)
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
