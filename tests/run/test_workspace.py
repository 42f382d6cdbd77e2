"""A job's place and environment, in real slots of real repositories."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ctci.layout import Layout
from ctci.model import Run, Status
from ctci.run import workspace
from tests import make

GIT = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "ana@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(*arguments: str, cwd: Path) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=cwd, env=GIT, check=True, capture_output=True, text=True
    ).stdout.strip()


def mirrored(place: Layout, files: Mapping[str, str]) -> str:
    """A mirror of project shop with one commit; its id."""
    work = place.data / "work"
    for name, content in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(content)
    git("init", "-q", "-b", "main", ".", cwd=work)
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", "First", cwd=work)
    git("clone", "-q", "--mirror", str(work), str(place.mirror("shop")), cwd=place.data)
    return git("rev-parse", "HEAD", cwd=work)


def test_a_workspace_is_the_commit_and_nothing_else(place: Layout) -> None:
    commit = mirrored(place, {"services/api/test.sh": "true", "README": "x"})

    made = workspace.prepare(place, 1, make.order(), commit=commit)

    assert {".git", "README", "services"} == {each.name for each in made.worktree.iterdir()}
    assert [each.name for each in made.directory.iterdir()] == ["test.sh"]
    assert list(made.home.iterdir()) == []
    assert place.slot(1) in made.home.parents
    assert commit == git("rev-parse", "HEAD", cwd=made.directory)


def test_nothing_is_left_of_the_job_before(place: Layout) -> None:
    commit = mirrored(place, {"services/api/test.sh": "true"})
    first = workspace.prepare(place, 1, make.order(), commit=commit)
    (first.home / ".gitconfig").write_text("[core]\nhooksPath = /tmp/evil\n")
    (first.directory / "test.sh").write_text("false")
    (first.worktree / "new").mkdir()
    (place.slot(1) / "tmp" / "left").write_text("x")
    (first.worktree / "new").chmod(0o000)
    first.worktree.chmod(0o000)

    second = workspace.prepare(place, 1, make.order(), commit=commit)

    assert (second.directory / "test.sh").read_text() == "true"
    assert not (second.worktree / "new").exists()
    assert [*second.home.iterdir(), *(place.slot(1) / "tmp").iterdir()] == []


def test_a_cleaned_slot_is_empty_also_after_chmod_000(place: Layout) -> None:
    made = workspace.prepare(place, 1, make.order(), commit=mirrored(place, {"services/api/x": ""}))
    for folder in (made.directory, made.worktree / "services", made.worktree, made.home):
        folder.chmod(0o000)

    assert workspace.clean(place, 1)

    assert list(place.slots.iterdir()) == []
    assert list(place.trash.iterdir()) == []


AS_ORDINARY_USER = """
import os, pathlib, sys
from ctci import layout
from ctci.run import trees, workspace
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
place = layout.at(pathlib.Path(sys.argv[1]))
slot = place.slot(1)
deep = slot / "worktree" / "a" / "b"
deep.mkdir(parents=True)
(deep / "file").write_text("x")
(deep / "file").chmod(0)
(slot / "home").symlink_to(sys.argv[2])
for folder in (deep, deep.parent, slot / "worktree", slot):
    folder.chmod(0)
try:
    os.listdir(slot)
except PermissionError:
    print(workspace.clean(place, 1), os.listdir(place.slots))
"""


def test_an_ordinary_user_too_leaves_nothing_after_chmod_000() -> None:
    with tempfile.TemporaryDirectory() as top:
        data, outside = Path(top) / "data", Path(top) / "outside"
        outside.mkdir()
        (outside / "file").write_text("x")
        (data / "slots").mkdir(parents=True)
        for each in (Path(top), data, data / "slots", outside):
            each.chmod(0o777)

        done = subprocess.run(
            [sys.executable, "-c", AS_ORDINARY_USER, str(data), str(outside)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )

        assert (done.stdout, done.stderr) == ("True []\n", "")
        assert (outside / "file").read_text() == "x"


def test_links_out_of_a_slot_are_never_followed(place: Layout, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)
    (outside / "file").write_text("x")
    made = workspace.prepare(place, 1, make.order(), commit=mirrored(place, {"services/api/x": ""}))
    (made.worktree / "out").symlink_to(outside)
    made.home.rmdir()
    made.home.symlink_to(outside)

    assert workspace.clean(place, 1)

    assert ((outside / "file").read_text(), outside.stat().st_mode & 0o777) == ("x", 0o750)
    assert not place.slot(1).exists()


@pytest.mark.parametrize("poison", ["link", "file", "repository"])
def test_a_poisoned_slot_is_laid_anew(place: Layout, tmp_path: Path, poison: str) -> None:
    commit = mirrored(place, {"services/api/test.sh": "true"})
    slot, outside = place.slot(1), tmp_path / "outside"
    outside.mkdir()
    if poison == "link":
        slot.symlink_to(outside)
    elif poison == "file":
        slot.write_text("x")
    else:
        workspace.prepare(place, 1, make.order(), commit=commit)
        config = "[core]\n\thooksPath = /tmp/evil\n\tworktree = /etc\n[alias]\n\tstatus = !false\n"
        (slot / "repository.git" / "config").write_text(config)
        (slot / "repository.git" / "objects" / "info" / "alternates").write_text("/nowhere\n")

    made = workspace.prepare(place, 1, make.order(), commit=commit)

    assert commit == git("rev-parse", "HEAD", cwd=made.directory)
    assert git("status", "--porcelain", cwd=made.directory) == ""
    assert "evil" not in git("config", "--list", cwd=made.directory)
    assert list(outside.iterdir()) == []
    assert not slot.is_symlink()


@pytest.mark.parametrize("directory", ["services/web", "README", "out"])
def test_a_commit_without_the_directory_is_said_in_words(place: Layout, directory: str) -> None:
    work = place.data / "work"
    work.mkdir()
    (work / "out").symlink_to("/etc")
    commit = mirrored(place, {"README": "x"})

    with pytest.raises(workspace.WorkspaceError) as refused:
        workspace.prepare(place, 1, make.order(directory=directory), commit=commit)

    assert f"the commit has no directory {directory}" == str(refused.value)


def test_a_slot_that_cannot_be_used_is_said_in_words(place: Layout) -> None:
    place.slots.rmdir()
    place.slots.write_text("not a folder")

    with pytest.raises(workspace.WorkspaceError, match="slot 1 cannot be used: Not a directory"):
        workspace.prepare(place, 1, make.order(), commit=make.sha())


def run(**fields: Any) -> Run:
    defaults: dict[str, Any] = dict.fromkeys(
        (
            *("before", "after", "commit", "subject", "author", "author_email", "pusher", "reason"),
            *("prepared_at", "finished_at", "rerun_of", "behind", "prev_commit", "prev_run"),
        )
    )
    defaults |= {"id": 12, "project": "shop", "kind": "push", "ref": "refs/heads/main", "options": ()}
    return Run(**{**defaults, "status": Status.RUNNING, "created_at": 0, **fields})


def environment(home: Path, environ: Mapping[str, str] | None = None, **fields: Any) -> dict[str, str]:
    return workspace.environment(
        make.order(recipe=make.recipe(**fields.pop("recipe", {}))),
        run(**fields),
        7,
        2,
        home=home,
        server_environ=environ or {},
        public_url="http://ci.example.org/ci/",
    )


def test_the_environment_says_what_is_built_and_why(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()

    env = environment(tmp_path / "home", commit=make.sha(2), before=make.sha(1), pusher="ana")

    assert {
        "PATH": workspace.PATH,
        "LANG": "C.UTF-8",
        "HOME": f"{tmp_path}/home",
        "TMPDIR": f"{tmp_path}/tmp",
        "CI": "true",
        "GIT_TERMINAL_PROMPT": "0",
        "FORCE_COLOR": "1",
        "CLICOLOR_FORCE": "1",
        "CTCI": "true",
        "CTCI_PROJECT": "shop",
        "CTCI_SUBPROJECT": "api",
        "CTCI_RECIPE": "test",
        "CTCI_RUN": "12",
        "CTCI_RUN_URL": "http://ci.example.org/ci/runs/12",
        "CTCI_JOB": "7",
        "CTCI_ATTEMPT": "2",
        "CTCI_EVENT": "push",
        "CTCI_TRY": "",
        "CTCI_SCHEDULE": "",
        "CTCI_REF": "refs/heads/main",
        "CTCI_BRANCH": "main",
        "CTCI_TAG": "",
        "CTCI_SHA": make.sha(2),
        "CTCI_BEFORE_SHA": make.sha(1),
        "CTCI_PUSHED_BY": "ana",
    } == env


def test_a_tag_is_no_branch(tmp_path: Path) -> None:
    env = environment(tmp_path, kind="tag", ref="refs/tags/v1")

    assert (env["CTCI_BRANCH"], env["CTCI_TAG"]) == ("", "v1")


def test_a_try_is_a_push_that_knows_what_it_is(tmp_path: Path) -> None:
    env = environment(tmp_path, kind="try", ref="refs/heads/login")

    assert (env["CTCI_EVENT"], env["CTCI_BRANCH"], env["CTCI_TRY"]) == ("push", "login", "true")


def test_of_the_servers_environment_a_job_has_only_what_is_named(tmp_path: Path) -> None:
    server = {"PATH": "/opt/bin", "CTCI_SMTP_URL": "smtp://u:hunter2@mail", "SECRET": "hunter3", "LICENCE": "abc"}

    env = environment(tmp_path, server, recipe={"env_pass": ("LICENCE", "CTCI_SMTP_URL", "ABSENT")})

    assert (env["PATH"], env["LICENCE"]) == ("/opt/bin", "abc")
    assert "hunter" not in str(env)
    assert "ABSENT" not in env


def test_a_recipe_may_set_what_it_likes_but_the_facts(tmp_path: Path) -> None:
    env = environment(tmp_path, recipe={"env": {"LANG": "de_DE.UTF-8", "MODE": "fast", "CTCI_RUN": "1"}})

    assert (env["LANG"], env["MODE"], env["CTCI_RUN"]) == ("de_DE.UTF-8", "fast", "12")


def test_what_strangers_choose_is_fit_for_an_environment(tmp_path: Path) -> None:
    env = environment(tmp_path, pusher="a\0b\ud800", ref="refs/heads/ü")

    assert (env["CTCI_PUSHED_BY"], env["CTCI_BRANCH"]) == ("ab?", "ü")
