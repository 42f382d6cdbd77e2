"""JavaScript, Java's exceptions, Perl, TAP, ESLint, Jest and Node's tests. Pure."""

import itertools
from collections.abc import Iterable

from ctci.formats import saying
from ctci.formats.window import MOST_NAME, Family, Pattern, Window, text
from ctci.model import Finding

#: Frames of a stack that are looked at.
MOST_FRAMES = 40
#: Lines of a message that are kept.
MOST_SAID = 6

_ESLINT = Pattern(r"^\s+(\d+):(\d+)\s+(error|warning)\s+(.*?)(?:\s{2,}(\S+))?\s*$")
_EXCEPTION = Pattern(r'^(?:Uncaught )?(?:Exception in thread ".*?" )?((?:[A-Za-z_$][\w.$]*)?(?:Error|Exception)\b.*)$')
_NODE_FRAME = Pattern(r"^\s+at (?:.*\()?(?:file://)?([^()\s][^()]*?):(\d+):(\d+)\)?$", b"at ")
_JAVA_FRAME = Pattern(r"^\s+at (?:\S+/)?([\w.$]+)\.[\w$<>]+\(([\w$]+\.\w+):(\d+)\)", b"at ")
_HEAD = Pattern(r"^(?:file://)?(/?[^\s:]\S*):(\d+)$")
_JEST = Pattern(r"^\s*● (\S.*)$")
#: What Node's runner says of a test whose subtests failed: they are told themselves.
_PARENT = "failureType: 'subtestsFailed'"
_NO_SUITE = "Test suite failed to run"
_JEST_FILE = Pattern(r"^\s*FAIL +(\S+)", b"FAIL ")
_SPEC = Pattern(r"^\s*✖ (.+) \(\d[\d.]*ms\)$")
_TAP = Pattern(r"^\s*not ok \d+(?: -)? ?(.*?)(?:\s+#\s*(\w+).*)?$")
_TAP_PLACE = Pattern(r"^\s*location: '?(.+?):(\d+):(\d+)'?$", b"location: ")
_TAP_FRAME = Pattern(r"^\s+(?:.* \()?(?:file://)?(/[^()\s]+):(\d+):(\d+)\)?$", b":")
_FAILED_TEST = Pattern(r"^\s*#   Failed test '(.*)'$")
_PERL_VALUE = Pattern(r"^\s*#\s+(got|expected): (.*)$")
_PERL_AT = Pattern(r"^\s*#\s+(?:.* )?at (.+) line (\d+)\.$", b" line ")
_PERL = Pattern(r"^(.+) at (\S+) line (\d+)(?:\.|, (?:near|at|<)\b?.*)$")

_FOREIGN_NODE = ("node:", "node_modules/", "internal/", "<anonymous>")
_FOREIGN_JAVA = ("java.", "javax.", "jdk.", "sun.", "org.junit.", "org.apache.maven.", "kotlin.", "scala.")


def _eslint(window: Window) -> tuple[Finding, ...] | None:
    """`  3:7  error  message  rule`, under the name of the file."""
    found = _ESLINT.fields(window.line)
    if found is None:
        return None
    line, column, severity, said, rule = found
    memory = window.memory
    if memory.file is None or window.number != memory.file_line + 1:
        memory.file = None
        for each in window.above(200):
            if each.strip() and not each.startswith((b" ", b"\t")):
                memory.file = text(each)[:1000]
                break
    memory.file_line = window.number
    if memory.file is None:
        return None
    return (
        window.finding(severity or "", "eslint", said or "", rule=rule, file=memory.file, line=line, column=column),
    )


def exception(window: Window) -> tuple[Finding, ...] | None:
    """An exception's line with frames below it: of Node, or of Java."""
    found = _EXCEPTION.fields(window.line)
    if found is None or window.number <= window.memory.taken:
        return None
    said, framed = found[0] or "", False
    place = None
    for after, line in enumerate(window.below(MOST_FRAMES), start=1):
        stripped = line.lstrip()
        if stripped.startswith(b"Caused by: "):
            said += "\n" + text(stripped)
            window.memory.taken = window.number + after
        elif stripped.startswith(b"at "):
            framed = True
            place = place or _frame(line)
        elif after > 6 or (framed and not stripped.startswith(b"...")):
            # A message may have some lines before the frames.
            break
    if not framed:
        return None
    tool, file, at, column = place or ("node", *_head(window), None)
    return (window.finding("error", tool, said, file=file, line=at, column=column),)


def _head(window: Window) -> tuple[str | None, str | None]:
    """Where a syntax error is: it has no frame in the project, and its place stands above, alone."""
    for line in window.above(8):
        head = _HEAD.fields(line)
        if head is not None:
            return head[0], head[1]
    return None, None


def _frame(line: bytes) -> tuple[str, str | None, str | None, str | None] | None:
    """(tool, file, line, column) of a frame that is the project's."""
    java = _JAVA_FRAME.fields(line)
    if java is not None:
        if (java[0] or "").startswith(_FOREIGN_JAVA):
            return None
        return "java", java[1], java[2], None
    node = _NODE_FRAME.fields(line)
    if node is None or any(each in (node[0] or "") for each in _FOREIGN_NODE):
        return None
    return "node", node[0], node[1], node[2]


def _jest(window: Window) -> tuple[Finding, ...] | None:
    """`● Cart › total`, what was expected, and the place in the test; or `● Test suite failed to run`."""
    found = _JEST.fields(window.line)
    if found is None or found[0] == "Console":
        return None
    title = (found[0] or "")[:MOST_NAME]
    nested, test = " › " in title, None if title == _NO_SUITE else title
    if test in window.memory.tests:
        # The summary at the end tells the failures again.
        return ()
    said: list[str] = []
    place: tuple[str | None, ...] = (None, None, None)
    for line in window.below(60):
        stripped = text(line).strip()
        if stripped.startswith("● "):
            break
        frame = _frame(line) if stripped.startswith("at ") else None
        if frame is not None:
            place = frame[1:]
            break
        if stripped and len(said) < 4 and not stripped.startswith(("at ", "|", ">")) and "|" not in stripped[:8]:
            said.append(stripped)
    file, at, column = place
    if not said or (file is None and test is not None and not nested):
        return None
    if test is None:
        failed = next((each for each in map(_JEST_FILE.fields, window.above(60)) if each is not None), None)
        file, at, column = (file, at, column) if file else (failed[0] if failed else None, None, None)
    else:
        window.memory.tests.add(test)
    return (window.finding("failure", "jest", "\n".join(said), file=file, line=at, column=column, test=test),)


def _tap(window: Window) -> tuple[Finding, ...] | None:
    """`not ok 2 - total`, with the place that Node's runner or Perl's tells."""
    found = _TAP.fields(window.line)
    if found is None:
        return None
    test, directive = found
    if (directive or "").lower() in ("todo", "skip"):
        return ()
    said, (file, line, column) = _tap_told(window)
    if said == _PARENT:
        return ()
    if not _is_new(window, test, line):
        return ()
    return (window.finding("failure", "tap", said or test or "failed", file=file, line=line, column=column, test=test),)


def _tap_told(window: Window) -> tuple[str | None, tuple[str | None, ...]]:
    """(what is wrong, where) of what stands below a failed test: where it failed, else where the test begins."""
    said: str | None = None
    begins: tuple[str | None, ...] = (None, None, None)
    lines = iter(window.below(MOST_FRAMES))
    for each in lines:
        stripped = text(each).strip()
        perl, location, frame = _PERL_AT.fields(each), _TAP_PLACE.fields(each), _TAP_FRAME.fields(each)
        if perl is not None:
            return _values(lines), (*perl, None)
        if stripped == _PARENT:
            return _PARENT, begins
        if location is not None:
            begins = location
        elif frame is not None and not any(other in (frame[0] or "") for other in _FOREIGN_NODE):
            return said, frame
        elif stripped.startswith("error: "):
            said = stripped.removeprefix("error: ").strip("'\"")
            if said in ("|-", "|", ">-"):
                block = itertools.takewhile(
                    lambda line: not line.startswith("code: "), (text(line).strip() for line in lines)
                )
                said = saying.led("\n".join(itertools.islice(filter(None, block), MOST_SAID)))
        elif stripped == "..." or stripped.startswith(("ok ", "not ok ")):
            break
    return said, begins


def _test_more(window: Window) -> tuple[Finding, ...] | None:
    """`#   Failed test 'total'`, `#   at t/cart.t line 6.`: all that prove shows of Perl's tests."""
    found = _FAILED_TEST.fields(window.line)
    lines = iter(window.below(MOST_SAID))
    place = _PERL_AT.fields(next(lines, b""))
    if found is None or place is None:
        return None
    test, (file, line) = found[0], place
    if not _is_new(window, test, line):
        return ()
    return (window.finding("failure", "tap", _values(lines) or test or "failed", file=file, line=line, test=test),)


def _values(lines: Iterable[bytes]) -> str | None:
    """`got '2', expected '3'` of the two lines that Perl's tests write for them."""
    found = itertools.takewhile(lambda each: each is not None, map(_PERL_VALUE.fields, itertools.islice(lines, 2)))
    return ", ".join(f"{each[0]} {each[1]}" for each in found if each) or None


def _is_new(window: Window, test: str | None, line: str | None) -> bool:
    """Whether that test at that line was not told yet; it is from now on."""
    key = f"{(test or '')[:MOST_NAME]}:{line}"
    known = key in window.memory.tests
    window.memory.tests.add(key)
    return not known


def _spec(window: Window) -> tuple[Finding, ...] | None:
    """`✖ total (1.77ms)` of Node's runner, with the error and its stack below; it is told again at the end."""
    found = _SPEC.fields(window.line)
    if found is None:
        return None
    test, said = found[0], list[str]()
    for line in window.below(MOST_FRAMES):
        frame = _frame(line) if line.lstrip().startswith(b"at ") else None
        if frame is not None:
            _, file, at, column = frame
            if not _is_new(window, test, at):
                return ()
            told = saying.led("\n".join(said)) or "failed"
            return (window.finding("failure", "node", told, file=file, line=at, column=column, test=test),)
        if not said and not line.startswith(b" "):
            # A parent of failing tests has none.
            return ()
        if line.strip() and len(said) < MOST_SAID:
            said.append(text(line).strip())
    return None


def _perl(window: Window) -> tuple[Finding, ...] | None:
    """Perl's `message at cart.pl line 3.`, also where it is said in a module."""
    if window.line.startswith(b"#"):
        return None
    found = _PERL.fields(window.line)
    if found is None:
        return None
    said, file, line = found
    return (window.finding("error", "perl", said or "", file=file, line=line),)


FAMILIES = (
    Family(name="eslint", anchors=(r"^[ \t]+@\d+:\d+@[ \t]+@(?:error|warning)@[ \t]",), read=_eslint),
    Family(
        name="exceptions",
        anchors=(
            (
                r'^(?:Uncaught )?(?:Exception in thread "[^"\n]+" )?(?:[A-Za-z_$][\w.$]*)?(?:Error|Exception)'
                r"(?: \[\w+\])?@(?::|\r?$)"
            ),
        ),
        read=exception,
    ),
    Family(name="jest", anchors=(r"^ *@● @\S",), read=_jest),
    Family(name="TAP", anchors=(r"^[ \t]*not ok \d",), read=_tap),
    Family(name="tests of Perl", anchors=(r"^[ \t]*#   Failed test '",), read=_test_more),
    Family(name="tests of Node", anchors=(r"^ *✖@ @\S.* \(\d",), read=_spec),
    Family(name="perl", anchors=(r" at \S+ line \d+[.,]",), read=_perl),
)
