"""One file for each code: TOML in, exactly this text out. `hunter2` is a secret wherever it stands.

A line `#: projects.d/x.toml` begins another file. CTCI_GOLDEN=1 writes the texts anew: read the difference.
"""

import base64
import json
import os
import re
from pathlib import Path

import pytest

from ctci import config
from ctci.config import outlets

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.toml"))
GOOD = '[projects.good]\ngit = "/srv/git/good.git"\nrecipes.test = "make test"\n'
ENVIRON = {
    "ONE": "same",
    "TWO": "same",
    "HOOK": "other",
    "CALL": "https://hooks.example.org/hunter2",
    "CHAT": "ntfy://hunter2/topic",
    "SIGN": "whsec_" + base64.b64encode(b"hunter2" * 4).decode(),
    # Not of the form that their keys take.
    "LINES": "https://hunter2\r\nX-Evil: 1",
    "SHORT": "whsec_aHVudGVyMg==",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a secret that is open to others, one that is shut and one that is empty; the cwd is above it."""
    made = tmp_path / "config"
    (made / "secrets").mkdir(parents=True)
    for name, text, mode in (("open", "hunter2", 0o644), ("shut", "hunter2", 0o600), ("blank", "\n", 0o600)):
        (made / "secrets" / name).write_text(text)
        (made / "secrets" / name).chmod(mode)
    monkeypatch.chdir(tmp_path)
    # Without the extra, though the tests have it.
    monkeypatch.setattr(outlets, "find_spec", lambda _: None)
    return made


def files_of(case: str) -> dict[str, str]:
    """The files of a case: a projects.toml and what it includes or, of one named NAME.ctci, a ctci.toml."""
    first, *more = re.split(r"(?m)^#: (.+)\n", (GOLDEN / f"{case}.toml").read_text())
    included = dict(zip(more[::2], more[1::2], strict=True))
    if case.endswith(".ctci"):
        return {"projects.toml": GOOD, "ctci.toml": first}
    return {"projects.toml": first, **included}


def problems_of(folder: Path, case: str) -> tuple[config.Problem, ...]:
    """What is wrong with a case."""
    for path in (folder / "ctci.toml", *folder.glob("projects.d/*")):
        path.unlink(missing_ok=True)
    for name, text in files_of(case).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return config.check(folder, ENVIRON)[1]


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_is_told_in_these_words(folder: Path, case: str) -> None:
    said = config.render(problems_of(folder, case), style="full").replace(str(folder), "FOLDER")

    if os.environ.get("CTCI_GOLDEN"):
        (GOLDEN / f"{case}.txt").write_text(said)
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
    files = {f"config/{name}": text.split("\n") for name, text in files_of(case).items()}

    for problem in problems_of(folder, case):
        lines = files[problem.file]
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

    warnings = {"C118", "C204", "C205", "C401", "C402", "C403", "C601", "C903"}
    assert warnings == {each.code for each in found if each.severity == "warning"}
    assert {each.code for each in found if each.severity == "note"} == {"C901"}


def test_a_key_that_is_not_in_force_yet_is_noted_once_in_all_files(folder: Path) -> None:
    notes = [each.message for each in problems_of(folder, "C901")]

    assert notes == [f"`{key}` is understood, and not in force yet" for key in ("lfs", "clean", "artifacts")]


def test_there_are_at_least_60_cases() -> None:
    assert len(CASES) >= 60


def test_github_shows_a_note_as_a_notice(folder: Path) -> None:
    said = config.render(problems_of(folder, "C901"), style="github")

    assert said.startswith("::notice file=config/projects.toml,line=3,col=1,endColumn=4,title=C901::`lfs` is")


def test_the_second_place_may_be_in_another_file(folder: Path) -> None:
    first, *_ = json.loads(config.render(problems_of(folder, "C602"), style="json"))

    assert (first["file"], first["line"]) == ("config/projects.d/a.toml", 5)
    assert first["also"] == {
        "line": 3,
        "column": 9,
        "end_column": 13,
        "text": "the other",
        "file": "config/projects.toml",
    }


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
        "also": {
            "line": 4,
            "column": 16,
            "end_column": 24,
            "text": "patterns are here",
            "file": "config/projects.toml",
        },
    }


def test_nothing_wrong_says_nothing() -> None:
    assert [config.render((), style=style) for style in ("full", "concise", "json", "github")] == ["", "", "[]\n", ""]
