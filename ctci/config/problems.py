"""What is wrong with a configuration, and how it is shown: code, place, source line, caret, and what helps."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong. Lines and columns from 1, in code points."""

    code: str
    #: `error` or `warning`.
    severity: str = "error"
    message: str
    file: str
    line: int = 1
    column: int = 1
    end_column: int = 2
    #: Stands after the carets.
    hint: str = ""
    help: str = ""
    note: str = ""
    #: (line, column, end column, text, source line) of a second place.
    also: tuple[int, int, int, str, str] | None = None
    #: The line itself; of a secret never more than its key.
    source: str = ""


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        errors = [each for each in problems if each.severity == "error"]
        first = errors[0] if errors else None
        said = f"{len(errors)} error{'' if len(errors) == 1 else 's'}"
        if first is not None:
            said += f"; the first: {first.message} ({first.file}:{first.line})"
        super().__init__(said)


def render(problems: Sequence[Problem], *, style: str = "full") -> str:
    """The problems for a terminal (`full`, `concise`), a program (`json`) or a forge's annotations (`github`)."""
    if style == "json":
        return json.dumps([_plain(each) for each in problems], indent=1, ensure_ascii=False) + "\n"
    if style == "github":
        return "".join(
            f"::{each.severity} file={each.file},line={each.line},col={each.column},title={each.code}"
            f"::{_github(each)}\n"
            for each in problems
        )
    if style == "concise":
        return "".join(
            f"{each.file}:{each.line}:{each.column}: {each.severity}[{each.code}] {each.message}"
            f"{f': {each.hint}' if each.hint else ''}\n"
            for each in problems
        )
    return "\n".join(_picture(each) for each in problems) + ("\n" + _count(problems) if problems else "")


def _github(problem: Problem) -> str:
    text = ". ".join(filter(None, (problem.message, problem.hint, problem.help)))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _plain(problem: Problem) -> dict[str, object]:
    also = problem.also
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "end_column": problem.end_column,
        "hint": problem.hint,
        "help": problem.help,
        "note": problem.note,
        "also": None if also is None else {"line": also[0], "column": also[1], "text": also[3]},
    }


def _picture(problem: Problem) -> str:
    gutter = len(str(max(problem.line, problem.also[0] if problem.also else 0)))
    empty = " " * gutter + " |"
    lines = [
        f"{problem.severity}[{problem.code}]: {problem.message}",
        f"{' ' * gutter}--> {problem.file}:{problem.line}:{problem.column}",
    ]
    if problem.source:
        lines += [
            empty,
            *_marked(problem.line, problem.column, problem.end_column, "^", problem.hint, problem.source, gutter),
        ]
    if problem.also is not None:
        line, column, end, text, source = problem.also
        lines += [empty, *_marked(line, column, end, "-", text, source, gutter)]
    pad = " " * gutter
    lines += [f"{pad} = help: {problem.help}"] if problem.help else []
    lines += [f"{pad} = note: {problem.note}"] if problem.note else []
    return "\n".join(lines) + "\n"


def _marked(line: int, column: int, end: int, mark: str, text: str, source: str, gutter: int) -> list[str]:
    before, under = source[: column - 1], source[column - 1 : end - 1]
    pad = "".join("\t" if letter == "\t" else " " * _width(letter) for letter in before)
    carets = mark * max(1, sum(_width(letter) for letter in under) or end - column)
    return [f"{line:>{gutter}} | {source}", f"{' ' * gutter} | {pad}{carets}{f' {text}' if text else ''}"]


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _count(problems: Iterable[Problem]) -> str:
    found = list(problems)
    errors = sum(each.severity == "error" for each in found)
    warnings = len(found) - errors
    parts = [f"{errors} error{'' if errors == 1 else 's'}"] if errors else []
    parts += [f"{warnings} warning{'' if warnings == 1 else 's'}"] if warnings else []
    files = ", ".join(dict.fromkeys(each.file for each in found))
    return f"{', '.join(parts)} in {files}\n"


EXPLAIN = {
    "C001": "The file is not valid TOML. Text values need quotes, tables stand in [brackets], a key stands once.",
    "C101": "A key that ctci does not know in this place. Keys are written in kebab-case; a typing error would else be "
    "silently without effect, so every unknown key is an error.",
    "C102": "A key without which this table means nothing, such as `git` of a project or `run` of a recipe.",
    "C103": "The key takes one of a few words, and this is none of them.",
    "C104": "The project or subproject has no recipe, so nothing would ever run.",
    "C105": "Names of projects, subprojects, recipes and notify tables are made of letters, digits, `.`, `_` and `-`, "
    "begin with a letter or digit, and have at most 64 characters: they stand in addresses and paths.",
    "C106": "A project has either `recipes` (at its root) or `sub` (directories with recipes of their own), not both.",
    "C107": "A pattern of `branches` or `tags` names a subproject that the project does not have.",
    "C108": "A path leads out of the repository. It is relative to the repository's root and has no `..`.",
    "C109": "The value has another type than the key takes.",
    "C110": "A recipe is a command (text) or a table with `run`.",
    "C113": "`notify` names a [notify.NAME] table that is not in the file.",
    "C115": "Two names differ in upper and lower case only; paths and addresses could not tell them apart.",
    "C116": "The pattern can match no branch or tag. `*` matches within a name's part, `**` across slashes.",
    "C117": "The name is set by ctci itself for every job, so it cannot be set here.",
    "C119": "Two patterns of one table are equally specific for some name, and the order of a table means nothing.",
    "C201": "A secret's value stands in the file. Write where it lies: { env = ... }, { file = ... } or "
    "{ credential = ... }.",
    "C202": "A project that a forge calls needs a secret, else anyone who finds the address could start jobs.",
    "C203": "The place of a secret is named, but nothing is there, or it cannot be read.",
    "C204": "The file of a secret can be read by others on this machine: `chmod 600` it.",
    "C205": "Two projects have the same webhook secret: who knows one can call for the other.",
    "C206": "The address has a password in it. Use `token` with a reference instead.",
    "C302": 'A duration is a number with a unit: "90s", "20m", "1h30m".',
    "C306": 'A size is a number with a unit: "500MiB", "5GiB".',
    "C401": "A subproject that no pattern names is never built.",
    "C402": "`*` does not match a name with a slash, such as feature/login; use `**` for every other branch.",
    "C501": "Not an e-mail address.",
}
