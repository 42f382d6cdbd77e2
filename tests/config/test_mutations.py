"""Any mutation of the annotated example gives a Config, or problems with places inside a file; never an exception."""

import os
import tomllib
from pathlib import Path
from random import Random

import jsonschema
import pytest

from ctci import config
from ctci.config.schema import schema

ANNOTATED = (Path(__file__).parent / "annotated.toml").read_text(encoding="utf-8")
MORE = '[projects.more]\ngit = "/srv/git/more.git"\ntoken = { env = "MORE" }\nrecipes.test = "make test"\n'
#: 20,000 by CTCI_FUZZ=20000 (README, Contribute).
COUNT = min(int(os.environ.get("CTCI_FUZZ", "600")), 100_000)
#: So many tests share them, that several processes may.
PARTS = 4
STYLES = ("full", "concise", "json", "github")
VALUES = (
    *('""', '"x"', '"main"', '"20m"', '"shop/api"', "[]", "{}", "0", "-1", "3.14", "true", "false", "1979-05-27"),
    *('["x", 1]', "[[]]", '{ env = "A" }', '{ name = "x" }', '"a\\u0000b"', '"{name}"', '"**"', "99999999999999999999"),
    *('{ py = ["1", "2"] }', '["push"]', '"0 0 31 2 *"', '"-"', '"mon-fri"', '"[x]"', '"ä\\n"', "inf", "07:30:00"),
)
LETTERS = "[]{}\"'=.,#\n\\\t -_*!/:@0159azAZ\r\0é日\u202e\ufeff"


def mutated(text: str, chance: Random) -> str:
    """The text with one to four things done to it."""
    for _ in range(chance.randint(1, 4)):
        lines = text.split("\n")
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        kind = chance.randrange(7)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(other, lines[at])
        elif kind == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 3:
            place = chance.randrange(len(text) + 1)
            lines = (text[:place] + chance.choice(LETTERS) + text[place + chance.randint(0, 1) :]).split("\n")
        elif kind == 4 and "=" in lines[at]:
            lines[at] = f"{lines[at].partition('=')[0]}= {chance.choice(VALUES)}"
        elif kind == 5:
            place = chance.randrange(len(text) + 1)
            junk = "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, 12)))
            lines = (text[:place] + junk + text[place:]).split("\n")
        else:
            # One value in the place of another, as when a person pastes into the wrong line.
            lines[at] = f"{lines[at].partition('=')[0]}={lines[other].partition('=')[2]}"
        text = "\n".join(lines)
    return text


def lines_of(path: Path) -> list[str]:
    text = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
    return text.split("\n")


@pytest.mark.parametrize("part", range(PARTS))
def test_a_mutated_example_gives_a_configuration_or_problems_with_places(part: int, tmp_path: Path) -> None:
    chance = Random(part)
    (tmp_path / "projects.d").mkdir()
    included = tmp_path / "projects.d/more.toml"
    for number in range(COUNT // PARTS):
        text, more = mutated(ANNOTATED, chance), MORE
        if number % 4 == 0:
            more = mutated(MORE, chance)
        (tmp_path / "projects.toml").write_bytes(text.encode())
        included.write_bytes(more.encode())

        found, problems = config.check(tmp_path, {}, resolve=number % 2 == 0)

        assert (found is None) == any(each.severity == "error" for each in problems), text
        assert all(config.render(problems, style=style) for style in STYLES) or not problems
        for problem in problems:
            lines = lines_of(Path(problem.file))
            assert 1 <= problem.line <= len(lines), (text, problem)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 2, (text, problem)
            assert problem.column < problem.end_column, (text, problem)


def test_the_mutations_reach_most_codes_and_leave_some_valid(tmp_path: Path) -> None:
    chance = Random(7)
    (tmp_path / "projects.d").mkdir()
    (tmp_path / "projects.d/more.toml").write_text(MORE)
    codes: set[str] = set()
    valid = 0
    for _ in range(300):
        (tmp_path / "projects.toml").write_bytes(mutated(ANNOTATED, chance).encode())
        found, problems = config.check(tmp_path, {}, resolve=False)
        codes |= {each.code for each in problems}
        valid += found is not None

    assert len(codes) > 15
    assert valid > 15


def test_what_check_accepts_the_schema_accepts(tmp_path: Path) -> None:
    chance = Random(11)
    validator = jsonschema.Draft202012Validator(schema())
    accepted = 0
    for _ in range(max(400, COUNT // 20)):
        text = mutated(ANNOTATED, chance)
        (tmp_path / "projects.toml").write_bytes(text.encode())
        if config.check(tmp_path, {}, resolve=False)[0] is None:
            continue
        accepted += 1

        faults = list(validator.iter_errors(tomllib.loads((tmp_path / "projects.toml").read_text("utf-8-sig"))))

        assert [(error.json_path, error.message) for error in faults] == [], text
    assert accepted > 20
