"""Compilers: gcc, clang and all that write like them, rustc, javac, tsc, the linker. Pure."""

from ctci.formats.matchers import scripts
from ctci.formats.window import Family, Pattern, Window, text
from ctci.model import Finding

#: Notes of one error that are kept with it.
MOST_NOTES = 5
#: Lines on either side of an error in a template that may tell where it was instantiated.
MOST_TEMPLATE = 40
#: So often is looked for what tells gcc from clang: no more findings of them are kept.
MOST_ASKED = 500

_PLACED = Pattern(
    r"^(?:vet: )?(.+?):(\d+)(?::(\d+))?: ?"
    r"(fatal error|internal compiler error|error|warning|note|ERROR|WARNING|SEVERE|CRITICAL): ?(.*)$"
)
_FILE = Pattern(r"(?:[^\s/\\]\.[A-Za-z]\w{0,9}|(?:^|[/\\])(?:Makefile|GNUmakefile|Dockerfile))$")
_RULE = Pattern(r"^(.*\S)\s+\[((?:-W|SC|[a-z])[\w.=+-]*)\]$")
_NOTE = Pattern(r"^(.+?):(\d+)(?::\d+)?: note: (.*)$", b": note: ")
_INCLUDED = Pattern(r"^(?:In file included from|\s+from) (.+?)[:,]?$", b" from ")
#: gcc's and clang's words for the line of the project that a template was instantiated for.
_REQUIRED = Pattern(r"^(.+?):(\d+):(\d+): +required from here$", b"required from here")
_REQUESTED = Pattern(r"^(.+?):(\d+):(\d+): note: in instantiation of .* requested here$", b" requested here")
_CODED = Pattern(r"^\s*(.+?)(?:\((\d+)(?:,(\d+))?(?:,\d+)*\) ?:|:(\d+):(\d+) -) (error|warning) ([A-Z]+\d+): (.*)$")
_BARE_CODED = Pattern(r"^\s*(error|warning) ([A-Z]+\d+): (.*)$")
_ARROW = Pattern(r"^\s*--> (.+?):(\d+):(\d+)$", b"--> ")
_SAID = Pattern(r"^(error|warning)(?:\[(\w+)\])?: (.*)$")
_GENERIC = Pattern(r"^(?:│ ?)?(error|Error|ERROR|fatal|FATAL): (.*)$")
_ON = Pattern(r"^(?:│ ?)?\s+on (.+?) line (\d+)(?:,|:|$)", b" on ")
_PANICKED = Pattern(r"^thread '(.*)'(?: \(\d+\))? panicked at (.*)$")
_PANIC_PLACE = Pattern(r"^(?:'(.*)', )?(.+?):(\d+):(\d+):?$")
_LINK = Pattern(
    r"^(?:\S*ld(?:\.\w+)?: )?(.+?):(?:\([^)]*\)|(\d+)): ((?:undefined reference to|multiple definition of) .*)$"
)

_TOOLS = {"py": "mypy", "pyi": "mypy", "java": "javac", "sh": "shellcheck", "bash": "shellcheck", "ksh": "shellcheck"}
_TOOLS |= {"rst": "sphinx", "md": "sphinx", "txt": "sphinx", "go": "go", "rs": "rustc", "ts": "tsc", "tsx": "tsc"}
_TOOLS |= dict.fromkeys(("c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "m", "mm", "inl", "cu", "S", "f90"), "gcc")
#: What clang says last, and gcc never.
_CLANG = (
    b" error generated.",
    b" errors generated.",
    b" warning generated.",
    b" warnings generated.",
    b"' requested here",
)
#: Headers of the compiler and the system.
_FOREIGN = ("/usr/", "/opt/", "/Library/", "/Applications/")
_SEVERITIES = {"warning": "warning", "WARNING": "warning", "note": "note"}


def _placed(window: Window) -> tuple[Finding, ...] | None:
    """`file:line:column: error: message`, with its notes."""
    found = _PLACED.fields(window.line)
    if found is None:
        return None
    file, line, column, word, said = (each or "" for each in found)
    severity = _SEVERITIES.get(word, "error")
    if severity == "note" and window.number <= window.memory.taken:
        return ()
    file, _, of = file.partition(":docstring of ")
    if "://" in file or _FILE.fields(file.encode()) is None:
        return None
    # What Sphinx writes is in capitals.
    tool = "sphinx" if of or word.isupper() else _TOOLS.get(file.rpartition(".")[2], "compiler")
    tool = _compiler(window) if tool == "gcc" else tool
    ruled = _RULE.fields(said.encode())
    message, rule = ruled or (said, None)
    user = _user(window) if severity == "error" and file.startswith(_FOREIGN) else None
    told = [f"in {file}:{line}"] if user else _included(window)
    message = "\n".join([message or "", *told, *_notes(window, tool)])
    file, line, column = user or (file, line, column)
    return (window.finding(severity, tool, message, rule=rule, file=file, line=line, column=column),)


def _compiler(window: Window) -> str:
    """Which of gcc and clang it is: they write alike, but for what stands below."""
    memory = window.memory
    if memory.compilers_asked < MOST_ASKED:
        memory.compilers_asked += 1
        memory.compiler = "clang" if any(map(window.has_below, _CLANG)) else "gcc"
    return memory.compiler


def _user(window: Window) -> tuple[str, str, str] | None:
    """The place in the project that a template in somebody else's header was instantiated for."""
    for pattern, lines in ((_REQUIRED, window.above(MOST_TEMPLATE)), (_REQUESTED, window.below(MOST_TEMPLATE))):
        for line in lines:
            found = pattern.fields(line)
            if found is not None and not (found[0] or "").startswith(_FOREIGN):
                return found[0] or "", found[1] or "", found[2] or ""
            if b": error: " in line:
                # Another error: what follows, or stood before, is told of that one.
                break
    return None


def _included(window: Window) -> list[str]:
    """Where the file was included from, if the lines before tell."""
    via = []
    for line in window.above(12):
        if b": In " in line or b": At " in line:
            # `cart.h: In function 'total':` stands between.
            continue
        found = _INCLUDED.fields(line)
        if found is None:
            break
        via.append(found[0] or "")
    return [f"included from {via[0]}"] if via else []


def _notes(window: Window, tool: str) -> list[str]:
    """The notes that follow an error, each with its place."""
    notes: list[str] = []
    for after, line in enumerate(window.below(40), start=1):
        if tool == "javac" and line.startswith(b"  symbol:"):
            return [" ".join(text(line).split())]
        if b": note: " in line:
            found = _NOTE.fields(line)
            if found is None:
                break
            window.memory.taken = window.number + after
            if len(notes) < MOST_NOTES:
                notes.append("note: {}:{}: {}".format(*found))
        elif line[:1] not in (b" ", b"\t") and b": In " not in line:
            # Source and carets are indented; anything else is another thing.
            break
    return notes


def _coded(window: Window) -> tuple[Finding, ...] | None:
    """`file(line,column): error TS2322: message`, and the form for people."""
    found = _CODED.fields(window.line)
    if found is not None:
        file, line, column, other_line, other_column, severity, rule, said = (each or "" for each in found)
        line, column = line or other_line, column or other_column
    else:
        bare = _BARE_CODED.fields(window.line)
        if bare is None:
            return None
        severity, rule, said = (each or "" for each in bare)
        file = line = column = ""
    tool = "tsc" if rule.startswith("TS") else "msbuild"
    return (window.finding(severity, tool, said, rule=rule, file=file, line=line, column=column),)


def _said(window: Window) -> tuple[Finding, ...] | None:
    """`error[E0308]: message` with `--> place` below, and what cargo says after it."""
    found = _SAID.fields(window.line)
    if found is not None:
        severity, rule, said = found
        for line in window.below(6):
            place = _ARROW.fields(line)
            if place is not None:
                file, at, column = place
                return (
                    window.finding(severity or "", "rustc", said or "", rule=rule, file=file, line=at, column=column),
                )
        if severity == "warning":
            return None
        if said and said.startswith(("could not compile", "aborting due to", "test failed, to rerun")):
            return (window.finding("error", "cargo", said),)
    return _generic(window)


def _generic(window: Window) -> tuple[Finding, ...] | None:
    """`Error: message`, with Terraform's place below it, or of a tool that is not known."""
    generic = _GENERIC.fields(window.line)
    if generic is None or not generic[1] or window.number <= window.memory.taken:
        return None
    said, lines = generic[1], iter(window.below(8))
    for line in lines:
        if line == b"Caused by:":
            return (window.finding("error", "log", f"{said}\nCaused by: {text(next(lines, b'')).strip()}"),)
        place = _ON.fields(line)
        if place is not None:
            return (window.finding("error", "terraform", said, file=place[0], line=place[1]),)
        if line.lstrip().startswith(b"at "):
            return scripts.exception(window)
    tool = "terraform" if window.line.startswith("│".encode()) else "log"
    return (window.finding("error", tool, said),)


def _panicked(window: Window) -> tuple[Finding, ...] | None:
    """A panic of Rust, in a test or not."""
    found = _PANICKED.fields(window.line)
    if found is None:
        return None
    test, rest = found
    place = _PANIC_PLACE.fields((rest or "").encode())
    if place is None:
        return None
    said, file, line, column = place
    if said is None:
        lines = []
        for each in window.below(3):
            if not each.strip() or each.startswith((b"stack backtrace", b"note: ")):
                break
            lines.append(text(each))
        said = "\n".join(lines)
    is_test = test not in ("main", "<unnamed>")
    return (
        window.finding(
            "failure" if is_test else "error",
            "rustc",
            said or "panicked",
            file=file,
            line=line,
            column=column,
            test=test if is_test else None,
        ),
    )


def _link(window: Window) -> tuple[Finding, ...] | None:
    found = _LINK.fields(window.line)
    if found is None:
        return None
    file, line, said = found
    return (window.finding("error", "ld", said or "", file=file, line=line),)


FAMILIES = (
    Family(
        name="compilers",
        anchors=(r":\d+:@ ?@(?:fatal |internal compiler )?(?:error|ERROR|SEVERE|CRITICAL)@:",),
        read=_placed,
    ),
    Family(name="compilers (warnings)", anchors=(r":\d+:@ ?@(?:warning|WARNING|note)@:",), read=_placed),
    Family(name="tsc and MSBuild", anchors=(r"(?:error|warning)@ @[A-Z]{1,6}\d{3,5}@: ",), read=_coded),
    Family(
        name="rustc and cargo",
        anchors=(r"^(?:│@ ?@)?(?:error|Error|ERROR|fatal|FATAL)(?:\[E\d{4}\])?@:@ ",),
        read=_said,
    ),
    Family(name="rustc (warnings)", anchors=(r"^warning(?:\[\w+\])?@:@ ",), read=_said),
    Family(name="panics of Rust", anchors=(r"^thread '.*panicked at ",), read=_panicked),
    Family(name="ld", anchors=(r": (?:undefined reference to|multiple definition of) ",), read=_link),
)
