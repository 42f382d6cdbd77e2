"""Lines that are written for a CI: GitHub's commands, which Gitea and Forgejo know too, and Azure's. Pure."""

from collections.abc import Mapping

from ctci.formats.window import Family, Pattern, Window
from ctci.model import Finding

#: Fields of one line that are read.
MOST_FIELDS = 20

_COMMAND = Pattern(r"^\s*::(error|warning|notice)(?: (.*?))?::(.*)$")
_ISSUE = Pattern(r"^\s*##vso\[task\.logissue (.*?)\](.*)$")
_BRACKETS = Pattern(r"^\s*##\[(error|warning)\](.*)$")
_UNESCAPE = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%3B", ";"), ("%5D", "]"), ("%25", "%"))


def _command(window: Window) -> tuple[Finding, ...] | None:
    """`::error file=shop/cart.py,line=3,title=Total::message`."""
    found = _COMMAND.fields(window.line)
    if found is None:
        return None
    word, fields, said = (each or "" for each in found)
    told = _fields(fields, ",")
    # Ruff and others write the place once more into the message.
    place = ":".join(filter(None, (told.get("line"), told.get("col"))))
    before, _, rest = _unescaped(said).partition(": ")
    message = rest if place and rest and before.endswith(f":{place}") else _unescaped(said)
    title = told.get("title")
    if title:
        message = f"{title}: {message}" if message else title
    return _annotation(window, word, message, told.get("file"), told.get("line"), told.get("col"))


def _issue(window: Window) -> tuple[Finding, ...] | None:
    """`##vso[task.logissue type=error;sourcepath=cart.c;linenumber=3;columnnumber=5;code=E1;]message`."""
    found = _ISSUE.fields(window.line)
    if found is None:
        return None
    told = _fields(found[0] or "", ";")
    place = told.get("sourcepath"), told.get("linenumber"), told.get("columnnumber")
    word = "warning" if told.get("type") == "warning" else "error"
    return _annotation(window, word, _unescaped(found[1] or ""), *place, rule=told.get("code"))


def _brackets(window: Window) -> tuple[Finding, ...] | None:
    """`##[error]message`."""
    found = _BRACKETS.fields(window.line)
    return _annotation(window, found[0] or "", found[1] or "") if found is not None else None


def _annotation(
    window: Window,
    word: str,
    said: str,
    file: str | None = None,
    line: str | None = None,
    column: str | None = None,
    rule: str | None = None,
) -> tuple[Finding, ...] | None:
    if not said.strip():
        return None
    severity = "note" if word == "notice" else word
    return (window.finding(severity, "annotation", said, rule=rule, file=file, line=line, column=column),)


def _fields(written: str, between: str) -> Mapping[str, str]:
    """`file=a.c,line=3` by their names."""
    pairs = (each.partition("=") for each in written.split(between)[:MOST_FIELDS])
    return {key.strip().lower(): _unescaped(value) for key, equals, value in pairs if equals}


def _unescaped(said: str) -> str:
    for written, meant in _UNESCAPE:
        said = said.replace(written, meant)
    return said


FAMILIES = (
    Family(name="annotations", anchors=(r"^[ \t]*::(?:error|warning|notice)[ :]",), read=_command),
    Family(name="annotations (issues)", anchors=(r"^[ \t]*##vso\[task\.logissue ",), read=_issue),
    Family(name="annotations (brackets)", anchors=(r"^[ \t]*##\[(?:error|warning)\]",), read=_brackets),
)
