"""Go: its compiler, its tests and its panics. Pure."""

from ctci.formats.window import Family, Pattern, Window, text
from ctci.model import Finding

#: Lines of a panic, and of what a Go test wrote before its result, that are looked at.
MOST_PANIC = 60
MOST_LOGGED = 200

_GO = Pattern(r"^(?:vet: )?(\S.*?\.go):(\d+):(\d+): (.*)$")
_GO_FAIL = Pattern(r"^(\s*)--- FAIL: (\S+)")
_GO_RESULT = Pattern(r"^(\s*)--- (PASS|FAIL|SKIP): ", b"--- ")
_GO_RUN = Pattern(r"^=== (?:RUN|NAME|CONT) +(\S+)$", b"=== ")
_GO_LOG = Pattern(r"^\s+(?:\S+: )?(\S+\.go):(\d+): (.*)$", b".go:")
_GO_FRAME = Pattern(r"^\t(\S.*\.go):(\d+)(?: |$)", b".go:")


def _go(window: Window) -> tuple[Finding, ...] | None:
    found = _GO.fields(window.line)
    if found is None:
        return None
    file, line, column, said = found
    return (window.finding("error", "go", said or "", file=file, line=line, column=column),)


def _go_fail(window: Window) -> tuple[Finding, ...] | None:
    """`--- FAIL: TestTotal`, with what the test logged below it or, in verbose runs, above."""
    found = _GO_FAIL.fields(window.line)
    if found is None:
        return None
    indent, test = len(found[0] or ""), found[1] or ""
    for after, line in enumerate(window.below(20), start=1):
        result = _GO_RESULT.fields(line)
        if result is not None and len(result[0] or "") > indent:
            if result[1] == "FAIL":
                # A parent of failing subtests: they are told themselves.
                return ()
            continue
        if line.startswith(b"panic: "):
            window.memory.taken = window.number + after
            file, at = _panic_place(window, after)
            return (window.finding("failure", "go", text(line), file=file, line=at, test=test, after=after),)
        if result is not None or line.startswith((b"FAIL", b"===", b"ok")):
            break
        logged = _GO_LOG.fields(line)
        if logged is not None:
            file, at, said = logged
            return (window.finding("failure", "go", said or "", file=file, line=at, test=test, after=after),)
    return (_go_verbose(window, test) or window.finding("failure", "go", f"{test} failed", test=test),)


def _go_verbose(window: Window, test: str) -> Finding | None:
    """The last thing that a test logged, which in verbose runs stands below `=== RUN   TestTotal`."""
    told: tuple[int, tuple[str | None, ...]] | None = None
    for before, line in enumerate(window.above(MOST_LOGGED), start=1):
        running = _GO_RUN.fields(line)
        logged = _GO_LOG.fields(line) if running is None else None
        if logged is not None:
            told = told or (before, logged)
        elif running is not None and told is not None and running[0] == test:
            file, at, said = told[1]
            return window.finding("failure", "go", said or "", file=file, line=at, test=test, after=-told[0])
        elif running is not None:
            if running[0] == test and line.startswith(b"=== RUN"):
                break
            # What stands below another test's name was logged by that one.
            told = None
    return None


def _go_panic(window: Window) -> tuple[Finding, ...] | None:
    if not window.line.startswith(b"panic: ") or window.number <= window.memory.taken:
        return None
    file, line = _panic_place(window, 0)
    return (window.finding("error", "go", text(window.line), file=file, line=line),) if file else None


def _panic_place(window: Window, after: int) -> tuple[str | None, str | None]:
    """The frame of the project in a panic's stack, which begins so many lines below."""
    for at, line in enumerate(window.below(after + MOST_PANIC), start=1):
        if line.startswith((b"\tpanic: ", b"panic: ")):
            window.memory.taken = window.number + at
        found = _GO_FRAME.fields(line) if line.startswith(b"\t") else None
        if found is not None and "/go/src/" not in (found[0] or "") and "/usr/lib/go" not in (found[0] or ""):
            return found[0], found[1]
    return None, None


FAMILIES = (
    Family(name="go build", anchors=(r"\.go:\d+:\d+:@ ",), read=_go),
    Family(name="go test", anchors=(r"--- FAIL: ",), read=_go_fail),
    Family(name="panics of Go", anchors=(r"^panic: ",), read=_go_panic),
)
