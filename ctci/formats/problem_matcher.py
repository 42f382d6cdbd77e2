"""GitHub's problem-matcher files: bytes -> matchers, and sentences about what is wrong in them. Pure.

Their patterns are strangers': RE2 compiles them, and what it refuses (look-around, back references) is a sentence.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import re2

from ctci.formats.window import Family, Pattern, Window
from ctci.model import Finding

MOST_BYTES = 256 * 1024
MOST_MATCHERS = 50
MOST_LINES = 10
MOST_REGEXP = 2000
#: Lines that one looping pattern reads after its head.
MOST_LOOP = 500
#: Deeper than any such file; json would recurse as deep as its input.
MOST_DEPTH = 20

_FIELDS = ("file", "fromPath", "line", "column", "severity", "code", "message")
_KNOWN = {*_FIELDS, "regexp", "loop", "endLine", "endColumn", "kind"}
_SEVERITIES = {"error": "error", "fatal": "error", "warning": "warning", "warn": "warning"}
_SEVERITIES |= {"notice": "note", "note": "note", "info": "note"}
#: JavaScript's way to write a character, which RE2 writes another way.
_UNICODE = re.compile(r"((?:^|[^\\])(?:\\\\)*)\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, kw_only=True)
class LinePattern:
    """One line of what a matcher looks for; the numbers are groups of the regular expression."""

    regexp: str
    pattern: Pattern
    file: int | None = None
    line: int | None = None
    column: int | None = None
    severity: int | None = None
    code: int | None = None
    message: int | None = None
    loop: bool = False


@dataclass(frozen=True, kw_only=True)
class ProblemMatcher:
    """What one tool's problems look like."""

    owner: str
    #: Where the lines tell none.
    severity: str
    lines: tuple[LinePattern, ...]


class _Wrong(Exception):
    """A sentence about a matcher."""


def read(body: bytes) -> tuple[tuple[ProblemMatcher, ...], tuple[str, ...]]:
    """The matchers of a file that can be used, and what is wrong with the others. Never raises."""
    if len(body) > MOST_BYTES:
        return (), (f"the file is larger than {MOST_BYTES // 1024} KiB",)
    if _depth(body) > MOST_DEPTH:
        return (), (f"the file is nested deeper than {MOST_DEPTH}",)
    try:
        plain = json.loads(body.decode("utf-8-sig"))
    except ValueError:
        return (), ("the file is not JSON",)
    listed = plain.get("problemMatcher") if isinstance(plain, dict) else None
    if not isinstance(listed, list) or not listed:
        return (), ("the file has no list `problemMatcher`",)
    found: list[ProblemMatcher] = []
    wrong: list[str] = []
    for at, each in enumerate(listed[:MOST_MATCHERS], start=1):
        try:
            found.append(_matcher(each, {one.owner for one in found}))
        except _Wrong as error:
            owner = each.get("owner") if isinstance(each, dict) else None
            who = f"`{owner[:100]}`" if isinstance(owner, str) and owner.isprintable() else f"number {at}"
            wrong.append(f"matcher {who}: {error}")
    if len(listed) > MOST_MATCHERS:
        wrong.append(f"the file has {len(listed)} matchers, and {MOST_MATCHERS} may be in one")
    return tuple(found), tuple(wrong)


def _depth(body: bytes) -> int:
    """How many brackets are open at the most, those in strings too: never less than the nesting."""
    depth = deepest = 0
    inside = False
    for token in re.findall(rb'\\.|["\[\]{}]', body, re.DOTALL):
        if token == b'"':
            inside = not inside
        elif not inside and token in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif not inside and token in (b"]", b"}"):
            depth -= 1
    return deepest


def _matcher(plain: Any, owners: set[str]) -> ProblemMatcher:
    if not isinstance(plain, dict):
        raise _Wrong("it is not an object")
    owner = plain.get("owner")
    if not isinstance(owner, str) or not owner or len(owner) > 100 or not owner.isprintable():
        raise _Wrong("`owner` must be a short name")
    if owner in owners:
        raise _Wrong("an earlier one has the same owner")
    severity = plain.get("severity", "error")
    if not isinstance(severity, str) or severity.lower() not in _SEVERITIES:
        raise _Wrong("`severity` must be error, warning or notice")
    patterns = plain.get("pattern")
    if isinstance(patterns, dict):
        patterns = [patterns]
    if not isinstance(patterns, list) or not 0 < len(patterns) <= MOST_LINES:
        raise _Wrong(f"`pattern` must be a list of 1 to {MOST_LINES} patterns")
    lines = tuple(_line(each, number) for number, each in enumerate(patterns, start=1))
    if any(each.loop for each in lines[:-1]):
        raise _Wrong("only the last pattern may loop")
    if lines[-1].loop and len(lines) == 1:
        raise _Wrong("a pattern that loops needs another before it")
    if lines[-1].message is None:
        raise _Wrong("the last pattern must tell the group of the `message`")
    return ProblemMatcher(owner=owner, severity=_SEVERITIES[severity.lower()], lines=lines)


def _line(plain: Any, number: int) -> LinePattern:
    where = f"pattern {number}"
    if not isinstance(plain, dict):
        raise _Wrong(f"{where} is not an object")
    unknown = sorted(key for key in plain if key not in _KNOWN)
    if unknown:
        raise _Wrong(f"{where} has the unknown key {unknown[0][:100]!a}")
    regexp = plain.get("regexp")
    if not isinstance(regexp, str) or not regexp or len(regexp) > MOST_REGEXP:
        raise _Wrong(f"{where} needs a `regexp` of at most {MOST_REGEXP} characters")
    written = _UNICODE.sub(r"\1\\x{\2}", regexp)
    try:
        # As it is looked for in a block of the log, and in a line.
        Pattern(in_block(written))
        pattern = Pattern(written)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args and isinstance(error, re2.error) else "it is no text"
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise _Wrong(f"{where} cannot be used by RE2: {reason[:200]}") from None
    groups: dict[str, int | None] = {key: _group(plain, key, where, pattern.groups) for key in _FIELDS}
    if groups.pop("fromPath") is not None:
        raise _Wrong(f"{where} has `fromPath`, which ctci does not follow")
    loop = plain.get("loop", False)
    if not isinstance(loop, bool):
        raise _Wrong(f"{where}: `loop` must be true or false")
    return LinePattern(regexp=written, pattern=pattern, loop=loop, **groups)


def _group(plain: dict[str, Any], key: str, where: str, most: int) -> int | None:
    given = plain.get(key)
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= most:
        raise _Wrong(f"{where}: `{key}` must be a group of its regexp, 0 to {most}")
    return given


def in_block(regexp: str) -> str:
    """A pattern as it is looked for in many lines at once."""
    return f"(?m)(?:{regexp})"


def family(matcher: ProblemMatcher) -> Family:
    """How a scan looks for a matcher's problems."""

    def reads(window: Window) -> tuple[Finding, ...] | None:
        return _read(matcher, window)

    return Family(name=matcher.owner, anchors=(matcher.lines[0].regexp,), read=reads, plain=True)


def _read(matcher: ProblemMatcher, window: Window) -> tuple[Finding, ...] | None:
    """The problems that begin in this line."""
    told: dict[str, str] = {}
    if not _tell(matcher.lines[0], window.line, told):
        return None
    *middle, last = matcher.lines[1:] or (matcher.lines[0],)
    if len(matcher.lines) == 1:
        return (_finding(matcher, window, told, 0),)
    below = enumerate(window.below(MOST_LOOP), start=1)
    for pattern in middle:
        if not _tell(pattern, next(below, (0, b""))[1], told):
            return None
    found: list[Finding] = []
    for after, line in below:
        own = dict(told)
        if not _tell(last, line, own):
            break
        found.append(_finding(matcher, window, own, after))
        if not last.loop:
            break
    return tuple(found) or None


def _tell(pattern: LinePattern, line: bytes, told: dict[str, str]) -> bool:
    """Write down what a line tells; False where it is not such a line."""
    groups = pattern.pattern.fields(line)
    if groups is None:
        return False
    for key in ("file", "line", "column", "severity", "code", "message"):
        at = getattr(pattern, key)
        said = None if at is None else line.decode("utf-8", "replace") if at == 0 else groups[at - 1]
        if said:
            told[key] = said
    return True


def _finding(matcher: ProblemMatcher, window: Window, told: dict[str, str], after: int) -> Finding:
    return window.finding(
        _SEVERITIES.get(told.get("severity", "").lower(), matcher.severity),
        matcher.owner,
        told.get("message", ""),
        rule=told.get("code"),
        file=told.get("file"),
        line=told.get("line"),
        column=told.get("column"),
        after=after,
    )
