"""The same name for the same thing in another run: what moves between runs and machines is taken out first. Pure.

What moves: numbers, hex, ids, times, durations, names of temporary files, and the head of an absolute path. What is
glued to a letter stays (`utf8`, `int32`), as do the numbers of a test's or a file's name: they tell things apart.
"""

import hashlib
import re

#: Characters of a text that are looked at, and of what is left of it that count.
MOST_TEXT = 10_000
MOST_NORMAL = 2_000

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_UNIT = (
    r"(?:nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?"
    r"|nsecs?|usecs?|msecs?|secs?|mins?|hrs?|ns|us|µs|μs|ms|s|m|h|d)"
)
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?: ?[AaPp][Mm](?![A-Za-z]))?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(?!\w))?"
_NUMBER = r"\d+(?:[.,_]\d+)*(?:[eE][+-]?\d+)?"
#: Behind what a path may stand; a route behind a host, `and/or`, and `./x` are none.
_PATH_END = r"[^\s'\"`<>()\[\]{},;:|*?=]*"
#: The first folder of paths that every machine has alike; whole, they tell more than they move.
_SYSTEM = ("/usr/", "/etc/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/dev/", "/proc/", "/sys/")
#: Where machines keep what is their own. What lies elsewhere and ends in no file's name may be a route of a server.
_OWN = re.compile(
    r"/(?:home|root|tmp|srv|var|opt|mnt|media|data|builds?|work(?:space|dir)?|Users|private|runner|app|code|src|ci)/"
)
_TEMP = re.compile(r"/(?:private/)?(?:var/)?(?:tmp|folders)/")
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9_+]{0,7}$")

_ANSI = re.compile(r"\x1b\[[0-9;:?]{0,40}[A-Za-z]")
_POSIX = re.compile(rf"(?<![\w./\-~])(?:file://)?/(?![/\s]){_PATH_END}")
_WINDOWS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]:[\\/][^\s'\"`<>()\[\]{},;:|*?=]+")
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_MADE_UP = re.compile(
    r"(?<![A-Za-z0-9])(?:tmp[a-z0-9_]{8}|tmp\.[A-Za-z0-9]{6,12}|cc[A-Za-z0-9]{6}(?=\.[a-z]{1,3}\b))(?![A-Za-z0-9_])"
)
#: Not the digits of a number such as 1.0000000002e+16.
_HEX = re.compile(r"(?<![A-Za-z0-9])(?<!\d[.,])(?:0[xX][0-9A-Fa-f]+|[0-9A-Fa-f]{7,})(?![A-Za-z0-9])(?!(?<=[eE])[+-]\d)")
_TIME = re.compile(
    rf"(?<!\w)(?:\d{{4}}[-/]\d\d[-/]\d\d(?:[T ]{_CLOCK})?{_ZONE}"
    rf"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},? )?(?:{_MONTH} {{1,2}}\d{{1,2}}|\d{{1,2}} {_MONTH})(?!\w)"
    rf"(?:,? \d{{4}}(?![\d:]))?(?:,? {_CLOCK}{_ZONE})?(?: \d{{4}}(?!\w))?"
    rf"|{_CLOCK}{_ZONE})(?!\w)"
)
#: From a number's begin alone, or `1.1.1.1…` takes the square of its length.
_DURATION = re.compile(rf"(?<!\w)(?<!\d[.,]){_NUMBER} ?{_UNIT}(?: ?{_NUMBER} ?{_UNIT})*(?!\w)")
_PLAIN = re.compile(rf"(?<!\w)[+-]?{_NUMBER}|\d{{6,}}")


def fingerprint(
    *, tool: str, rule: str | None = None, file: str | None = None, message: str = "", test: str | None = None
) -> str:
    """32 hex digits: the same for the same thing in another run, on another machine, some lines further down."""
    return _digest(
        tool,
        rule or "",
        named(file.replace("\\", "/").removeprefix("./") if file else ""),
        named(test or ""),
        normal(message),
    )


def given(*, tool: str, rule: str | None, file: str | None, values: tuple[str, ...]) -> str:
    """The same where the tool itself tells by what values the thing is known again."""
    return _digest("given", tool, rule or "", named(file or ""), *values)


def normal(text: str) -> str:
    """A message without what moves between runs; also for a line of a log."""
    found = named(text)
    found = _TIME.sub("<time>", found)
    found = _DURATION.sub("<for>", found)
    found = _PLAIN.sub("<n>", found)
    return " ".join(found.split())[:MOST_NORMAL]


def named(text: str) -> str:
    """A name without what is made up anew on each run; its numbers stay."""
    found = _ANSI.sub("", text[:MOST_TEXT])
    found = _WINDOWS.sub(lambda match: _tail(match[0].replace("\\", "/")), found)
    found = _POSIX.sub(lambda match: _tail(match[0].removeprefix("file://")), found)
    found = _UUID.sub("<n>", found)
    found = _MADE_UP.sub("<temp>", found)
    return _HEX.sub(_hex, found)


def _tail(path: str) -> str:
    """An absolute path by its last part alone."""
    head, _, last = path.rstrip("/").rpartition("/")
    if path.startswith(_SYSTEM) or not head:
        return path
    is_own = path[0] != "/" or _OWN.match(path) is not None
    if not is_own and not _FILE.search(last):
        return path
    if _TEMP.fullmatch(head + "/"):
        # Right in the folder for temporary files: the name is made up.
        ending = _FILE.search(last)
        return f"/…/<temp>{ending[0] if ending else ''}"
    return f"/…/{last}"


def _hex(match: re.Match[str]) -> str:
    found = match[0]
    # `defaced` is a word; a number is for `normal` to take, not for a name.
    if found.isdigit() or (found.isalpha() and len(found) < 16):
        return found
    return "<n>"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
