"""One TOML file under examination: typed access by path, and every problem with its place."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ctci.config import scan
from ctci.config.problems import Problem
from ctci.config.scan import Path as At
from ctci.config.scan import Span, Spans
from ctci.model import SecretRef

#: More would not be read anyway.
MOST_PROBLEMS = 400
MOST_BYTES = 4 << 20
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)")
_UNITS = {
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAIL = re.compile(r"[^@\s<>\"',;:]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
KINDS = {str: "text", bool: "true or false", int: "a number", dict: "a table", list: "a list"}


def kind_of(value: object) -> str:
    """What a TOML value is, in words."""
    return next((word for kind, word in KINDS.items() if type(value) is kind), type(value).__name__)


class Reader:
    """Collects problems instead of raising: all of a file are told in one pass."""

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        self.shown = shown
        self.problems: list[Problem] = []
        self.spans = Spans("")
        self.plain: Mapping[str, Any] = {}
        #: Lines with a secret's value: never shown.
        self._hidden: set[int] = set()

    def parse(self) -> bool:
        """Whether the file is TOML."""
        try:
            raw = self.path.read_bytes()
            if len(raw) > MOST_BYTES:
                raise ValueError(f"the file has more than {MOST_BYTES} bytes")
            text = raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
            self.spans = Spans(text)
            self.plain = tomllib.loads(text)
            self.spans = scan.scan(text)
        except tomllib.TOMLDecodeError as error:
            self._syntax(str(error))
            return False
        except (OSError, ValueError, RecursionError) as error:
            said = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
            if isinstance(error, OSError):
                said = f"cannot be read: {error.strerror}"
            self.problems.append(Problem(code="C001", message=said, file=self.shown))
            return False
        return True

    def _syntax(self, said: str) -> None:
        found = re.search(r"\(at line (\d+), column (\d+)\)", said)
        lines = self.spans.text.split("\n")
        line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
        message = re.sub(r" \(at .*\)$", "", said)
        source = self.spans.line(line)
        hint = 'text values need quotes: "…"' if message == "Invalid value" else ""
        # What follows `=` may be a secret that only lacks its quotes.
        if re.match(r"\s*(webhook-secret|token|ssh-key|url)\b", source):
            source = source.partition("=")[0] + "= …hidden…"
            column = min(column, len(source))
        self.problems.append(
            Problem(
                code="C001",
                message=f"not valid TOML: {message[:1].lower()}{message[1:]}",
                file=self.shown,
                line=line,
                column=column,
                end_column=column + 1,
                hint=hint,
                source=source,
            )
        )

    # --- problems -----------------------------------------------------------------------------------------------------

    def say(
        self,
        code: str,
        message: str,
        at: At,
        *,
        key: bool = False,
        warning: bool = False,
        also: At | None = None,
        **more: str,
    ) -> None:
        """Add a problem at a value, or at its key."""
        if len(self.problems) >= MOST_PROBLEMS:
            return
        span = self._span(at, key=key)
        second = None
        if also is not None:
            there = self._span(also, key=True)
            second = (there.line, there.column, there.end, more.pop("also_text", ""), self._source(there.line))
        self.problems.append(
            Problem(
                code=code,
                severity="warning" if warning else "error",
                message=message,
                file=self.shown,
                line=span.line,
                column=span.column,
                end_column=span.end,
                also=second,
                source=self._source(span.line),
                hint=more.get("hint", ""),
                help=more.get("help", ""),
                note=more.get("note", ""),
            )
        )

    def _span(self, at: At, *, key: bool) -> Span:
        """The nearest place that the text has: the value, its key, or what it stands in."""
        while True:
            first, second = (self.spans.keys, self.spans.values) if key else (self.spans.values, self.spans.keys)
            found = first.get(at) or second.get(at)
            if found is not None:
                return found
            if not at:
                return Span(1, 1, 2)
            at = at[:-1]

    def _source(self, line: int) -> str:
        source = self.spans.line(line)
        return source.partition("=")[0] + '= "…hidden…"' if line in self._hidden else source

    def hide(self, at: At) -> None:
        """The value at this place is a secret: no line of it is ever shown."""
        span = self._span(at, key=False)
        self._hidden.add(span.line)

    # --- values -------------------------------------------------------------------------------------------------------

    def table(self, at: At, value: object, known: Iterable[str], what: str) -> dict[str, Any]:
        """The table's known entries; unknown keys are told."""
        if not isinstance(value, dict):
            self.wrong_type(at, value, "a table")
            return {}
        allowed = list(known)
        for name in value:
            if name in allowed:
                continue
            close = self.close(name.replace("_", "-"), allowed)
            hint = f"did you mean `{close}`?" if close else "not a known key"
            self.say(
                "C101",
                f"unknown key `{name}` in {what}",
                (*at, name),
                key=True,
                hint=hint,
                help="" if close else f"allowed here: {', '.join(sorted(allowed))}",
            )
        return {name: entry for name, entry in value.items() if name in allowed}

    @staticmethod
    def close(name: str, allowed: Iterable[str]) -> str | None:
        found = difflib.get_close_matches(name[:100], list(allowed), n=1, cutoff=0.6)
        return found[0] if found else None

    def wrong_type(self, at: At, value: object, wanted: str) -> None:
        self.say("C109", f"`{at[-1]}` must be {wanted}", at, hint=f"found {kind_of(value)}")

    def text(self, at: At, value: object, default: str = "") -> str:
        if not isinstance(value, str):
            self.wrong_type(at, value, "text")
            return default
        return value

    def flag(self, at: At, value: object) -> bool:
        if not isinstance(value, bool):
            self.wrong_type(at, value, "true or false")
            return False
        return value

    def number(self, at: At, value: object, low: int, high: int, default: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong_type(at, value, "a number")
            return default
        if not low <= value <= high:
            self.say("C103", f"`{at[-1]}` is out of range", at, hint=f"{low} to {high}")
            return default
        return value

    def texts(self, at: At, value: object) -> tuple[str, ...]:
        """A list of texts; one text stands for a list of one."""
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            self.wrong_type(at, value, "a list of text")
            return ()
        found = []
        for number, entry in enumerate(value):
            if isinstance(entry, str):
                found.append(entry)
            else:
                self.say("C109", f"`{at[-1]}` must be a list of text", (*at, number), hint=f"found {kind_of(entry)}")
        return tuple(found)

    def choice(self, at: At, value: object, allowed: tuple[str, ...]) -> str | None:
        if value in allowed:
            return str(value)
        if not isinstance(value, str):
            self.wrong_type(at, value, "text")
            return None
        *most, last = allowed
        self.say("C103", f"`{value}` is not a choice for `{at[-1]}`", at, hint=f"{', '.join(most)} or {last}")
        return None

    def name(self, at: At, what: str) -> bool:
        """Whether the last part of the path may be a name."""
        if _NAME.fullmatch(str(at[-1])):
            return True
        self.say("C105", f"not a name for a {what}: `{at[-1]}`", at, key=True, hint="letters, digits, `.`, `_` and `-`")
        return False

    def duration(self, at: At, value: object, default: int) -> int:
        """Seconds of "1h30m"."""
        found = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
        if found is None or not any(found.groups()):
            shown = value if isinstance(value, str | int | float) else kind_of(value)
            self.say("C302", f"not a duration: `{shown}`", at, hint='write "90s", "20m" or "1h30m"')
            return default
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        if not 0 < total <= 30 * 24 * 3600:
            self.say("C302", f"not a duration: `{value}`", at, hint="more than nothing, and at most 30d")
            return default
        return total

    def size(self, at: At, value: object, default: int) -> int:
        """Bytes of "5GiB"."""
        found = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if found is None and not (value in ("0", 0) and not isinstance(value, bool)):
            shown = value if isinstance(value, str | int | float) else kind_of(value)
            self.say("C306", f"not a size: `{shown}`", at, hint='write "500MiB" or "5GiB"')
            return default
        return int(float(found[1]) * _UNITS[found[2]]) if found else 0

    def mails(self, at: At, value: object) -> tuple[str, ...]:
        found = self.texts(at, value)
        for number, each in enumerate(found):
            if not _MAIL.fullmatch(each) or ".." in each:
                place = (*at, number) if isinstance(value, list) else at
                self.say("C501", f"not an e-mail address: `{each}`", place, hint="name@example.org")
        return tuple(each for each in found if _MAIL.fullmatch(each))

    def secret(self, at: At, value: object) -> SecretRef | None:
        """A reference to a secret; a value is refused and not shown."""
        if isinstance(value, str | int):
            self.hide(at)
            self.say(
                "C201",
                f"`{at[-1]}` must be a reference, not a value",
                at,
                hint="write the secret's location, not the secret",
                help='use { env = "NAME" }, { file = "/path" } or { credential = "name" }',
                note="if this was a real secret it is now in your shell history and editor backups: rotate it",
            )
            return None
        entries = self.table(at, value, ("env", "file", "credential"), f"`{at[-1]}`")
        if len(entries) != 1:
            if isinstance(value, dict):
                self.say("C102", f"`{at[-1]}` needs exactly one of `env`, `file` and `credential`", at)
            return None
        ((kind, name),) = entries.items()
        named = self.text((*at, kind), name)
        return SecretRef(kind=kind, name=named) if named else None
