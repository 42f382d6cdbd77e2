import json
from pathlib import Path

import pytest

from ctci import ledger
from tests.cli.calling import Caller

BROKEN = """
[projects.shop]
git = "/srv/git/acme/shop.git"
recipes.test = "make test"
timout = "15m"
"""
#: `docs` is named by no pattern: C401, a warning.
WARNED = """
[projects.shop]
git = "/srv/git/acme/shop.git"

[projects.shop.branches]
main = ["api"]

[projects.shop.sub.api]
path = "api"
recipes.test = "make test"

[projects.shop.sub.docs]
path = "docs"
recipes.build = "make html"
"""


def test_a_valid_configuration_is_said_to_be_valid(ctci: Caller) -> None:
    said, quiet = ctci("check"), ctci("check", "--quiet")

    assert (said.code, said.out) == (0, "")
    assert "is valid: 1 project, 2 recipes" in said.err
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_table_for_many_repositories_is_counted_in(ctci: Caller) -> None:
    ctci.configure('[each.all]\ngit = "/srv/git/{name}.git"\nrecipes.test = "make test"')

    assert "is valid: 0 projects and [each.all], 1 recipe" in ctci("check").err


def test_errors_exit_2_and_name_the_key(ctci: Caller) -> None:
    ctci.configure(BROKEN)

    said = ctci("check")

    assert said.code == 2
    assert "C101" in said.out
    assert "timout" in said.out


def test_warnings_count_only_when_strict(ctci: Caller) -> None:
    ctci.configure(WARNED)

    said, strict = ctci("check"), ctci("check", "--strict")

    assert (said.code, strict.code) == (0, 1)
    assert "warning[C401]" in said.out


@pytest.mark.parametrize("file", ["config", "config/projects.toml", "config/ctci.toml"])
def test_a_file_or_its_folder_may_be_named(ctci: Caller, file: str) -> None:
    ctci.configure(BROKEN)
    (ctci.config / "ctci.toml").write_text("")

    said = ctci("check", file)

    assert said.code == 2
    assert "C101" in said.out


def test_another_file_is_refused_and_not_called_valid(ctci: Caller) -> None:
    (ctci.config / "foo.toml").write_text("this is not TOML")

    said = ctci("check", "config/foo.toml")

    assert (said.code, said.err) == (2, "")
    assert "config/foo.toml is neither a folder nor its projects.toml or ctci.toml" in said.out


def test_a_file_that_is_not_there_is_not_found(ctci: Caller) -> None:
    assert ctci("check", "nowhere.toml").code == 5


@pytest.mark.parametrize(
    ("file", "code"), [("config/projects.toml", 2), ("config/foo.toml", 2), ("nowhere.toml", 5), ("config/empty", 2)]
)
def test_who_asks_for_json_gets_json_whatever_is_wrong(ctci: Caller, file: str, code: int) -> None:
    ctci.configure("this is not TOML")
    (ctci.config / "foo.toml").touch()
    (ctci.config / "empty").mkdir()

    said = ctci("check", file, "--format", "json")

    assert (said.code, [each["code"] for each in said.json]) == (code, ["C001"])


def test_who_asks_for_json_without_any_configuration_gets_json(
    ctci: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (ctci.config / "projects.toml").unlink()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    said = ctci("check", "--format", "json")

    assert said.code == 2
    assert "no projects.toml in" in said.json[0]["message"]


def test_json_and_github_are_for_programs(ctci: Caller) -> None:
    valid = ctci("check", "--format", "json")
    ctci.configure(BROKEN)
    broken, github = ctci("check", "--format", "json"), ctci("check", "--format", "github")

    assert valid.json == []
    assert [problem["code"] for problem in json.loads(broken.out)] == ["C101"]
    assert github.out.startswith("::error file=")


def test_a_secret_that_is_not_there_is_an_error_unless_nobody_looks(ctci: Caller) -> None:
    ctci.configure(
        """
        [projects.shop]
        git = "https://git.example.org/acme/shop.git"
        forge = "gitea"
        webhook-secret = { file = "secrets/nowhere" }
        recipes.test = "make test"
        """
    )

    looked, not_looked = ctci("check"), ctci("check", "--no-resolve")

    assert (looked.code, not_looked.code) == (2, 0)
    assert "C203" in looked.out


def test_a_code_is_explained_in_lines_of_a_terminal(ctci: Caller) -> None:
    said = ctci("explain", "c101")

    assert said.code == 0
    assert 0 < max(len(line) for line in said.out.splitlines()) <= 80


def test_a_code_that_is_not_there_is_not_found_and_the_others_are_named(ctci: Caller) -> None:
    said = ctci("explain", "C999")

    assert (said.code, "C101" in said.err) == (5, True)


def test_a_plan_says_what_runs_and_why_and_why_not_the_rest(ctci: Caller) -> None:
    ctci.configure(WARNED)

    said = ctci("plan", "shop")

    assert said.code == 0
    assert said.out.splitlines() == [
        "api queued: the branch is main",
        "  api:test  1 h 00 m  queue  make test".replace("1 h 00 m", "1\u202fh\u202f00\u202fm"),
        "not run:",
        "  docs:build  the branch is main, which does not name it",
    ]


def test_a_plan_of_another_branch_or_a_tag_runs_nothing_and_says_why(ctci: Caller) -> None:
    ctci.configure(WARNED)

    branch, tag = ctci("plan", "shop", "--ref", "next"), ctci("plan", "shop", "--ref", "refs/tags/v1")

    assert (branch.code, tag.code) == (0, 0)
    assert "branch next matches no pattern" in branch.out
    assert "tag v1: no tags table, so tags are not built" in tag.out


def test_a_plan_as_json_has_orders_and_the_rest(ctci: Caller) -> None:
    ctci.configure(WARNED)

    said = ctci("plan", "shop", "--json", "orders,unordered").json

    assert [order["run"] for order in said["orders"]] == ["make test"]
    assert [each["recipe"] for each in said["unordered"]] == ["build"]


def test_a_plan_of_an_unknown_project_is_not_found(ctci: Caller) -> None:
    said = ctci("plan", "nobody")

    assert (said.code, "configured: shop" in said.err) == (5, True)


def test_the_schema_is_what_an_editor_takes(ctci: Caller) -> None:
    told = ctci("schema").json

    assert told["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "projects" in told["properties"]


def test_a_plan_of_changed_files_says_what_is_spared(ctci: Caller) -> None:
    ctci.configure(
        """
        [projects.shop]
        git = "/srv/git/shop.git"
        default-branch = "trunk"
        [projects.shop.sub.api]
        path = "api"
        paths = ["api/**"]
        recipes.test = "make test"
        [projects.shop.sub.web]
        path = "web"
        recipes.test = "make test"
        """
    )

    some, none = (
        ctci("plan", "shop", "--changed", "api/x.py", "-o", "ci.only=api"),
        ctci("plan", "shop", "--changed", "y"),
    )

    assert "api:test" in some.out.splitlines()[1]
    assert "queue" in some.out.splitlines()[1]
    assert "the push said `-o ci.only=api`" in some.out
    assert "no file that its `paths` name has changed" in none.out


@pytest.mark.parametrize("option", ["ci.skip", "skip-ci"])
def test_a_plan_of_a_push_that_says_so_is_skipped(ctci: Caller, option: str) -> None:
    ctci.configure(WARNED)

    said = ctci("plan", "shop", "-o", option, "--changed", "api/x.py")

    assert said.out.splitlines()[0] == f"skipped: the push said `-o {option}`"
    assert "queued" not in said.out


@pytest.mark.parametrize("given", ["LEVEL", "=3"])
def test_a_variable_has_a_name_and_a_value(ctci: Caller, given: str) -> None:
    said = ctci("run", "shop", "--var", given)

    assert (said.code, "--var wants NAME=VALUE" in said.err) == (2, True)


def test_a_variable_that_no_recipe_declares_is_refused_and_one_that_is_reaches_it(
    ctci: Caller, db: ledger.Ledger
) -> None:
    ctci.configure(
        """
        [projects.shop]
        git = "/srv/git/shop.git"
        recipes.test = { run = "make test", vars = ["LEVEL"] }
        """
    )

    refused, taken = ctci("run", "shop", "--var", "SECRET=1"), ctci("run", "shop", "--var", "LEVEL=3")

    assert (refused.code, "no recipe of shop declares SECRET in its `vars`" in refused.err) == (5, True)
    assert taken.code == 0
    assert ledger.jobs_of(db, [1])[1][0].order.recipe.env == {"LEVEL": "3"}


def test_a_ref_may_stand_behind_the_project(ctci: Caller) -> None:
    named, given = ctci("plan", "shop@feature/x", "--json"), ctci("plan", "shop", "--ref", "feature/x", "--json")
    both = ctci("plan", "shop@main", "--ref", "dev")

    assert given.json == named.json
    assert named.json["ref"] == "refs/heads/feature/x"
    assert (both.code, "not both" in both.err) == (2, True)
