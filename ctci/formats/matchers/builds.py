"""What builds: make, ninja, cmake, maven, sphinx, shellcheck and shells. Pure."""

from ctci.formats.window import MOST_DIRECTORIES, MOST_NAME, Family, Pattern, Window, joined, text
from ctci.model import Finding

_MAKE = Pattern(r"^(?:\S*/)?\S*make(?:\[\d+\])?: \*\*\* (.*)$")
_RECIPE = Pattern(r"^\[(?:(.+?):(\d+): )?(.+?)\] (Error \d+|[A-Z].*?)( \(ignored\))?$")
_MAKEFILE = Pattern(r"^(\S.*?):(\d+): \*\*\* (.*)$")
_DIRECTORY = Pattern(r"make(?:\[\d+\])?: (Entering|Leaving) directory ['`](.+)'$")
_NINJA = Pattern(r"^(?:ninja: (?:error: |build stopped: )(.*)|FAILED: (?:\[code=\d+\] )?(\S+).*)$")
_CMAKE = Pattern(
    r"^CMake (Error|Warning|Deprecation Warning)(?: \(dev\))?(?: at (.+?):(\d+)(?: \((.+)\))?)?:(?: (.*))?$"
)
_MAVEN = Pattern(
    r"^\[(ERROR|WARNING)\] (?:COMPILATION ERROR : )?(\S.*?):\[(\d+)(?:,(\d+))?\] (?:error: |warning: )?(.*)$"
)
_SUREFIRE = Pattern(r"^\[ERROR\] +(\S+?)(?:\((\S+)\))? .*<<< (?:FAILURE|ERROR)!")
_JAVA_FRAME = Pattern(r"^\s+at (?:\S+/)?([\w.$]+)\.[\w$<>]+\(([\w$]+\.\w+):(\d+)\)", b"at ")
_SUREFIRE_SUMMARY = Pattern(r"^\[ERROR\]   (\w+)\.(\w+):(\d+)(?:»| »)? ?(.*)$")
_FLAKE = Pattern(r"^\[WARNING\] ((?:\w+\.)+\w+)$", b"[WARNING] ")
_GOAL = Pattern(r"^\[ERROR\] (Failed to execute goal .*)$")
_SPHINX = Pattern(
    r"^(?:checking consistency\.\.\. )?(\S.*?\.(?:rst|md|txt|ipynb)): (WARNING|ERROR): (.*?)(?: \[([\w.]+)\])?$"
)
_SHELLCHECK = Pattern(r"^(\s*)\^.*?(SC\d{4}) \((\w+)\): (.*)$")
_IN_LINE = Pattern(r"^In (.+) line (\d+):$", b" line ")
_SHELL = Pattern(
    r"^(?:(?:/usr)?/bin/)?(.+?): (?:line )?(\d+): "
    r"(.+: (?:(?:command )?not found|Permission denied|No such file or directory)"
    r"|.*[Ss]yntax error.*|.*unbound variable)$"
)
#: Lines of Surefire's list of flaky tests that are read.
MOST_FLAKES = 500


def _make(window: Window) -> tuple[Finding, ...] | None:
    """GNU make; that a recipe failed is only its last word on what others told."""
    found = _MAKE.fields(window.line)
    if found is not None:
        recipe = _RECIPE.fields((found[0] or "").encode())
        if recipe is None:
            return (window.finding("error", "make", found[0] or ""),)
        file, line, target, what, ignored = recipe
        if ignored:
            return ()
        return (window.finding("error", "make", f"{target}: {what}", rule="recipe", file=file, line=line),)
    placed = _MAKEFILE.fields(window.line)
    if placed is None:
        return None
    return (window.finding("error", "make", placed[2] or "", file=placed[0], line=placed[1]),)


def _directory(window: Window) -> tuple[Finding, ...] | None:
    """Where make is: the paths that follow are relative to it."""
    found = _DIRECTORY.fields(window.line)
    if found is None:
        return None
    word, directory = found
    directories = window.memory.directories
    if word == "Entering":
        directories.append((directory or "")[:1000])
        del directories[:-MOST_DIRECTORIES]
    elif directory in directories:
        # With `make -j` they are not left in the order in which they were entered.
        directories.reverse()
        directories.remove(directory)
        directories.reverse()
    return ()


def _ninja(window: Window) -> tuple[Finding, ...] | None:
    found = _NINJA.fields(window.line)
    if found is None:
        return None
    return (window.finding("error", "ninja", found[0] or f"{found[1]} failed", rule="recipe"),)


def _cmake(window: Window) -> tuple[Finding, ...] | None:
    """`CMake Error at CMakeLists.txt:3 (find_package):` and the paragraph below it."""
    found = _CMAKE.fields(window.line)
    if found is None:
        return None
    word, file, line, command, said = found
    if not said:
        paragraph: list[bytes] = []
        for each in window.below(20):
            if each.strip():
                if not each.startswith(b"  "):
                    break
                paragraph.append(each)
            elif paragraph:
                break
        said = joined(paragraph)
    severity = "error" if word == "Error" else "warning"
    return (window.finding(severity, "cmake", said, rule=command, file=file, line=line),)


def _maven(window: Window) -> tuple[Finding, ...] | None:
    """Maven's compiler and Surefire's tests; of its many `[ERROR]` lines those that say something."""
    placed = _MAVEN.fields(window.line)
    if placed is not None:
        word, file, line, column, said = placed
        severity = "error" if word == "ERROR" else "warning"
        return (window.finding(severity, "maven", said or "", file=file, line=line, column=column),)
    test = _SUREFIRE.fields(window.line)
    if test is not None:
        return _surefire(window, *test)
    summary = _SUREFIRE_SUMMARY.fields(window.line)
    if summary is not None:
        in_class, method, line, said = summary
        if any(each.endswith(f"{in_class}::{method}") for each in window.memory.tests):
            return ()
        return (
            window.finding(
                "failure", "maven", said or "", file=f"{in_class}.java", line=line, test=f"{in_class}::{method}"
            ),
        )
    goal = _GOAL.fields(window.line)
    return (window.finding("error", "maven", goal[0] or "", rule="recipe"),) if goal else ()


def _flakes(window: Window) -> tuple[Finding, ...]:
    """The tests that Surefire ran again until they passed: what was said of them is no failure."""
    for line in window.below(MOST_FLAKES):
        found = _FLAKE.fields(line)
        if found is not None:
            in_class, _, method = (found[0] or "").rpartition(".")
            window.memory.flaky.add(f"{in_class}::{method}"[:MOST_NAME])
        elif not line.startswith((b"[ERROR]   Run ", b"[INFO]   Run ", b"[WARNING]   Run ")) and line != b"[INFO] ":
            break
    return ()


def _surefire(window: Window, test: str | None, in_class: str | None) -> tuple[Finding, ...]:
    """`com.acme.CartTest.total -- Time elapsed: … <<< FAILURE!`, the exception, and the frame in the test's class."""
    full = f"{in_class}.{test}" if in_class else test or ""
    in_class, _, method = full.rpartition(".")
    if not method or "[ERROR] Tests run" in text(window.line):
        return ()
    named = f"{in_class}::{method}"
    window.memory.tests.add(named)
    said = None
    for after, line in enumerate(window.below(40), start=1):
        # The exception is told here, and not once more as a program's.
        window.memory.taken = window.number + after
        frame = _JAVA_FRAME.fields(line)
        if frame is not None and frame[0] == in_class:
            return (window.finding("failure", "maven", said or "failed", file=frame[1], line=frame[2], test=named),)
        if not line.strip() or line.startswith(b"["):
            break
        said = said or text(line)
    return (window.finding("failure", "maven", said or "failed", test=named),)


def _sphinx(window: Window) -> tuple[Finding, ...] | None:
    """What Sphinx says of a whole document."""
    found = _SPHINX.fields(window.line)
    if found is None:
        return None
    file, word, said, rule = found
    return (window.finding((word or "").lower(), "sphinx", said or "", rule=rule, file=file),)


def _shellcheck(window: Window) -> tuple[Finding, ...] | None:
    """`^--^ SC2086 (info): message`, under the source, under `In build.sh line 3:`."""
    found = _SHELLCHECK.fields(window.line)
    if found is None:
        return None
    indent, rule, level, said = (each or "" for each in found)
    severity = level if level in ("error", "warning") else "note"
    for line in window.above(20):
        place = _IN_LINE.fields(line)
        if place is not None:
            file, at = place
            return (
                window.finding(severity, "shellcheck", said, rule=rule, file=file, line=at, column=len(indent) + 1),
            )
    return None


def _shell(window: Window) -> tuple[Finding, ...] | None:
    """`build.sh: line 3: gone: command not found`."""
    found = _SHELL.fields(window.line)
    if found is None:
        return None
    file, line, said = found
    script = file not in ("sh", "bash", "dash", "ksh", "zsh")
    return (window.finding("error", "sh", said or "", file=file if script else None, line=line if script else None),)


FAMILIES = (
    Family(name="make", anchors=(r": \*\*\* ",), read=_make),
    Family(name="make (directories)", anchors=(r"make(?:\[\d+\])?: (?:Entering|Leaving) directory ",), read=_directory),
    Family(name="ninja", anchors=(r"^ninja: (?:error|build stopped)", r"^FAILED: \S"), read=_ninja),
    Family(name="cmake", anchors=(r"^CMake (?:Error|Warning|Deprecation)",), read=_cmake),
    Family(name="maven", anchors=(r"^\[@ERROR@\] ",), read=_maven),
    Family(name="maven (warnings)", anchors=(r"^\[@WARNING@\] .*:\[\d",), read=_maven),
    Family(name="maven (flakes)", anchors=(r"^\[@WARNING@\] @Flakes: ",), read=_flakes),
    Family(name="sphinx", anchors=(r"\.(?:rst|md|txt|ipynb): @(?:WARNING|ERROR): ",), read=_sphinx),
    Family(name="shellcheck", anchors=(r"\^@ @SC\d{4} \(", r"\^-+\^?@ @SC\d{4} \("), read=_shellcheck),
    Family(
        name="shells",
        anchors=(
            r": (?:command )?not found\r?$",
            r"^[^ :\n]+: (?:line )?\d+: .*(?:Permission denied|No such file or directory|unbound variable)\r?$",
            r"^[^ :\n]+: (?:line )?\d+: (?:[Ss]yntax error)",
        ),
        read=_shell,
    ),
)
