"""Python: pytest, unittest, tracebacks, and the linters ruff, flake8 and pylint. Pure."""

from ctci.formats.window import Family, Pattern, Window, text
from ctci.model import Finding

#: Lines of a traceback, and of a test's failure, that are looked at.
MOST_TRACE = 300
MOST_FAILURE = 60

_E = Pattern(r"^E  +(\S.*)$")
_HEADING = Pattern(r"^_{3,} (?:ERROR (?:collecting|at \w+ of) )?(.+?) _{3,}$")
_PLACE = Pattern(r"^(\S.*\.py):(\d+): ?(?:in .*|[A-Za-z_][\w.]*)?$", b".py:")
_LINE_STYLE = Pattern(r"^(\S.*\.py):(\d+): (?:[A-Za-z_][\w.]*: )?(.+)$", b".py:")
_SUMMARY = Pattern(r"^(FAILED|ERROR) (\S+\.py)(?:::(\S.*?))?(?: - (.*))?$")
_FRAME = Pattern(r'^\s*(?:\| )?\s*File "(.+)", line (\d+)(, in .*)?$', b'File "')
_EXCEPTION = Pattern(r"^\s*(?:\| )?([A-Za-z_][\w.]*(?:: .*)?)$")
_UNITTEST = Pattern(r"^(?:FAIL|ERROR): (\S+) \((.+?)\)")
_LINT = Pattern(r"^(\S.*?\.pyi?):(\d+):(\d+): ([A-Z]{1,4}\d{2,5}|invalid-syntax):? (.*)$")
_RUFF = Pattern(r"^([A-Z]{1,4}\d{2,4}|invalid-syntax):? (.*)$")
_ARROW = Pattern(r"^\s*--> (.+?):(\d+):(\d+)$", b"--> ")

#: Parts of paths that are not the project's.
_FOREIGN = (
    "site-packages",
    "dist-packages",
    "/lib/python",
    "<frozen",
    "<string>",
    "<stdin>",
    "/_pytest/",
    "importlib/",
)


def _ours(file: str | None) -> bool:
    return file is not None and not any(each in file for each in _FOREIGN)


def full_name(file: str, rest: str | None) -> str:
    """A test's full name as JUnit reports have it, of pytest's file and what follows it."""
    module = file.removesuffix(".py").strip("./").replace("/", ".")
    # Parameters are what the test's author wrote, with any signs.
    names, bracket, parameters = (rest or "").partition("[")
    *classes, last = names.split("::")
    whole = ".".join(filter(None, [module, *classes]))
    return f"{whole}::{last}{bracket}{parameters}".removeprefix("::") if last else whole


def _heading(window: Window) -> tuple[Finding, ...] | None:
    """`____ TestCart.test_total ____`: what follows is of that test."""
    found = _HEADING.fields(window.line)
    if found is None:
        return None
    window.memory.test, window.memory.told, window.memory.headed = found[0], False, window.number
    return ()


def _e(window: Window) -> tuple[Finding, ...] | None:
    """The first `E` line of a test's failure, with the place in the project."""
    memory = window.memory
    found = _E.fields(window.line)
    if found is None:
        return None
    if any(line.startswith(b"E  ") for line in window.above(1)):
        return ()
    test = memory.test if not memory.told and window.number - memory.headed < 2000 else None
    if memory.test is not None and memory.told and window.number - memory.headed < 2000:
        # The second exception of a chain, of a test that is known already.
        return ()
    file, line = _place_of(window)
    memory.told = True
    said = found[0] or ""
    node = None
    if test is not None:
        node = _node(test, file)
        memory.tests.add(node)
    elif file is not None:
        # One line for each failure: the summary tells the tests' names, and would tell the same again.
        memory.tests.add(_brief(file, said))
    memory.taken = window.number
    return (window.finding("failure", "pytest", said, file=file, line=line, test=node),)


def _node(heading: str, file: str | None) -> str:
    """The full name of the test that a heading such as `TestCart.test_total[a.b]` names."""
    if heading.endswith(".py"):
        return full_name(heading, None)
    names, bracket, parameters = heading.partition("[")
    return full_name(file or "", names.replace(".", "::") + bracket + parameters)


def _place_of(window: Window) -> tuple[str | None, str | None]:
    """Where it failed: the last place in the project that is told around the `E` lines."""
    foreign: tuple[str | None, str | None] = (None, None)
    for line in window.below(MOST_FAILURE):
        if line.startswith((b"___", b"===", b"---", b"FAILED ", b"ERROR ", b"!!!")):
            break
        if not line.startswith((b" ", b"E", b">")):
            found = _PLACE.fields(line) or _LINE_STYLE.fields(line)
            if found is not None:
                if _ours(found[0]):
                    window.memory.taken = window.number
                    return _relative(window, found[0]), found[1]
                foreign = (found[0], found[1])
                break
    for line in window.above(MOST_FAILURE):
        if line.startswith((b"___", b"===")):
            break
        found = None if line.startswith((b" ", b">", b"E")) else _PLACE.fields(line)
        if found is not None and _ours(found[0]):
            return _relative(window, found[0]), found[1]
    return foreign


def _relative(window: Window, file: str | None) -> str | None:
    root = window.memory.root.rstrip("/") + "/"
    return file.removeprefix(root) if file and len(root) > 1 else file


def _line_style(window: Window) -> tuple[Finding, ...] | None:
    """`tests/test_cart.py:12: AssertionError: assert 2 == 3`: one line for a failure, or the end of a long one."""
    if any(line.startswith(b"E  ") or not line.strip() for line in window.above(1)):
        return ()
    found = _LINE_STYLE.fields(window.line)
    if found is None:
        return None
    file, line, said = _relative(window, found[0]), found[1], found[2] or ""
    window.memory.tests.add(_brief(file, said))
    return (window.finding("failure", "pytest", said, file=file, line=line),)


def _summary(window: Window) -> tuple[Finding, ...] | None:
    """`FAILED tests/test_cart.py::test_total - …`: told only where nothing better was."""
    found = _SUMMARY.fields(window.line)
    if found is None:
        return None
    word, file, rest, said = found
    test = full_name(file or "", rest)
    if {test, _brief(file, said)} & window.memory.tests:
        return ()
    window.memory.tests.add(test)
    message = said or ("failed" if word == "FAILED" else "an error kept it from running")
    return (window.finding("failure", "pytest", message, file=file, test=test),)


def _brief(file: str | None, said: str | None) -> str:
    """A failure by its file's name: whole paths and short ones of it stand in the same log."""
    return f"{(file or '').rpartition('/')[2]}: {said}"


def _rootdir(window: Window) -> tuple[Finding, ...] | None:
    """`rootdir: /build/shop`: pytest's own word for what its absolute paths begin with."""
    if not window.memory.root:
        window.memory.root = text(window.line).removeprefix("rootdir: ").partition(",")[0].strip()
    return ()


def _traceback(window: Window) -> tuple[Finding, ...] | None:
    """The exception's line, at the last frame in the project; a test's failure beneath unittest's heading."""
    if window.number <= window.memory.taken:
        return ()
    file = line = last_file = last_line = None
    depth = len(window.line) - len(window.line.lstrip(b" |"))
    for after, each in enumerate(window.below(MOST_TRACE), start=1):
        frame = _FRAME.fields(each) if b'File "' in each else None
        if frame is not None:
            last_file, last_line = frame[0], frame[1]
            if _ours(last_file):
                file, line = last_file, last_line
            continue
        if each[:depth].strip(b" |") or each[depth : depth + 1] in (b" ", b"\t", b""):
            continue
        said = _EXCEPTION.fields(each)
        if said is None:
            return None
        memory = window.memory
        memory.taken = window.number + after
        test = memory.test if not memory.told and window.number - memory.headed <= 4 else None
        memory.told = memory.told or test is not None
        severity, tool = ("failure", "unittest") if test else ("error", "python")
        return (
            window.finding(
                severity, tool, said[0] or "", file=file or last_file, line=line or last_line, test=test, after=after
            ),
        )
    return None


def _syntax(window: Window) -> tuple[Finding, ...] | None:
    """`File "run.py", line 3`, the source, a caret, `SyntaxError: …`, without a traceback around it."""
    found = _FRAME.fields(window.line)
    if found is None or found[2] or window.number <= window.memory.taken:
        return None
    for after, line in enumerate(window.below(5), start=1):
        if line.startswith((b"SyntaxError", b"IndentationError", b"TabError")):
            window.memory.taken = window.number + after
            return (window.finding("error", "python", text(line), file=found[0], line=found[1], after=after),)
    return None


def _unittest(window: Window) -> tuple[Finding, ...] | None:
    found = _UNITTEST.fields(window.line)
    if found is None:
        return None
    test, of = found[0] or "", found[1] or ""
    module = of.removesuffix(f".{test}")
    window.memory.test, window.memory.told, window.memory.headed = f"{module}::{test}", False, window.number
    return ()


def _lint(window: Window) -> tuple[Finding, ...] | None:
    """`shop/cart.py:1:8: F401 message`, of ruff, flake8 or pylint."""
    found = _LINT.fields(window.line)
    if found is None:
        return None
    file, line, column, rule, said = (each or "" for each in found)
    memory = window.memory
    if window.number != memory.linter_line + 1 or not memory.linter:
        # Only ruff counts what it found; only pylint has four digits and a heading for each module.
        ruff = window.has_below(b"\nFound ") or rule == "invalid-syntax" or "[*]" in said
        memory.linter = "pylint" if len(rule) == 5 and rule[0] in "CRWEF" else "ruff" if ruff else "flake8"
    memory.linter_line = window.number
    severity = "error"
    if memory.linter != "ruff" and rule[0] in "WCR":
        severity = "note" if memory.linter == "pylint" and rule[0] in "CR" else "warning"
    message = said.removeprefix("[*] ")
    return (window.finding(severity, memory.linter, message, rule=rule, file=file, line=line, column=column),)


def _ruff(window: Window) -> tuple[Finding, ...] | None:
    """Ruff's long form: the rule and message, then `--> place`."""
    found = _RUFF.fields(window.line)
    if found is None:
        return None
    for line in window.below(1):
        place = _ARROW.fields(line)
        if place is not None:
            said = (found[1] or "").removeprefix("[*] ")
            file, at, column = place
            return (window.finding("error", "ruff", said, rule=found[0], file=file, line=at, column=column),)
    return None


FAMILIES = (
    Family(name="pytest (headings)", anchors=(r"^_{3,} @?\S",), read=_heading),
    Family(name="pytest", anchors=(r"^E  +\S",), read=_e),
    Family(
        name="pytest (one line each)",
        anchors=(r"^[^ \t\n]+\.py:\d+: [A-Za-z_.]*(?:Error|Exception|assert)\b",),
        read=_line_style,
    ),
    Family(name="pytest (summary)", anchors=(r"^(?:FAILED|ERROR)@ \S+\.py",), read=_summary),
    Family(name="pytest (root)", anchors=(r"^rootdir: /",), read=_rootdir),
    Family(name="tracebacks of Python", anchors=(r"Traceback \(most recent call last\):",), read=_traceback),
    Family(name="syntax errors of Python", anchors=(r'^ *File "[^"\n]+", line \d+\r?$',), read=_syntax),
    Family(name="unittest", anchors=(r"^(?:FAIL|ERROR): \S+ \(",), read=_unittest),
    Family(
        name="linters of Python",
        anchors=(r"\.pyi?@?:@?\d+@?:@?\d+@?:@ @(?:[A-Z]{1,4}\d{2,5}|invalid-syntax)@[: ]",),
        read=_lint,
    ),
    Family(name="ruff", anchors=(r"^(?:[A-Z]{1,4}\d{2,4}|invalid-syntax:)@ ",), read=_ruff),
)
