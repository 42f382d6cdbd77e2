"""How linters and analysers speak: SARIF 2.1, the JSON report of static analysis. Pure; no bytes raise.

Depth, size and count are held against their caps by a look at the text before it is decoded. What the tool itself says
is suppressed, or known from its baseline, is no finding; one of ctci's own counts it.
"""

import itertools
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ctci.formats import fingerprint, saying
from ctci.model import Finding

MOST_BYTES = 64 * 1024 * 1024
MOST_DEPTH = 100
#: Values in the whole file; each takes a hundred bytes and more when decoded.
MOST_VALUES = 3_000_000
MOST_FINDINGS = 1000
MOST_RUNS = 1000
MOST_ARGUMENTS = 100
#: Bases of a base.
MOST_BASES = 5

_RANK = {"error": 0, "warning": 1, "note": 2}
_LEVELS = {**{each: each for each in _RANK}, "none": "note"}
#: Kinds of results that say that nothing is wrong.
_FINE = frozenset(("pass", "notApplicable"))
_STRING = re.compile(r'"[^"]*"?')
_MARKS = re.compile(r"[^][{},]+")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d{1,3})\}")
_LINK = re.compile(r"\[([^][]{1,500})\]\(\d{1,9}\)")
_DRIVE = re.compile(r"/[A-Za-z]:/")
Plain = Mapping[str, Any]


class _Unread(Exception):
    """Why nothing of it can be read."""


@dataclass(kw_only=True)
class _Left:
    """How many results are no findings, by why."""

    counts: dict[str, int] = field(default_factory=dict)

    def out(self, why: str, count: int = 1) -> None:
        if count > 0:
            self.counts[why] = self.counts.get(why, 0) + count

    def findings(self) -> Iterator[Finding]:
        for why, count in self.counts.items():
            yield saying.own(f"SARIF {why}: {count:,}", "note" if why in _MEANT else "warning")


_SUPPRESSED = "results left out as the tool suppressed them"
_UNCHANGED = "results left out as the tool's baseline has them already"
_TOO_MANY = f"results left out beyond the {MOST_FINDINGS:,} most severe"
_NO_RESULT = "entries left out as they are no results"
_RUNS = f"runs left out beyond the first {MOST_RUNS:,}"
_MEANT = frozenset((_SUPPRESSED, _UNCHANGED))


def read(body: bytes, ran_in: str = "") -> tuple[Finding, ...]:
    """What the report says, the most severe first, then what ctci itself has to say. Never raises for what is in it.

    `ran_in` is the folder that the recipe ran in: files below it are told relative to it.
    """
    try:
        runs = _runs(body)
    except _Unread as error:
        return (saying.own(f"the SARIF report cannot be read: {error}", "error"),)
    left = _Left()
    left.out(_RUNS, len(runs) - MOST_RUNS)
    told = [each for run in runs[:MOST_RUNS] for each in _told(run, left, ran_in)]
    told.sort(key=lambda each: _RANK[each[0]])
    left.out(_TOO_MANY, len(told) - MOST_FINDINGS)
    found = [
        _notice(run, each, level) if is_notice else _result(run, each, level)
        for level, run, each, is_notice in told[:MOST_FINDINGS]
    ]
    return (*found, *left.findings())


def _runs(body: bytes) -> list[Any]:
    """The runs of a report whose shape is harmless. Raises _Unread."""
    if len(body) > MOST_BYTES:
        raise _Unread(f"it is larger than {MOST_BYTES // (1024 * 1024)} MB")
    if not body.strip():
        raise _Unread("it is empty")
    text = body.decode(json.detect_encoding(body), "replace").removeprefix("\ufeff")
    _measure(text)
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        ended = " (it ends early)" if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated") else ""
        raise _Unread(f"it is no JSON from line {error.lineno}, column {error.colno}{ended}") from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits.
        raise _Unread("it is no JSON") from error
    runs = plain.get("runs") if isinstance(plain, dict) else None
    if not isinstance(runs, list):
        raise _Unread("it has no list `runs`")
    return runs


def _measure(text: str) -> None:
    """Depth and count, without decoding anything. Raises _Unread."""
    bare = text.replace("\\\\", "").replace('\\"', "")
    marks = _MARKS.sub("", _STRING.sub("", bare))
    depth = 0
    for mark in itertools.islice(marks, MOST_VALUES):
        if mark in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise _Unread(f"it is nested more than {MOST_DEPTH} deep")
        elif mark in "]}":
            depth -= 1
    if len(marks) > MOST_VALUES:
        raise _Unread(f"it has more than {MOST_VALUES:,} values")


def _told(run: Any, left: _Left, ran_in: str) -> Iterator[tuple[str, "_Run", Plain, bool]]:
    """(level, run, what was told, whether it is of the tool itself) for all that is to be shown."""
    if not isinstance(run, dict):
        left.out(_NO_RESULT)
        return
    whole = _Run(run, ran_in)
    for call in _objects(run, "invocations"):
        notices = [*_objects(call, "toolExecutionNotifications"), *_objects(call, "toolConfigurationNotifications")]
        levels = [_LEVELS.get(_text(each, "level"), "warning") for each in notices]
        yield from ((level, whole, each, True) for level, each in zip(levels, notices, strict=True))
        if call.get("executionSuccessful") is False and "error" not in levels:
            yield "error", whole, {"message": {"text": _unsuccessful(call)}}, True
    results = run.get("results")
    for each in results if isinstance(results, list) else []:
        if not isinstance(each, dict):
            left.out(_NO_RESULT)
        elif _is_suppressed(each):
            left.out(_SUPPRESSED)
        elif each.get("baselineState") == "unchanged":
            left.out(_UNCHANGED)
        elif _text(each, "kind") not in _FINE and each.get("baselineState") != "absent":
            yield whole.level(each), whole, each, False


def _unsuccessful(call: Plain) -> str:
    why = _text(call, "exitCodeDescription") or _text(call, "exitSignalName")
    code = call.get("exitCode")
    told = f": {why}" if why else f": exit code {code}" if isinstance(code, int) and abs(code) < 10**9 else ""
    return f"the tool says that it did not run to its end{told}"


def _is_suppressed(result: Plain) -> bool:
    """One that is still to be reviewed, or was refused, is not in force."""
    return any(each.get("status", "accepted") == "accepted" for each in _objects(result, "suppressions"))


class _Run:
    """One run of one tool: what its results refer to."""

    def __init__(self, run: Plain, ran_in: str) -> None:
        self._run = run
        self._ran_in = ran_in
        self._tool = _object(run, "tool")
        self._driver = _object(self._tool, "driver")
        self.tool = saying.name(_text(self._driver, "name"), 100) or "sarif"
        self._extensions = _list(self._tool, "extensions")
        #: Rules by their id, of the driver first.
        self._by_id: dict[str, Plain] = {}
        for part in (self._driver, *self._extensions):
            for rule in _objects(part, "rules"):
                self._by_id.setdefault(_text(rule, "id"), rule)
        self._artifacts = _list(run, "artifacts")

    def rule(self, result: Plain) -> Plain:
        """What the tool declares of the result's rule; empty where it declares nothing."""
        reference = _object(result, "rule")
        index = result.get("ruleIndex", reference.get("index"))
        component = _object(reference, "toolComponent").get("index")
        part = self._driver if component is None else _at(self._extensions, component)
        found = _at(_list(part, "rules"), index)
        name = _text(result, "ruleId") or _text(reference, "id")
        if found and (not name or name == _text(found, "id") or name.startswith(_text(found, "id") + "/")):
            return found
        # `CA1000/1` is a part of the rule `CA1000`.
        return self._by_id.get(name) or self._by_id.get(name.rpartition("/")[0], {}) if name else {}

    def level(self, result: Plain) -> str:
        """The result's own, else its rule's, else a warning."""
        told = _text(result, "level")
        if told not in _LEVELS:
            if result.get("kind", "fail") != "fail":
                return "note"
            told = _text(_object(self.rule(result), "defaultConfiguration"), "level")
        return _LEVELS.get(told, "warning")

    def message(self, message: Plain, rule: Plain) -> str:
        """Its text, with the arguments at their places."""
        text = _text(message, "text") or _text(message, "markdown")
        name = _text(message, "id")
        if not text and name:
            of_all = _object(_object(self._driver, "globalMessageStrings"), name)
            for string in (_object(_object(rule, "messageStrings"), name), of_all):
                text = text or _text(string, "text") or _text(string, "markdown")
        arguments = _list(message, "arguments")[:MOST_ARGUMENTS]
        filled = _PLACEHOLDER.sub(lambda match: _filled(match, arguments), text[: saying.MOST_MESSAGE * 2])
        return saying.clean(_LINK.sub(r"\1", filled))

    def file(self, location: Plain) -> str | None:
        """Where it lies, relative to the base that the tool names where that is a folder of the machine."""
        if not _text(location, "uri"):
            location = _object(_at(self._artifacts, location.get("index")), "location") or location
        uri = _text(location, "uri")
        bases = _object(self._run, "originalUriBaseIds")
        base = _text(location, "uriBaseId")
        for _ in range(MOST_BASES):
            above = _object(bases, base)
            told = _text(above, "uri")
            if not uri or not base or not told or _is_absolute(told) or _is_absolute(uri):
                break
            uri, base = f"{told.rstrip('/')}/{uri}", _text(above, "uriBaseId")
        return saying.relative(_path(uri), self._ran_in) or None


def _filled(match: re.Match[str], arguments: list[Any]) -> str:
    if match[1] is None:
        return match[0][0]
    at = int(match[1])
    return arguments[at][:500] if at < len(arguments) and isinstance(arguments[at], str) else match[0]


def _is_absolute(uri: str) -> bool:
    return uri.startswith("/") or ":" in uri[:40].partition("/")[0]


def _path(uri: str) -> str:
    """A path of what the standard writes as a URI; other addresses stay as they are."""
    scheme, colon, rest = uri.partition(":")
    if colon and scheme.lower() != "file" and len(scheme) > 1 and rest.startswith("//"):
        return saying.name(uri)
    if colon and scheme.lower() == "file":
        uri = rest[2:] if rest.startswith("///") else rest
        uri = uri.removeprefix("//localhost")
    found = urllib.parse.unquote(uri[:4000], errors="replace")
    return saying.file_name(found[1:] if _DRIVE.match(found) else found)


def _result(run: _Run, result: Plain, level: str) -> Finding:
    rule = run.rule(result)
    name = saying.name(_text(result, "ruleId") or _text(_object(result, "rule"), "id") or _text(rule, "id")) or None
    short = _text(_object(rule, "shortDescription"), "text") or _text(_object(rule, "fullDescription"), "text")
    message = run.message(_object(result, "message"), rule) or saying.clean(short or _text(rule, "name"))
    return _finding(run, result, level=level, rule=name, message=message or name or "no message")


def _notice(run: _Run, notice: Plain, level: str) -> Finding:
    """What the tool says of itself: that it could not read a file, that a rule of it broke."""
    name = saying.name(_text(_object(notice, "descriptor"), "id")) or None
    message = run.message(_object(notice, "message"), {})
    thrown = saying.clean(_text(_object(notice, "exception"), "message"))
    return _finding(run, notice, level=level, rule=name, message=message or thrown or name or "no message")


def _finding(run: _Run, told: Plain, *, level: str, rule: str | None, message: str) -> Finding:
    place = _object(_at(_list(told, "locations"), 0), "physicalLocation")
    region = _object(place, "region") or _object(place, "contextRegion")
    file = run.file(_object(place, "artifactLocation"))
    marks = _object(told, "fingerprints") or _object(told, "partialFingerprints")
    values = tuple(f"{key}={value}" for key, value in sorted(marks.items())[:20] if isinstance(value, str) and value)
    return Finding(
        severity=level,
        tool=run.tool,
        message=message,
        rule=rule,
        file=file,
        line=saying.number(region.get("startLine")) if file else None,
        column=saying.number(region.get("startColumn")) if file else None,
        fingerprint=fingerprint.given(tool=run.tool, rule=rule, file=file, values=values)
        if values
        else fingerprint.fingerprint(tool=run.tool, rule=rule, file=file, message=message),
    )


def _object(plain: Plain, name: str) -> Plain:
    found = plain.get(name)
    return found if isinstance(found, dict) else {}


def _list(plain: Plain, name: str) -> list[Any]:
    found = plain.get(name)
    return found if isinstance(found, list) else []


def _objects(plain: Any, name: str) -> list[Plain]:
    return [each for each in _list(plain, name) if isinstance(each, dict)] if isinstance(plain, dict) else []


def _at(found: list[Any], index: Any) -> Plain:
    """The object at that place of a list, or an empty one."""
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(found):
        return {}
    return found[index] if isinstance(found[index], dict) else {}


def _text(plain: Plain, name: str) -> str:
    found = plain.get(name)
    return found if isinstance(found, str) else ""
