"""Several files, tables for many repositories, schedules and what orders a recipe: what valid ones mean."""

from pathlib import Path

import pytest

from ctci import config
from ctci.config.settings import Notify, Schedule

SHOP = '[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make test"\n'
EACH = '[each.bare]\ngit = "{}"\nrecipes.test = "make test"\n'


def write(folder: Path, **files: str) -> None:
    """Files by their names, `__` for a slash."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def test_included_files_add_projects_each_and_notify_tables(tmp_path: Path) -> None:
    write(
        tmp_path,
        projects='include = ["projects.d/*.toml"]\n[defaults]\ntimeout = "5m"\nnotify = ["late"]\n' + SHOP,
    )
    write(tmp_path, **{"projects.d__b": '[notify.late]\nemail = "ana@example.org"\n'})
    write(tmp_path, **{"projects.d__a": SHOP.replace("shop", "web") + EACH.format("../git/{name}.git")})

    found = config.load(tmp_path, {})

    assert list(found.projects) == ["shop", "web"]
    assert found.projects["web"].subs[""].recipes["test"].timeout_s == 300
    assert found.projects["web"].notify == ("late",)
    assert found.notify == {"late": Notify(name="late", email=("ana@example.org",))}
    # What is relative is so to the folder, whichever file says it.
    assert found.each["bare"].project.remote.url == str(tmp_path.parent / "git/{name}.git")
    assert [path.name for path in found.files] == ["projects.toml", "a.toml", "b.toml", "ctci.toml"]
    assert found.places["projects", "web"] == (tmp_path / "projects.d/a.toml", 1)
    assert found.places["each", "bare"] == (tmp_path / "projects.d/a.toml", 4)


def test_a_file_is_included_once_and_never_itself(tmp_path: Path) -> None:
    write(tmp_path, projects='include = ["*.toml", "m*.toml", "./more.toml"]\n' + SHOP)
    write(tmp_path, more=SHOP.replace("shop", "web"))

    found, problems = config.check(tmp_path, {})

    assert found is not None
    assert problems == ()
    assert list(found.projects) == ["shop", "web"]


def test_each_problem_names_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, projects='include = "d/*.toml"\nx = 1\n' + SHOP, d__a="y = 1\n", d__b="z =\n")
    monkeypatch.chdir(tmp_path)

    _, problems = config.check(tmp_path, {})

    assert [(each.file, each.line, each.code) for each in problems] == [
        ("d/a.toml", 1, "C101"),
        ("d/b.toml", 1, "C001"),
        ("projects.toml", 2, "C101"),
    ]


def test_a_secret_of_one_file_is_not_passed_on_by_another(tmp_path: Path) -> None:
    write(
        tmp_path,
        projects='include = "d/*.toml"\n' + SHOP + 'token = { env = "HELD" }\n',
        d__a=SHOP.replace("shop", "web") + 'env-pass = ["HELD"]\n',
    )

    _, problems = config.check(tmp_path, {}, resolve=False)

    assert [each.code for each in problems] == ["C117"]


@pytest.mark.parametrize(
    "address",
    [
        "/srv/git/{name}.git",
        "/srv/git/{name}",
        "/srv/git/{name}/.git",
        "/srv/git/acme-{name}.git",
        "https://git.example.org/acme/{name}.git",
        "ssh://git@git.example.org:2222/acme/{name}.git",
        "git@git.example.org:{name}.git",
        "./{name}.git",
    ],
)
def test_the_name_stands_in_the_last_part_of_the_address(tmp_path: Path, address: str) -> None:
    write(tmp_path, projects=EACH.format(address))

    (each,) = config.load(tmp_path, {}).each.values()

    project = each.named("dotfiles")
    assert project.name == "dotfiles"
    assert project.remote.url.endswith(address.removeprefix(".").replace("{name}", "dotfiles"))


@pytest.mark.parametrize(
    "address",
    [
        "/srv/git/x.git",
        "/srv/{name}/x.git",
        "/srv/{name}/{name}.git",
        "https://{name}/x.git",
        "https://git.example.org/{name}/wiki",
        "{name}@git.example.org:x.git",
        "/srv/git/{name}{name}",
        "/srv/git/{name}/.git/x",
    ],
)
def test_anywhere_else_it_is_an_error(tmp_path: Path, address: str) -> None:
    write(tmp_path, projects=EACH.format(address))

    found, problems = config.check(tmp_path, {})

    assert (found, [each.code for each in problems]) == (None, ["C103"])


def test_schedules_are_lines_of_cron_with_the_nearest_zone(tmp_path: Path) -> None:
    write(
        tmp_path,
        projects="""
[defaults]
timezone = "Europe/Berlin"
[projects.shop]
git = "/x"
recipes.test = "true"
[projects.shop.schedules]
nightly = { at = "02:30", days = "mon-fri", branches = "main", skip-unchanged = true, catch-up = "1h", jitter = "5m" }
weekly = { cron = "0 4 * * sun", timezone = "UTC" }
""",
    )

    schedules = config.load(tmp_path, {}).projects["shop"].schedules

    assert schedules == {
        "nightly": Schedule(
            name="nightly",
            cron="30 2 * * mon-fri",
            timezone="Europe/Berlin",
            branches=("main",),
            skip_unchanged=True,
            catch_up_s=3600,
            jitter_s=300,
        ),
        "weekly": Schedule(name="weekly", cron="0 4 * * sun"),
    }


def test_a_recipe_says_what_orders_it_and_what_a_trigger_may_set(tmp_path: Path) -> None:
    write(
        tmp_path,
        projects=SHOP
        + 'schedules.nightly = { at = "02:30" }\n'
        + 'recipes.fuzz = { run = "f", on = ["nightly", "manual", "nightly"], vars = ["TARGET", "SEED"] }\n',
    )

    recipes = config.load(tmp_path, {}).projects["shop"].subs[""].recipes

    assert (recipes["fuzz"].on, recipes["fuzz"].vars) == (("nightly", "manual"), ("TARGET", "SEED"))
    assert (recipes["test"].on, recipes["test"].vars) == (None, ())


@pytest.mark.parametrize(
    ("project", "on", "ordered"),
    [
        ("", '["push"]', True),
        ("", '["tag"]', False),
        ('tags = ["v*"]\n', '["tag"]', True),
        ("branches = []\n", '["push"]', False),
        ("branches = []\n", '["push", "manual"]', True),
        ("", "[]", False),
        ('schedules.late = { at = "02:30" }\n', '"late"', True),
        ('schedules.late = { at = "02:30", recipes = "other" }\n', '"late"', False),
    ],
)
def test_a_recipe_that_nothing_orders_is_told(tmp_path: Path, project: str, on: str, ordered: bool) -> None:
    text = f'[projects.shop]\ngit = "/x"\n{project}recipes.other = "true"\nrecipes.test = {{ run = "t", on = {on} }}\n'
    write(tmp_path, projects=text)

    _, problems = config.check(tmp_path, {})

    assert [each.code for each in problems if each.severity != "note"] == ([] if ordered else ["C403"])


def test_notes_are_for_a_configuration_without_errors(tmp_path: Path) -> None:
    text = SHOP + "lfs = true\n"
    write(tmp_path, projects=text)
    good = config.check(tmp_path, {})[1]
    write(tmp_path, projects=text + "timout = 1\n")
    bad = config.check(tmp_path, {})[1]

    assert [[(each.code, each.severity) for each in found] for found in (good, bad)] == [
        [("C901", "note")],
        [("C101", "error")],
    ]
