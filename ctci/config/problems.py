"""What is wrong with a configuration, and how it is shown: code, place, source line, caret, and what helps."""

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ctci.config.looked import Looked

#: Code points of a source line that are shown; of a longer one the part around the caret.
WIDEST = 160


@dataclass(frozen=True, kw_only=True)
class Also:
    """A second place of a problem."""

    line: int
    column: int
    end_column: int
    text: str
    source: str
    #: Empty: the file of the problem.
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong. Lines and columns from 1, in code points."""

    code: str
    #: `error`, `warning`, or `note`: nothing is wrong, but something is not in force yet.
    severity: str = "error"
    message: str
    #: As a person would name it; `$NAME` of a variable and `--name` of a flag, which have no lines.
    file: str
    line: int = 1
    column: int = 1
    end_column: int = 2
    #: Stands after the carets.
    hint: str = ""
    help: str = ""
    note: str = ""
    also: Also | None = None
    #: The line itself, or empty; the value of a secret is not in it.
    source: str = ""

    @property
    def where(self) -> str:
        """The file with line and column."""
        return self.file if self.file.startswith(("$", "--")) else f"{self.file}:{self.line}:{self.column}"


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem], looked: Looked | None = None) -> None:
        self.problems = tuple(problems)
        #: What was looked at; None where no file was.
        self.looked = looked
        errors = [each for each in problems if each.severity == "error"]
        said = f"{_count(errors)}; first: {_clean(errors[0].message)} ({errors[0].where})" if errors else "no error"
        super().__init__(said)


def render(problems: Sequence[Problem], *, style: str = "full") -> str:
    """The problems for a terminal (`full`, `concise`), a program (`json`) or a forge's annotations (`github`)."""
    if style == "json":
        return json.dumps([_plain(each) for each in problems], indent=1, ensure_ascii=False) + "\n"
    if style == "github":
        return "".join(_annotation(each) for each in problems)
    if style == "concise":
        return "".join(_line(each) for each in problems)
    return "".join(f"{_picture(each)}\n" for each in problems) + (f"{_count(problems)}\n" if problems else "")


def _line(problem: Problem) -> str:
    hint = f": {problem.hint}" if problem.hint else ""
    return _clean(f"{problem.where}: {problem.severity}[{problem.code}] {problem.message}{hint}") + "\n"


def _annotation(problem: Problem) -> str:
    def escaped(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    text = ". ".join(filter(None, (problem.message, problem.hint, problem.help)))
    place = ""
    if problem.where != problem.file:
        file = escaped(problem.file).replace(":", "%3A").replace(",", "%2C")
        place = f"file={file},line={problem.line},col={problem.column},endColumn={problem.end_column},"
    kind = "notice" if problem.severity == "note" else problem.severity
    return _clean(f"::{kind} {place}title={problem.code}::{escaped(text)}") + "\n"


def _plain(problem: Problem) -> dict[str, object]:
    names = ("code", "severity", "message", "file", "line", "column", "end_column", "hint", "help", "note")
    also = problem.also
    second = None
    if also is not None:
        second = {name: getattr(also, name) for name in ("line", "column", "end_column", "text")}
        second["file"] = also.file or problem.file
    return {**{name: getattr(problem, name) for name in names}, "also": second}


def _picture(problem: Problem) -> str:
    also = problem.also
    gutter = len(str(max(problem.line, also.line if also else 0)))
    pad = " " * gutter
    lines = [f"{problem.severity}[{problem.code}]: {_clean(problem.message)}", f"{pad}--> {_clean(problem.where)}"]
    if problem.source:
        lines += [f"{pad} |", *_marked(problem, "^", problem.hint, gutter)]
    elif problem.hint:
        lines += [f"{pad} = {_clean(problem.hint)}"]
    if also is not None and also.file:
        lines += [f"{pad}::: {_clean(f'{also.file}:{also.line}:{also.column}')}"]
    if also is not None and also.source:
        lines += [f"{pad} |", *_marked(also, "-", also.text, gutter)]
    lines += [f"{pad} = help: {_clean(problem.help)}"] if problem.help else []
    lines += [f"{pad} = note: {_clean(problem.note)}"] if problem.note else []
    return "\n".join(lines) + "\n"


def _marked(place: Problem | Also, mark: str, text: str, gutter: int) -> list[str]:
    """The source line and below it the carets, in the columns of a terminal."""
    start, stop, source = place.column - 1, place.end_column - 1, place.source
    if len(source) > WIDEST:
        first = max(0, min(start - WIDEST // 2, len(source) - WIDEST))
        left, right = "…" if first else "", "…" if first + WIDEST < len(source) else ""
        source = f"{left}{source[first : first + WIDEST]}{right}"
        start, stop = start - first + len(left), stop - first + len(left)
    source = _clean(source)
    before, under = source[:start], source[start:stop]
    pad = "".join("\t" if letter == "\t" else " " * _width(letter) for letter in before)
    marks = mark * max(1, sum(map(_width, under)))
    return [f"{place.line:>{gutter}} | {source}", f"{' ' * gutter} | {pad}{marks} {_clean(text)}".rstrip()]


def _width(letter: str) -> int:
    """Columns of a terminal."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _clean(text: str) -> str:
    """The text without what would move the cursor or turn the direction; as many code points as before."""
    wrong = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "".join("\ufffd" if letter != "\t" and unicodedata.category(letter) in wrong else letter for letter in text)


def _count(problems: Sequence[Problem]) -> str:
    words = ("error", "warning", "note")
    counts = [(sum(each.severity == word for each in problems), word) for word in words]
    said = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts if number)
    return f"{said} in {', '.join(dict.fromkeys(_clean(each.file) for each in problems))}"
