"""How test runners speak: JUnit XML in its dialects, read as a stream. Pure; no bytes raise.

Refused: a DOCTYPE, so that there is no entity to expand, and whatever passes the caps below; a finding of ctci's own
says so, and what was read until then counts. Characters that no XML may hold, which test output is full of, become `?`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.parsers import expat

from ctci.formats import saying, tries, xml_text
from ctci.formats.fingerprint import fingerprint
from ctci.formats.tries import Result, Tries
from ctci.model import Finding

MOST_DEPTH = 200
MOST_ELEMENTS = 10_000_000
#: Bytes of one tag or comment: expat looks at it again with each piece.
MOST_TAG = 2 * 1024 * 1024
#: Characters of a failure's text that are kept, at its begin and at its end, where pytest tells the place.
MOST_HEAD = 10_000
MOST_TAIL = 4000

_WRONG = {"failure": "failed", "error": "errored"}
#: Of a try that was repeated: Surefire, pytest-rerunfailures.
_AGAIN = frozenset(("flakyfailure", "flakyerror", "rerunfailure", "rerunerror", "rerun"))
_SKIPPED = frozenset(("skipped", "skip", "disabled", "ignored"))
_OUTPUT = frozenset(("system-out", "system-err"))
#: What ctest, gtest and others write as the case's status or result.
_STATUS = {
    **dict.fromkeys(("fail", "failed", "failure"), "failed"),
    **dict.fromkeys(("error", "errored"), "errored"),
    **dict.fromkeys(("notrun", "disabled", "skipped", "suppressed", "ignored"), "skipped"),
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a report of tests says: each test counts once."""

    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    flaky: int = 0
    #: Failures and errors in the report's order, then what was flaky, then what ctci itself has to say.
    findings: tuple[Finding, ...] = ()
    results: tuple[Result, ...] = ()

    @property
    def tests(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.errored + self.skipped + self.flaky


@dataclass(kw_only=True, slots=True)
class _Wrong:
    """A failure that is being read."""

    element: str
    said: str
    rule: str
    depth: int
    head: str = ""
    tail: str = ""

    @property
    def text(self) -> str:
        return self.head + self.tail

    def add(self, text: str) -> None:
        room = MOST_HEAD - len(self.head)
        self.head += text[:room] if room > 0 else ""
        if len(text) > room:
            self.tail = (self.tail + text[max(room, 0) :])[-MOST_TAIL:]


@dataclass(kw_only=True, slots=True)
class _Case:
    """A test that is being read."""

    name: str
    group: str
    attributes: dict[str, str]
    depth: int
    status: str = "passed"
    again: bool = False
    wrong: list[_Wrong] = field(default_factory=list)
    left_out: int = 0
    output: str = ""


def read(body: bytes | Iterable[bytes], ran_in: str = "") -> Report:
    """What the report says, whole or in pieces of any size. Never raises for what is in them.

    `ran_in` is the folder that the recipe ran in: files below it are told relative to it.
    """
    reader = _Reader(ran_in)
    try:
        for piece in xml_text.as_utf8([body] if isinstance(body, bytes) else body):
            reader.feed(piece)
        reader.end()
    except xml_text.Stop as stop:
        reader.own.append(saying.own(f"the JUnit report is read only in part: {stop}", "error"))
    except expat.ExpatError as error:
        reader.own.append(_broken(error, seen=reader.elements > 0))
    return reader.report()


def _broken(error: expat.ExpatError, *, seen: bool) -> Finding:
    what = expat.ErrorString(error.code) if error.code else str(error)
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS] and not seen:
        return saying.own("the JUnit report is empty", "error")
    if error.code in _EARLY:
        return saying.own(f"the JUnit report ends early, in line {error.lineno}; what stood before counts", "error")
    return saying.own(
        f"the JUnit report is no well-formed XML from line {error.lineno}, column {error.offset + 1}: {what}; "
        "what stood before counts",
        "error",
    )


_EARLY = {
    expat.errors.codes[each]
    for each in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
}


class _Reader:
    """Follows the tags, keeps little."""

    def __init__(self, ran_in: str) -> None:
        self._ran_in = ran_in
        self.tries = Tries()
        self.own: list[Finding] = []
        self.elements = 0
        #: How many failures the suites' attributes tell of, and the depth of the suite that told them.
        self._declared = 0
        self._counting = 0
        self._fed = 0
        self._depth = 0
        self._root = ""
        #: (depth, name, names of all around it) of the suites that are open; whether one was seen.
        self._suites: list[tuple[int, str, str]] = []
        self._any_suite = False
        self._cases: list[_Case] = []
        self._wrong: _Wrong | None = None
        self._output = 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.buffer_size = 64 * 1024
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def feed(self, piece: bytes) -> None:
        self._parser.Parse(piece, False)
        self._fed += len(piece)
        if self._fed - self._parser.CurrentByteIndex > MOST_TAG:
            raise xml_text.Stop(f"one tag is larger than {MOST_TAG // (1024 * 1024)} MB")

    def end(self) -> None:
        self._parser.Parse(b"", True)

    def _doctype(self, *_: object) -> None:
        raise xml_text.Stop("it has a DOCTYPE, which ctci does not read, as entities could stand in it")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise xml_text.Stop(f"its tags are nested more than {MOST_DEPTH} deep")
        if self.elements > MOST_ELEMENTS:
            raise xml_text.Stop(f"it has more than {MOST_ELEMENTS:,} tags")
        element = tag.rpartition(":")[2].lower()
        if not self._root:
            self._root = element
        if self._wrong or self._output:
            if self._wrong and element in _OUTPUT:
                # What a failed try printed: not its stack.
                self._parser.CharacterDataHandler = None
            return
        self._begin(element, attributes)

    def _begin(self, element: str, attributes: dict[str, str]) -> None:
        if element == "testcase":
            self._open_case(attributes)
        elif element in ("testsuite", "testsuites"):
            self._open_suite(element, attributes)
        elif element in _WRONG or element in _AGAIN:
            said = attributes.get("message", "")
            self._wrong = _Wrong(element=element, said=said, rule=attributes.get("type", ""), depth=self._depth)
            self._parser.CharacterDataHandler = self._wrong.add
        elif self._cases and element in _SKIPPED:
            self._skip(self._cases[-1])
        elif self._cases and element in _OUTPUT:
            self._output = self._depth
            self._parser.CharacterDataHandler = self._print if _is_mute(self._cases[-1]) else None

    def _end(self, tag: str) -> None:
        depth = self._depth
        self._depth -= 1
        if self._wrong:
            if self._wrong.depth == depth:
                self._parser.CharacterDataHandler = None
                wrong, self._wrong = self._wrong, None
                self._close_wrong(wrong)
            elif tag.rpartition(":")[2].lower() in _OUTPUT:
                self._parser.CharacterDataHandler = self._wrong.add
        elif self._output:
            if self._output == depth:
                self._output = 0
                self._parser.CharacterDataHandler = None
        elif self._cases and self._cases[-1].depth == depth:
            self._close_case(self._cases.pop())
        elif self._suites and self._suites[-1][0] == depth:
            self._suites.pop()
            if self._counting == depth:
                self._counting = 0

    def _open_suite(self, element: str, attributes: dict[str, str]) -> None:
        # The counts of an outer one hold those of the inner ones.
        if not self._counting and {"failures", "errors"} & attributes.keys():
            self._counting = self._depth
            for key in ("failures", "errors"):
                self._declared += saying.number(attributes.get(key, "").strip()) or 0
        name = saying.name(attributes.get("name", "")) if element == "testsuite" else ""
        self._suites.append((self._depth, name, f"{self._path()}/{name}"))
        self._any_suite = True

    def _suite(self) -> str:
        return next((name for _, name, _ in reversed(self._suites) if name), "")

    def _path(self) -> str:
        return self._suites[-1][2] if self._suites else ""

    def _open_case(self, attributes: dict[str, str]) -> None:
        group = saying.name(attributes.get("classname") or attributes.get("class") or "")
        name = saying.name(attributes.get("name", "")) or tries.NO_NAME
        case = _Case(name=name, group=group, attributes=attributes, depth=self._depth)
        for key in ("status", "result"):
            told = _STATUS.get(attributes.get(key, "").strip().lower())
            if told and case.status == "passed":
                case.status = told
        self._cases.append(case)

    def _skip(self, case: _Case) -> None:
        if case.status in ("passed", "skipped"):
            case.status = "skipped"

    def _print(self, text: str) -> None:
        case = self._cases[-1]
        case.output += text[: MOST_HEAD - len(case.output)]

    def _close_wrong(self, wrong: _Wrong) -> None:
        if not self._cases:
            if wrong.element in _WRONG:
                # The suite itself went wrong.
                suite = _Case(name=self._suite(), group="", attributes={}, depth=0)
                ended = Result(name=self._suite() or tries.NO_NAME, status="errored")
                self.tries.add(self._path(), "", ended, [self._finding(suite, wrong, "error")])
            return
        case = self._cases[-1]
        if wrong.element in _AGAIN:
            case.again = True
        elif case.status != "errored":
            case.status = _WRONG[wrong.element]
        if len(case.wrong) < tries.MOST_OF_ONE:
            case.wrong.append(wrong)
        elif wrong.element in _WRONG:
            case.left_out += 1

    def _close_case(self, case: _Case) -> None:
        if case.again and case.status in ("passed", "skipped"):
            case.status = "flaky"
        told: list[tuple[_Wrong, str]] = []
        if case.status == "flaky":
            told = [(case.wrong[0], "warning")]
        elif case.status in ("failed", "errored"):
            told = [(wrong, wrong.element) for wrong in case.wrong if wrong.element in _WRONG]
            silent = "failure" if case.status == "failed" else "error"
            told = told or [(_Wrong(element=silent, said="", rule="", depth=0), silent)]
        kept = told[: self.tries.room(case.status)]
        found = [self._finding(case, wrong, severity) for wrong, severity in kept]
        file = saying.file_name(case.attributes.get("file", ""))
        ended = Result(name=self._full(case), status=case.status, seconds=_seconds(case.attributes.get("time", "")))
        self.tries.add(self._path(), file, ended, found, case.left_out + len(told) - len(found))

    def _full(self, case: _Case) -> str:
        suite = self._suite()
        group = case.group or (suite if suite != "pytest" else "")
        # ctest and jest write the whole name twice.
        return case.name if not group or group == case.name else f"{group}::{case.name}"

    def _finding(self, case: _Case, wrong: _Wrong, severity: str) -> Finding:
        test = self._full(case) or tries.NO_NAME
        tool = "pytest" if self._suite() == "pytest" else "junit"
        message = saying.message_of(wrong.said, wrong.text, (case.name, test, test.replace("::", " "), wrong.rule))
        if not message or (not wrong.text.strip() and case.output):
            message = saying.clean(saying.loud_line(case.output)) or message
        file, line, column = _place(case, wrong, is_pytest=tool == "pytest")
        file = saying.relative(file, self._ran_in) if file else None
        rule = saying.name(wrong.rule) or None
        message = message or rule or f"{test} failed, and the report does not say why"
        mark = fingerprint(tool=tool, rule=rule, file=file, message=message, test=test)
        return Finding(
            severity=severity,
            tool=tool,
            message=message,
            rule=rule,
            file=file,
            line=line,
            column=column,
            test=test,
            fingerprint=mark,
        )

    def report(self) -> Report:
        """What was read, also of a file that ended early: a test that was being read counts as it stood."""
        if self._wrong and self._cases:
            self._close_wrong(self._wrong)
        while self._cases:
            self._close_case(self._cases.pop())
        if self.elements and not self._any_suite:
            self.own.append(saying.own(f"this is no JUnit report: it is <{saying.name(self._root, 60)}>", "error"))
        told = self.tries
        if self._declared and not told.counts["failed"] + told.counts["errored"] + told.counts["flaky"]:
            self.own.append(
                saying.own(f"the report's counts say that {self._declared} failed, but it names none of them", "error")
            )
        if told.left_out:
            kept = f"{tries.MOST_FINDINGS:,} are kept"
            self.own.append(saying.own(f"{told.left_out:,} more failures are left out: {kept}"))
        if told.unnamed:
            self.own.append(saying.own(f"{told.unnamed:,} more tests are counted, but not kept by name", "note"))
        return Report(**told.counts, findings=(*told.findings, *self.own), results=tuple(told.results))


def _is_mute(case: _Case) -> bool:
    """Whether it failed without saying more: then its output is all there is."""
    return case.status in ("failed", "errored") and not any(wrong.text.strip() for wrong in case.wrong)


def _seconds(text: str) -> float | None:
    """Surefire writes 1,234.5 for more than a thousand."""
    try:
        found = float(text[:40].replace(",", ""))
    except ValueError:
        return None
    return found if math.isfinite(found) and 0 <= found < 1e9 else None


def _place(case: _Case, wrong: _Wrong, *, is_pytest: bool) -> saying.Place | tuple[str | None, int | None, None]:
    """Where to look: pytest's text tells it best; its attributes name the test's first line, counted from 0."""
    said, line = case.attributes.get("file", ""), saying.number(case.attributes.get("line", "").strip())
    text = wrong.text if wrong.text.strip() else case.output
    found = saying.best_place(f"{wrong.said[:MOST_HEAD]}\n{text}", f"{case.group}.{case.attributes.get('file', '')}")
    if is_pytest:
        line = line + 1 if line else None
    if found:
        return found
    return saying.file_name(said) or None, line if said else None, None
