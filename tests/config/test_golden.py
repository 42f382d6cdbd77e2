"""One file for each code: TOML in, exactly this text out. `hunter2` is a secret wherever it stands."""

import json
from pathlib import Path

import pytest

from ctci import config

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.toml"))
GOOD = '[projects.good]\ngit = "/srv/git/good.git"\nrecipes.test = "make test"\n'
ENVIRON = {"ONE": "same", "TWO": "same", "HOOK": "other"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a secret that is open to others, one that is shut and one that is empty; the cwd is above it."""
    made = tmp_path / "config"
    (made / "secrets").mkdir(parents=True)
    for name, text, mode in (("open", "hunter2", 0o644), ("shut", "hunter2", 0o600), ("blank", "\n", 0o600)):
        (made / "secrets" / name).write_text(text)
        (made / "secrets" / name).chmod(mode)
    monkeypatch.chdir(tmp_path)
    return made


def problems_of(folder: Path, case: str) -> tuple[config.Problem, ...]:
    """What is wrong with a case, which is a projects.toml or, named NAME.ctci, a ctci.toml."""
    text = (GOLDEN / f"{case}.toml").read_text()
    (folder / "projects.toml").write_text(GOOD if case.endswith(".ctci") else text)
    if case.endswith(".ctci"):
        (folder / "ctci.toml").write_text(text)
    return config.check(folder, ENVIRON)[1]


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_is_told_in_these_words(folder: Path, case: str) -> None:
    said = config.render(problems_of(folder, case), style="full").replace(str(folder), "FOLDER")

    assert (GOLDEN / f"{case}.txt").read_text() == said


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("style", ["full", "concise", "json", "github"])
def test_no_style_shows_a_secret(folder: Path, case: str, style: str) -> None:
    problems = problems_of(folder, case)

    assert "hunter2" not in config.render(problems, style=style)
    assert "hunter2" not in str(config.ConfigError(problems))
    assert "hunter2" not in repr(problems)


@pytest.mark.parametrize("case", CASES)
def test_every_place_lies_in_the_file(folder: Path, case: str) -> None:
    lines = (GOLDEN / f"{case}.toml").read_text().split("\n")

    for problem in problems_of(folder, case):
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.column < problem.end_column


def test_every_code_has_a_case_and_a_paragraph(folder: Path) -> None:
    told = {problem.code for case in CASES for problem in problems_of(folder, case)}

    assert set(config.EXPLAIN) == told


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("C")])
def test_a_case_shows_the_code_that_it_is_named_after(folder: Path, case: str) -> None:
    assert case[:4] in {problem.code for problem in problems_of(folder, case)}


def test_only_the_warnings_are_warnings(folder: Path) -> None:
    found = [problem for case in CASES for problem in problems_of(folder, case)]

    assert {"C204", "C205", "C401", "C402"} == {each.code for each in found if each.severity == "warning"}


def test_concise_is_a_line_for_each(folder: Path) -> None:
    said = config.render(problems_of(folder, "C202"), style="concise")

    assert said == (
        "config/projects.toml:3:9: error[C202] project `shop` accepts webhooks but has no `webhook-secret`: "
        "anyone who finds the URL could start builds\n"
    )


def test_github_annotates_the_place(folder: Path) -> None:
    said = config.render(problems_of(folder, "C202"), style="github")

    assert said.startswith("::error file=config/projects.toml,line=3,col=9,endColumn=16,title=C202::project `shop`")
    assert said.count("\n") == 1


def test_json_has_every_field_that_programs_need(folder: Path) -> None:
    (problem,) = json.loads(config.render(problems_of(folder, "C401"), style="json"))

    assert problem == {
        "code": "C401",
        "severity": "warning",
        "message": "subproject `web` is never built",
        "file": "config/projects.toml",
        "line": 14,
        "column": 20,
        "end_column": 23,
        "hint": "no pattern in `branches` or `tags` names it",
        "help": "",
        "note": "",
        "also": {"line": 4, "column": 16, "text": "patterns are here"},
    }


def test_nothing_wrong_says_nothing() -> None:
    assert [config.render((), style=style) for style in ("full", "concise", "json", "github")] == ["", "", "[]\n", ""]
