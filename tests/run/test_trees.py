"""The removal of what recipes made."""

import os
from pathlib import Path

import pytest

from ctci.run import trees


@pytest.fixture
def trash(tmp_path: Path) -> Path:
    return tmp_path / "trash"


def grown(tree: Path) -> Path:
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "file").write_text("x")
    (tree / "file").write_text("x")
    return tree


def test_a_tree_is_gone(tmp_path: Path, trash: Path) -> None:
    tree = grown(tmp_path / "tree")

    assert trees.remove(tree, trash)

    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_gone(tmp_path: Path, trash: Path) -> None:
    assert trees.remove(tmp_path / "nothing", trash)


@pytest.mark.parametrize("mode", [0o000, 0o500, 0o555, 0o100])
def test_a_tree_that_locks_out_its_owner_is_gone_too(tmp_path: Path, trash: Path, mode: int) -> None:
    tree = grown(tmp_path / "tree")
    for folder in (tree / "a" / "b", tree / "a", tree):
        folder.chmod(mode)

    assert trees.remove(tree, trash)

    assert list(tmp_path.iterdir()) == []


def test_nothing_outside_is_touched(tmp_path: Path, trash: Path) -> None:
    outside = grown(tmp_path / "outside")
    outside.chmod(0o750)
    tree = grown(tmp_path / "tree")
    (tree / "link").symlink_to(outside)
    (tree / "a" / "up").symlink_to("../..")
    (tree / "a" / "loop").symlink_to("loop")
    os.link(outside / "file", tree / "hard")

    assert trees.remove(tree, trash)

    assert {"a", "file"} == {each.name for each in outside.iterdir()}
    assert ((outside / "file").read_text(), outside.stat().st_mode & 0o777) == ("x", 0o750)
    assert (outside / "a" / "b" / "file").exists()


def test_a_link_in_place_of_the_tree_is_removed_and_not_followed(tmp_path: Path, trash: Path) -> None:
    outside = grown(tmp_path / "outside")
    (tmp_path / "tree").symlink_to(outside)

    assert trees.remove(tmp_path / "tree", trash)

    assert not (tmp_path / "tree").is_symlink()
    assert (outside / "a" / "b" / "file").exists()


def test_depth_and_odd_names_are_no_hindrance(tmp_path: Path, trash: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    fd = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deep", dir_fd=fd)
        below = os.open("deep", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    os.mkdir(os.fsencode(tree) + b"/\xff\n -rf")
    os.mkfifo(tree / "pipe")

    assert trees.remove(tree, trash)

    assert not tree.exists()


def test_what_cannot_be_removed_is_set_aside(tmp_path: Path, trash: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = grown(tmp_path / "tree")
    real = os.unlink

    def refuses(name: str, *, dir_fd: int | None = None) -> None:
        # Another owner's file, without being two users.
        if name == "file":
            raise PermissionError(1, "Operation not permitted", name)
        real(name, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuses)
        gone = trees.remove(tree, trash)
        (aside,) = trash.iterdir()
        again = trees.remove(aside, trash)

    assert (gone, again) == (False, False)
    assert not tree.exists()
    assert [aside] == list(trash.iterdir())
    assert trees.remove(aside, trash)
    assert list(trash.iterdir()) == []
