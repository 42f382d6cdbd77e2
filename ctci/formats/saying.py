"""What people read of what a tool wrote at length: fit to be shown, its telling lines, its place. Pure."""

import itertools
import re

from ctci.model import Finding

#: Characters of a message, and of a name.
MOST_MESSAGE = 2000
MOST_NAME = 500
#: Characters of a line that is made of several.
MOST_LINE = 160
#: Lines of a text without a message of its own that make one.
MOST_LINES = 8
#: Lines among which those are looked for.
MOST_LOOKED_AT = 200
MOST_PLACES = 100
MOST_NUMBERS = 2000
MOST_LINE_NUMBER = 10_000_000

#: Messages that say only that something is wrong; what is wrong stands in the text.
_EMPTY_WORDS = frozenset(
    ("", "failed", "failure", "error", "fail", "test failed", "collection failure", "test failure", "completed")
)
#: pytest writes `#x1B` for an escape that XML cannot hold.
_UNSEEN = re.compile(r"(?:\x1b|#x1B)\[[0-9;:?]{0,40}[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_FRAME = re.compile(r"\s*(?:at (?:.*[(:]|/)|\.{3} \d+ more|from /|goroutine \d+ \[)")
#: What `go test` says of a test's run.
_GO_RUN = re.compile(r"\s*(?:=== (?:RUN|PAUSE|CONT|NAME) |--- (?:FAIL|PASS|SKIP): )")
_PYTEST = re.compile(r"E {3,}(.*)")
_LOUD = re.compile(r"(?i)\b(?:\w*error|failed|failure|assert\w*|expected|\w*exception|panic\w*|fatal)\b")
#: `:12`, `:12:5`, `(12)` or `", line 12` behind a file's name.
_NUMBER = re.compile(r":(\d{1,8})(?!\d)(?::(\d{1,6})(?!\d))?|\((\d{1,8})(?:,(\d{1,6}))?\)|\", line (\d{1,8})")
_BREAK = re.compile(r"[\s()\"'<>\[\],|;=`]+")
_FILE = re.compile(r"[^:]*[^:/\\.]\.([A-Za-z][A-Za-z0-9_+]{0,7})|[A-Za-z]:[\\/].*\.([A-Za-z][A-Za-z0-9_+]{0,7})")
_HOSTS = frozenset(("com", "org", "net", "io", "dev", "local", "localhost", "example", "test", "internal"))
#: Frames of somebody else's code.
_FOREIGN = (
    "/usr/",
    "site-packages/",
    "dist-packages/",
    "node_modules/",
    "/vendor/",
    "vendor/",
    "node:",
    "/rustc/",
    "googletest/",
    "/_pytest/",
)
Place = tuple[str, int, int | None]


def clean(text: str, most: int = MOST_MESSAGE) -> str:
    """Without colours and control characters, in lines, at most so long; where it was cut it ends in `…`."""
    found = _UNSEEN.sub("", text[: most * 2].replace("\r\n", "\n")).strip()
    # A lone surrogate cannot be written down.
    found = found.encode("utf-8", "replace").decode()
    return found if len(found) <= most and len(text) <= most * 2 else found[: most - 1].rstrip() + "…"


def name(text: str, most: int = MOST_NAME) -> str:
    """A name: the same on one line, what cannot be printed (bidi marks, private letters) as a space."""
    if len(text) <= most and text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(each if each.isprintable() else " " for each in clean(text, most)).split())


def own(message: str, severity: str = "warning") -> Finding:
    """What ctci itself has to say: what it left out, or could not read."""
    return Finding(severity=severity, tool="ctci", message=message)


def message_of(said: str, text: str, also: tuple[str, ...] = ()) -> str:
    """What is wrong in a few lines: what the tool says for it, else the telling lines of its text.

    `also` are lines that say nothing new, such as the test's own name.
    """
    if said.startswith("failed on ") and "\nE   " in said:
        # A fixture of pytest: what is wrong stands in the middle of where.
        return clean("\n".join(_telling(said, also)))
    if not _is_empty(said[:100]):
        return led(_without_place(clean(said)))
    return led(_without_place(clean("\n".join(_telling(text, also))))) or clean(said)


def led(said: str) -> str:
    """A message whose first line is only an announcement (`Expected values to be equal:`) with the next lines in it.

    The first line is what letters and lists show.
    """
    first, _, rest = said.partition("\n")
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    if not first.endswith(":") or not lines:
        return said
    whole = f"{first} {', '.join(lines)}"
    return whole if len(whole) <= MOST_LINE else "\n".join([f"{first} {lines[0]}", *lines[1:]])


def loud_line(text: str) -> str:
    """Of a program's output the first line that sounds like an error, else the last; without its place."""
    lines = [line.strip() for line in clean(text, 50_000).splitlines() if line.strip()]
    return _without_place(next((line for line in lines if _LOUD.search(line[:1000])), lines[-1] if lines else ""))


def _without_place(said: str) -> str:
    """Without a begin that tells only where: the place has fields of its own."""
    first, _, rest = said.partition("\n")
    if rest.strip() and _is_place(first):
        return rest.strip()
    # An assert of C says the program's name before.
    begin = re.match(r"(?:[\w.+-]{1,100}: )?[^\s:]{1,300}:\d{1,8}(?::\d{1,6})?: (?=\S)", said)
    return said[begin.end() :] if begin and places(begin[0]) else said


def _is_place(line: str) -> bool:
    found = places(line) if len(line) < MOST_NAME else []
    return len(found) == 1 and len(line.strip()) <= len(found[0][0]) + 18 and len(line.split()) <= 2


def _telling(text: str, also: tuple[str, ...]) -> list[str]:
    lines = clean(text, 50_000).splitlines()
    marked = [found[1] for line in lines if (found := _PYTEST.match(line))]
    if marked:
        return marked[:MOST_LINES]
    if lines and lines[0].startswith("Traceback "):
        # Python says what is wrong last.
        ends = [number for number, line in enumerate(lines[1:], 1) if line and not line[0].isspace()]
        return lines[ends[0] :][:MOST_LINES] if ends else lines[-1:]
    kept: list[str] = []
    for line in lines[:MOST_LOOKED_AT]:
        if _FRAME.match(line[:1000]):
            break
        if _GO_RUN.match(line):
            continue
        if (kept and not line.strip()) or not (_is_empty(line) or _is_place(line) or _named(line) in also):
            kept.append(line)
    return kept[:MOST_LINES] or [line for line in lines if not _GO_RUN.match(line)][:1]


def _is_empty(line: str) -> bool:
    return line.strip().lower().rstrip(".!:") in _EMPTY_WORDS


def _named(line: str) -> str:
    """PHPUnit writes a test's name with other marks, and behind it what it was called with."""
    return line.strip().partition(" (")[0].replace("\\", ".")


def places(text: str) -> list[Place]:
    """The files with a line that a text names, in its order: (file, line, column)."""
    found: list[Place] = []
    for match in itertools.islice(_NUMBER.finditer(text), MOST_NUMBERS):
        if len(found) == MOST_PLACES:
            break
        if "." not in text[max(0, match.start() - 9) : match.start()]:
            # No file's ending: most numbers behind a colon are times.
            continue
        head = _BREAK.split(text[max(0, match.start() - 300) : match.start()])[-1]
        named = head.removeprefix("file://")
        ending = _FILE.fullmatch(named)
        if ending is None or "://" in named or (ending[1] or ending[2]).lower() in _HOSTS:
            continue
        line = number(match[1] or match[3] or match[5])
        if line is not None:
            found.append((file_name(named), line, number(match[2] or match[4])))
    return found


def best_place(text: str, own_name: str) -> Place | None:
    """Of the places in a failure's text the one to open first; `own_name` is the test's class or module.

    pytest says last, on a line of its own, where it was raised; a stack begins there, but for the frames of others.
    """
    found = [place for place in places(text) if not any(mark in place[0] for mark in _FOREIGN)]
    parts = set(re.split(r"[.:/\\ $]+", own_name))
    mine = [place for place in found if place[0].replace("\\", "/").rpartition("/")[2].partition(".")[0] in parts]
    begins = {line.removeprefix("./").partition(": ")[0] for line in text.splitlines()}
    raised = [place for place in found if f"{place[0]}:{place[1]}" in begins]
    return next(iter([*raised[-1:], *mine, *found]), None)


def file_name(text: str) -> str:
    """A file as the tool wrote it, without `./`."""
    found = name(text)
    while found.startswith(("./", ".\\")):
        found = found[2:].lstrip("/\\")
    return found.replace("/./", "/")


def relative(file: str, ran_in: str) -> str:
    """A file below the folder that the recipe ran in by its path from there; any other as it is."""
    below = file.removeprefix(ran_in.rstrip("/") + "/") if ran_in.strip("/") else file
    return below or file


def number(text: object) -> int | None:
    """A line or column from 1, None for what is none."""
    if isinstance(text, str):
        # More digits than that is no line, and int() refuses thousands of them.
        text = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    if not isinstance(text, int) or isinstance(text, bool) or not 0 < text <= MOST_LINE_NUMBER:
        return None
    return text
