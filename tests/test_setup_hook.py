"""Installing the hook into real repositories: where it goes, what it never overwrites, and that git then runs it."""

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ctci import setup
from tests import make

FOREIGN = "#!/bin/sh\ncat >>foreign-heard\n"


def git(folder: Path, *arguments: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**environ, **who, "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    made = tmp_path / "shop.git"
    made.mkdir()
    git(made, "init", "--quiet", "--bare")
    return made


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    made = tmp_path / "spool"
    made.mkdir()
    return made


def install(repository: Path, **fields: Any) -> tuple[str, ...]:
    defaults: dict[str, Any] = {"project": "shop", "socket": None, "url": None, "secret_file": None, "spool": None}
    return setup.install_hook(repository, **{**defaults, **fields})


def foreign(path: Path, text: str = FOREIGN) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def push(bare: Path) -> None:
    work = bare.parent / "work"
    work.mkdir(exist_ok=True)
    git(work, "init", "--quiet", "-b", "main")
    git(work, "commit", "--quiet", "--allow-empty", "-m", "change")
    git(work, "push", "--quiet", str(bare), "main")


def files(folder: Path) -> list[str]:
    """What is there, git's samples aside."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".sample"
    )


def test_a_push_into_a_bare_repository_reaches_the_spool(bare: Path, spool: Path) -> None:
    done = install(bare, spool=spool)
    push(bare)

    target = bare / "hooks" / "post-receive"
    assert done == (
        f"wrote {bare / 'ctci.conf'}",
        f"installed {target}",
        "push options are on: git push -o ci.skip",
    )
    assert target.read_bytes() == setup.HOOK.read_bytes()
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert files(bare / "hooks") == ["post-receive"]
    assert git(bare, "config", "receive.advertisePushOptions") == "true"
    (left,) = spool.iterdir()
    assert left.read_text().startswith("POST /hooks/shop\n")


def test_the_conf_has_what_was_given_and_nothing_else(bare: Path, tmp_path: Path) -> None:
    install(bare, socket=tmp_path / "s", spool=tmp_path / "spool")
    first = (bare / "ctci.conf").read_text()
    install(bare, url="https://ci.example.org/", secret_file=tmp_path / "secret")
    second = (bare / "ctci.conf").read_text()

    assert first == f"project=shop\nsocket={tmp_path}/s\nspool={tmp_path}/spool\n"
    assert second == f"project=shop\nurl=https://ci.example.org/\nsecret-file={tmp_path}/secret\n"


def test_a_line_break_in_a_path_cannot_become_an_entry(bare: Path) -> None:
    with pytest.raises(setup.SetupError, match="line break"):
        install(bare, spool=Path("/srv/spool\nurl=https://evil.example.org/"))

    assert not (bare / "ctci.conf").exists()


def test_a_repository_with_a_working_copy_has_its_hook_in_its_git_folder(tmp_path: Path) -> None:
    work = tmp_path / "shop"
    work.mkdir()
    git(work, "init", "--quiet")

    install(work)

    assert files(work / ".git" / "hooks") == ["post-receive"]
    assert (work / ".git" / "ctci.conf").read_text() == "project=shop\n"


@pytest.mark.parametrize("what", ["nowhere", "folder", "file"])
def test_what_is_no_repository_is_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(setup.SetupError, match="is not a git repository"):
        install(tmp_path / what)

    assert files(tmp_path) == ["file"]


def test_a_foreign_hook_is_refused_and_nothing_is_changed(bare: Path) -> None:
    there = foreign(bare / "hooks" / "post-receive")

    with pytest.raises(setup.SetupError, match="--chain"):
        install(bare)

    assert there.read_text() == FOREIGN
    assert not (bare / "ctci.conf").exists()
    assert "advertisepushoptions" not in git(bare, "config", "--list")


def test_with_chain_the_foreign_hook_is_kept_and_both_run(bare: Path, spool: Path) -> None:
    foreign(bare / "hooks" / "post-receive")

    done = install(bare, spool=spool, chain=True)
    push(bare)

    folder = bare / "hooks" / "post-receive.d"
    assert f"kept the hook that was there as {folder / '10-former'}" in done
    heard = (bare / "foreign-heard").read_text()
    assert heard.endswith(" refs/heads/main\n")
    (left,) = spool.iterdir()
    assert left.read_text().partition("\n\n")[2] == heard


def test_a_foreign_hook_that_fails_does_not_stop_ours(bare: Path, spool: Path) -> None:
    foreign(bare / "hooks" / "post-receive", "#!/bin/sh\nexit 3\n")
    install(bare, spool=spool, chain=True)

    push(bare)

    assert len(list(spool.iterdir())) == 1


def test_chaining_again_renews_ours_and_keeps_theirs_once(bare: Path) -> None:
    foreign(bare / "hooks" / "post-receive")
    install(bare, chain=True)
    before = files(bare / "hooks")

    install(bare, chain=True)

    assert before == files(bare / "hooks")
    assert (bare / "hooks" / "post-receive.d" / "10-former").read_text() == FOREIGN


def test_installing_over_our_own_hook_renews_it(bare: Path) -> None:
    old = f"#!/bin/sh\n# {setup.SIGN}, of an older version\nexit 1\n"
    target = foreign(bare / "hooks" / "post-receive", old)

    install(bare, project="other")

    assert target.read_bytes() == setup.HOOK.read_bytes()
    assert files(bare / "hooks") == ["post-receive"]
    assert (bare / "ctci.conf").read_text() == "project=other\n"


def test_a_dispatcher_of_an_older_version_is_renewed(bare: Path) -> None:
    foreign(bare / "hooks" / "post-receive")
    install(bare, chain=True)
    old = f"#!/bin/sh\n# {setup.DISPATCHES}, of an older version\nexit 1\n"
    (bare / "hooks" / "post-receive").write_text(old)

    install(bare)

    assert (bare / "hooks" / "post-receive").read_text() == setup.DISPATCHER


def test_a_foreign_hook_that_is_a_relative_link_still_runs_when_it_is_kept(bare: Path, spool: Path) -> None:
    foreign(bare.parent / "common")
    (bare / "hooks").mkdir(exist_ok=True)
    (bare / "hooks" / "post-receive").symlink_to("../../common")

    install(bare, spool=spool, chain=True)
    push(bare)

    assert (bare / "foreign-heard").exists()
    assert len(list(spool.iterdir())) == 1
    assert (bare.parent / "common").read_text() == FOREIGN


@pytest.mark.parametrize("chain", [True, False])
def test_a_link_to_our_hook_for_several_repositories_is_left(bare: Path, chain: bool) -> None:
    shared = foreign(bare.parent / ".ctci" / "post-receive", setup.HOOK.read_text())
    there = bare / "hooks" / "post-receive"
    there.parent.mkdir(exist_ok=True)
    there.symlink_to(shared)

    with pytest.raises(setup.SetupError, match="remove the link"):
        install(bare, chain=chain)

    assert (there.readlink(), (bare / "ctci.conf").exists()) == (shared, False)


def test_a_link_that_leads_nowhere_is_somebodys_too(bare: Path) -> None:
    (bare / "hooks").mkdir(exist_ok=True)
    (bare / "hooks" / "post-receive").symlink_to("../../nowhere")

    with pytest.raises(setup.SetupError, match="--chain"):
        install(bare)


def test_a_foreign_hook_that_is_switched_off_stays_so(bare: Path, spool: Path) -> None:
    foreign(bare / "hooks" / "post-receive").chmod(0o644)

    install(bare, spool=spool, chain=True)
    push(bare)

    assert not (bare / "foreign-heard").exists()
    assert len(list(spool.iterdir())) == 1


def test_files_that_nobody_runs_are_not_run_because_of_us(bare: Path) -> None:
    there = foreign(bare / "hooks" / "post-receive")
    foreign(bare / "hooks" / "post-receive.d" / "asleep")

    with pytest.raises(setup.SetupError, match="move that away first"):
        install(bare, chain=True)

    assert there.read_text() == FOREIGN


#: As Gitea's and Forgejo's own hook begins.
DELEGATOR = """\
#!/bin/sh
# AUTO GENERATED BY GITEA, DO NOT MODIFY
data=$(cat)
hookname=$(basename $0)
for hook in hooks/${hookname}.d/*; do
    test -x "${hook}" && test -f "${hook}" || continue
    echo "${data}" | "${hook}"
done
"""


def test_in_giteas_layout_the_hook_goes_beside_giteas_own(bare: Path, spool: Path) -> None:
    theirs = foreign(bare / "hooks" / "post-receive", DELEGATOR)
    foreign(bare / "hooks" / "post-receive.d" / "gitea")

    install(bare, spool=spool)
    install(bare, spool=spool)
    push(bare)

    assert files(bare / "hooks") == ["post-receive", "post-receive.d/ctci", "post-receive.d/gitea"]
    assert theirs.read_text() == DELEGATOR
    assert (bare / "foreign-heard").exists()
    assert len(list(spool.iterdir())) == 1


def test_a_hooks_folder_of_the_repositorys_own_is_used(bare: Path, spool: Path) -> None:
    git(bare, "config", "core.hooksPath", "own-hooks")

    install(bare, spool=spool)
    push(bare)

    assert files(bare / "own-hooks") == ["post-receive"]
    assert files(bare / "hooks") == []
    assert len(list(spool.iterdir())) == 1


@pytest.mark.parametrize("path", ["../shared", "/etc/git-hooks"])
def test_a_hooks_folder_that_others_share_is_refused(bare: Path, path: str) -> None:
    git(bare, "config", "core.hooksPath", path)

    with pytest.raises(setup.SetupError, match=r"core\.hooksPath"):
        install(bare)

    assert not (bare.parent / "shared").exists()
    assert not (bare / "ctci.conf").exists()


def test_a_hooks_folder_that_is_a_link_to_a_shared_one_is_refused(bare: Path) -> None:
    shared = bare.parent / "shared"
    (bare / "hooks").rename(shared)
    (bare / "hooks").symlink_to(shared)

    with pytest.raises(setup.SetupError, match="not this repository's alone"):
        install(bare)

    assert files(shared) == []


def test_the_users_own_hooks_folder_is_refused_and_the_named_command_helps(
    bare: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare.parent / ".gitconfig").write_text("[core]\n\thooksPath = ~/hooks\n")
    monkeypatch.setenv("HOME", str(bare.parent))

    with pytest.raises(setup.SetupError) as refusal:
        install(bare, spool=spool)
    subprocess.run(str(refusal.value).split("`")[1], shell=True, check=True)
    install(bare, spool=spool)
    push(bare)

    assert len(list(spool.iterdir())) == 1


def test_a_folder_inside_a_repository_is_not_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "docs").mkdir()

    with pytest.raises(setup.SetupError, match="a folder inside that of"):
        install(tmp_path / "docs")


def test_a_second_worktree_has_the_hook_of_its_repository(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    git(first, "init", "--quiet")
    git(first, "commit", "--quiet", "--allow-empty", "-m", "change")
    git(first, "worktree", "add", "--quiet", "../second")

    install(tmp_path / "second")

    assert files(first / ".git" / "hooks") == ["post-receive"]
    assert (first / ".git" / "ctci.conf").exists()


def test_paths_in_the_conf_hold_wherever_git_stands(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    install(bare, socket=Path("data/s"), spool=Path("data/spool"))

    assert (bare / "ctci.conf").read_text() == f"project=shop\nsocket={tmp_path}/data/s\nspool={tmp_path}/data/spool\n"


def test_a_strict_umask_locks_no_pusher_out(bare: Path) -> None:
    foreign(bare / "hooks" / "post-receive")
    before = os.umask(0o077)
    try:
        install(bare, chain=True)
    finally:
        os.umask(before)

    made = ("ctci.conf", "hooks/post-receive", "hooks/post-receive.d", "hooks/post-receive.d/ctci")
    assert [stat.S_IMODE((bare / name).stat().st_mode) for name in made] == [0o644, 0o755, 0o755, 0o755]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_repositorys_owner(bare: Path) -> None:
    foreign(bare / "hooks" / "post-receive")
    for path in (bare, *bare.rglob("*")):
        os.chown(path, 65534, 65534)

    install(bare, chain=True)

    assert {path.stat().st_uid for path in bare.rglob("*")} == {65534}


def test_what_may_not_be_written_is_refused_in_words(bare: Path) -> None:
    # A file where the folder should be stops root too, whom a mode would not.
    (bare / "ctci.conf").mkdir()
    (bare / "ctci.conf" / "x").touch()

    with pytest.raises(setup.SetupError, match=r"ctci\.conf"):
        install(bare)

    assert files(bare / "hooks") == []


def test_the_makers_name_is_no_sign_of_ours(tmp_path: Path) -> None:
    hook = foreign(tmp_path / "post-receive", f"#!/bin/sh\n{make.sha()}\n# mentions ctci\n")

    assert not setup.is_ours(hook)
    assert setup.is_ours(setup.HOOK)
    assert not setup.is_ours(tmp_path / "nowhere")
