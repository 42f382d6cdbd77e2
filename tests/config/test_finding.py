"""Projects by name: tables of their own, and every repository of a folder or an organisation."""

import subprocess
from pathlib import Path

import pytest

from ctci import config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration for the repositories of a folder, and for those of an organisation."""
    for name in ("shop", "docs", "own"):
        subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "git" / f"{name}.git")], check=True)
    (tmp_path / "git" / "no-repository.git").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "projects.toml").write_text(
        f"""
        [each.all]
        git = "{tmp_path}/git/{{name}}.git"
        recipes.test = "make test"

        [projects.own]
        git = "{tmp_path}/git/own.git"
        recipes.check = "make check"
        """
    )
    return tmp_path / "config"


def test_every_repository_of_the_folder_is_a_project_and_a_table_of_its_own_comes_first(folder: Path) -> None:
    settings = config.load(folder, {}, resolve=False)

    found = config.named(settings)

    assert sorted(found) == ["docs", "own", "shop"]
    assert found["shop"].remote.url == str(folder.parent / "git" / "shop.git")
    assert [list(found[name].subs[""].recipes) for name in ("own", "shop")] == [["check"], ["test"]]


def test_a_new_repository_is_a_project_as_soon_as_it_is_there(folder: Path) -> None:
    settings = config.load(folder, {}, resolve=False)
    before = config.project(settings, "new")
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder.parent / "git" / "new.git")], check=True)

    after = config.project(settings, "new")

    assert before is None
    assert after is not None
    assert after.name == "new"


@pytest.mark.parametrize("name", ["", "..", "../git/shop", "no-repository", "shop.git", "a/b", "-x", "x" * 200, "ü\n"])
def test_what_is_no_repository_there_is_no_project(folder: Path, name: str) -> None:
    settings = config.load(folder, {}, resolve=False)

    assert config.project(settings, name) is None


def test_of_two_organisations_with_one_name_the_address_tells_which(tmp_path: Path) -> None:
    (tmp_path / "projects.toml").write_text(
        """
        [each.one]
        git = "https://git.example.org/one/{name}.git"
        recipes.one = "make one"

        [each.two]
        git = "https://git.example.org/two/{name}.git"
        recipes.two = "make two"
        """
    )
    settings = config.load(tmp_path, {}, resolve=False)

    found = [
        config.project(settings, "shop", at)
        for at in (None, "https://git.example.org/two/shop.git", "https://git.example.org/three/shop.git")
    ]

    assert [one and [*one.subs[""].recipes] for one in found] == [["one"], ["two"], ["one"]]


@pytest.mark.parametrize("pattern", ["{name}.git", "pre-{name}.git", "{name}/.git", "{name}", "x{name}y.git/"])
def test_a_folder_is_the_project_whose_address_it_is(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "projects.toml").write_text(f'[each.all]\ngit = "{tmp_path}/git/{pattern}"\nrecipes.test = "x"\n')
    settings = config.load(tmp_path, {}, resolve=False)
    folder = tmp_path / "git" / pattern.replace("{name}", "shop")
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True)
    (tmp_path / "link").symlink_to(tmp_path / "git")

    names = [
        found and found.name
        for found in (
            config.at(settings, str(folder).rstrip("/")),
            config.at(settings, str(tmp_path / "link" / folder.relative_to(tmp_path / "git"))),
            config.at(settings, str(tmp_path / "git")),
            config.at(settings, "/nowhere\0"),
        )
    ]

    assert names == ["shop", "shop", None, None]


def test_the_name_of_an_organisations_repository_is_what_stands_in_the_hole(tmp_path: Path) -> None:
    (tmp_path / "projects.toml").write_text(
        '[each.all]\ngit = "git@git.example.org:acme/pre-{name}.git"\nrecipes.test = "x"\n'
    )
    settings = config.load(tmp_path, {}, resolve=False)

    found = [config.within(settings, settings.each["all"], last) for last in ("pre-shop", "pre-shop.git", "..", "a b")]

    assert [one and one.name for one in found] == ["shop", "shop", None, None]
