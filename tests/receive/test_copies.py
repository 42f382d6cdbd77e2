"""Whose a working copy is: by its remotes, else by its folder."""

from pathlib import Path

import pytest

from ctci import config
from ctci.receive import copies

PROJECTS = """
[projects.shop]
git = "https://git.example.org/acme/shop.git"
webhook-secret = { env = "X" }
recipes.test = "true"

[projects.tools]
git = "/srv/git/acme/tools.git"
recipes.test = "true"

[projects.twin]
git = "ssh://git@git.example.org:2222/acme/both.git"
recipes.test = "true"

[projects.twin-docs]
git = "ssh://git@git.example.org:2222/acme/both"
recipes.test = "true"

[each.team]
git = "https://git.example.org/team/{name}.git"
webhook-secret = { env = "X" }
recipes.test = "true"
"""


@pytest.mark.parametrize(
    ("remotes", "names"),
    [
        (["https://git.example.org/acme/shop.git"], ("shop",)),
        (["https://ana@git.example.org:443/Acme/shop/"], ("shop",)),
        (["git@git.example.org:acme/shop.git"], ("shop",)),
        (["ssh://git@git.example.org/acme/shop"], ("shop",)),
        # A name that only this person's ssh knows.
        (["work:acme/shop.git"], ("shop",)),
        (["https://elsewhere.example.org/acme/shop.git"], ()),
        (["https://git.example.org/acme/shop-web.git"], ()),
        (["https://git.example.org/ana/shop.git", "https://git.example.org/acme/shop.git"], ("shop",)),
        (["/srv/git/acme/tools"], ("tools",)),
        (["file:///srv/git/acme/tools.git"], ("tools",)),
        # The folder of a repository on this machine, reached by ssh.
        (["ssh://git@box.example.org/srv/git/acme/tools.git"], ("tools",)),
        (["https://git.example.org/acme/both.git"], ("twin", "twin-docs")),
        (["git@git.example.org:team/new.git"], ("new",)),
        (["https://[broken"], ()),
        ([], ()),
    ],
)
def test_a_working_copy_is_of_the_project_at_its_first_remote_that_is_any(
    tmp_path: Path, remotes: list[str], names: tuple[str, ...]
) -> None:
    (tmp_path / "projects.toml").write_text(PROJECTS)
    settings = config.load(tmp_path, {"X": "s" * 20})

    assert copies.owners(settings, config.named(settings), remotes, tmp_path) == names


def test_a_remote_may_be_a_path_from_here_and_the_project_may_be_the_working_copy_itself(tmp_path: Path) -> None:
    (tmp_path / "shop.git").mkdir()
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    (tmp_path / "projects.toml").write_text(
        f"""
        [projects.shop]
        git = "{tmp_path}/shop.git"
        recipes.test = "true"

        [projects.mine]
        git = "{tmp_path}/clone"
        recipes.test = "true"
        """
    )
    settings = config.load(tmp_path, {})
    projects = config.named(settings)

    assert copies.owners(settings, projects, ["../shop.git"], tmp_path / "clone") == ("shop",)
    assert copies.owners(settings, projects, [], tmp_path / "clone") == ("mine",)
