"""The schema, held against the examples by a validator that is not ours."""

import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ctci import config
from ctci.config import keys
from ctci.config.schema import schema

ROOT = Path(__file__).parents[2]
ANNOTATED = (Path(__file__).parent / "annotated.toml").read_text(encoding="utf-8")
VALIDATOR = jsonschema.Draft202012Validator(schema())
GOLDEN = Path(__file__).parent / "golden"


def examples() -> dict[str, str]:
    """Every projects.toml that is shipped, by where it stands."""
    found = {"annotated": ANNOTATED, "config": (ROOT / "config/projects.toml").read_text(encoding="utf-8")}
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        blocks = re.findall(r"```toml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        found |= {f"{path.relative_to(ROOT)}-{number}": text for number, text in enumerate(blocks)}
    return {name: text for name, text in found.items() if is_whole(tomllib.loads(text))}


def is_whole(value: dict[str, Any]) -> bool:
    """Whether it is a projects.toml and not a part of one, which lacks what its other tables would have."""
    tables = [*value.get("projects", {}).values(), *value.get("each", {}).values()]
    return bool(tables) and all("git" in table for table in tables)


def faults(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_examples_of_every_guide_are_among_them() -> None:
    guides = {
        str(path.relative_to(ROOT)) for path in (ROOT / "docs/forges").glob("*.md") if "```toml\n[" in path.read_text()
    }

    assert guides - {name.rpartition("-")[0] for name in examples()} == set()


@pytest.mark.parametrize("text", examples().values(), ids=list(examples()))
def test_every_shipped_example_is_valid(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("timeout     =", "timout      ="),
        ("path     =", "pth      ="),
        ("needs =", "need ="),
        ("on-new-push      =", "on_new_push      ="),
        ("quiet =", "quite ="),
        ("mode =", "mod ="),
        ("until =", "til ="),
        ("token          = { credential", "token          = { credentials"),
        ("recipes.html =", "recipe.html ="),
        ("[each.bare]", "[eech.bare]"),
        ('artifacts = "14d"', 'artefacts = "14d"'),
    ],
)
def test_a_misspelt_key_fails(right: str, wrong: str) -> None:
    assert right in ANNOTATED

    assert faults(ANNOTATED.replace(right, wrong, 1)) != []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"20m"', '"20 minutes"'),
        ('"20m"', "20"),
        ('"gitea"', '"gitee"'),
        ('{ credential = "shop-token" }', '"hunter2"'),
        ('at             = "02:30"', 'at = "2:30"'),
        ('cron = "0 4 * * sun"', 'cron = "0 4 * * sun", at = "02:30"'),
        ("retries = 1", "retries = 11"),
        ('recipes.test = "make check"', ""),
        ('git          = "/srv/git/dotfiles.git"', ""),
        ('webhook   = { env = "OPS_WEBHOOK" }\n', ""),
        ('webhook-secret = { credential = "ops-webhook" }\n', ""),
        ('authors   = ["@example.org"]', 'heartbeat = { env = "HEARTBEAT" }'),
    ],
)
def test_a_wrong_value_fails(right: str, wrong: str) -> None:
    assert right in ANNOTATED

    assert faults(ANNOTATED.replace(right, wrong, 1)) != []


@pytest.mark.parametrize("case", ["C101", "C101-recipe"])
def test_what_check_calls_an_unknown_key_fails_the_schema_too(case: str) -> None:
    assert faults((GOLDEN / f"{case}.toml").read_text(encoding="utf-8")) != []


def test_every_table_is_shut_and_every_key_says_what_it_means() -> None:
    whole = schema()
    tables = [whole, *whole["$defs"].values()]

    assert all(table["additionalProperties"] is False for table in tables)
    assert all(key["description"] for table in tables for key in table["properties"].values())
    assert set(whole["$defs"]) == set(keys.TABLES) - {"top", "included", "server", "backup", "smtp", "limits", "otlp"}


def test_the_annotated_example_has_every_key_but_a_few() -> None:
    written = set(re.findall(r"[a-z][a-z-]*(?= *=)", ANNOTATED)) | set(
        re.findall(r"[\[.]([a-z-]+)(?=[.\] ])", ANNOTATED)
    )
    known = {name for table, found in keys.TABLES.items() for name in found if table in schema()["$defs"]}

    assert known - written <= {"apprise", "heartbeat", "ca-file", *keys.SANDBOX, *keys.KEEP}


def test_the_annotated_example_is_valid_and_notes_what_is_not_in_force(tmp_path: Path) -> None:
    (tmp_path / "projects.toml").write_text(ANNOTATED)
    (tmp_path / "projects.d").mkdir()
    (tmp_path / "projects.d/more.toml").write_text('[projects.more]\ngit = "/x"\nrecipes.test = "true"\n')

    found, problems = config.check(tmp_path, {}, resolve=False)

    assert found is not None
    assert list(found.projects) == ["dotfiles", "shop", "libwidget", "more"]
    assert [each.code for each in problems if each.severity != "note"] == ["C903"]
    noted = [each.message.split("`")[1] for each in problems if each.severity == "note"]
    assert len(set(noted)) == len(noted)
    assert {"artifacts", "lfs", "clean"} <= set(noted)
    assert not {"matrix", "on", "vars", "each", "include", "webhook-secret", "junit", "sarif"} & set(noted)
