"""What lies in a working copy becomes a commit in a mirror, and the working copy is what it was, byte for byte."""

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from ctci import git
from tests.upstream import Upstream

BASE = {
    "a.txt": "one\n",
    "b.txt": "two\n",
    "run.sh": "true\n",
    "deep/er/c.txt": "three\n",
    ".gitignore": "*.log\nbuild/\n",
}


@pytest.fixture(autouse=True)
def own_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person has told git nothing but what a test says."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def copy(upstream: Upstream) -> Upstream:
    upstream.push(BASE)
    return upstream


def picture(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that can be seen of a folder, `.git` with it: kind, mode, time, content."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        found = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        name = str(path.relative_to(folder))
        # The time of a folder too: a lock file that came and went is seen by it. Of these git renews it by reading.
        read = name.startswith((".git/objects/", ".git/sharedindex.")) and path.is_file()
        at = 0 if read else found.st_mtime_ns
        seen[name] = (stat.filemode(found.st_mode), at, content)
    return seen


def as_committed(copy: Upstream, folder: Path) -> str:
    """The tree that the person would commit: made by git in a copy of the working copy."""
    twin = folder / "twin"
    shutil.copytree(copy.clone, twin, symlinks=True)
    copy.git("add", "--all", "--sparse", at=twin)
    return copy.git("write-tree", at=twin).strip()


def _same_size_at_once(copy: Upstream) -> None:
    path = copy.clone / "a.txt"
    # Staged and changed again within a second, as large as before: only the index's own time gives it away.
    now = int(time.time()) + 5
    path.write_text("uno\n")
    os.utime(path, (now, now))
    copy.git("add", "a.txt")
    path.write_text("due\n")
    os.utime(path, (now, now))
    os.utime(copy.clone / ".git" / "index", (now, now))


def _filtered(copy: Upstream) -> None:
    copy.git("config", "filter.upper.clean", "tr a-z A-Z")
    copy.git("config", "filter.upper.smudge", "cat")
    (copy.clone / ".gitattributes").write_text("*.up filter=upper\n*.txt eol=crlf\n")
    (copy.clone / "x.up").write_text("shout\n")


def _sparse(copy: Upstream) -> None:
    copy.git("sparse-checkout", "set", "--no-cone", "/*", "!/deep")
    assert not (copy.clone / "deep").exists()
    (copy.clone / "a.txt").write_text("changed\n")
    (copy.clone / "deep").mkdir()
    (copy.clone / "deep" / "new.txt").write_text("beyond\n")


def _merging(copy: Upstream) -> None:
    copy.commit({"b.txt": "theirs\n"}, branch="side")
    copy.commit({"a.txt": "ours\n"}, branch="main")
    copy.git("merge", "--quiet", "--no-commit", "--no-ff", "side")


def _split_index(copy: Upstream) -> None:
    copy.git("config", "core.splitIndex", "true")
    copy.git("update-index", "--split-index")
    (copy.clone / "a.txt").write_text("changed\n")


def _write(copy: Upstream, name: str, text: str) -> None:
    path = copy.clone / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _staged(copy: Upstream) -> None:
    _write(copy, "a.txt", "changed\n")
    copy.git("add", "a.txt")


def _intended(copy: Upstream) -> None:
    _write(copy, "new.txt", "new\n")
    copy.git("add", "--intent-to-add", "new.txt")


def _removed_from_the_index_alone(copy: Upstream) -> None:
    copy.git("rm", "--quiet", "--cached", "b.txt")
    _write(copy, "b.txt", "back\n")


def _folder_to_file(copy: Upstream) -> None:
    shutil.rmtree(copy.clone / "deep")
    _write(copy, "deep", "a file\n")


def _ignored(copy: Upstream) -> None:
    for name in ("x.log", "build/y", "z.txt"):
        _write(copy, name, "z\n")


def _stashed(copy: Upstream) -> None:
    _write(copy, "a.txt", "put by\n")
    copy.git("stash")
    _write(copy, "b.txt", "changed\n")


def _detached(copy: Upstream) -> None:
    copy.git("checkout", "-q", "--detach")
    _write(copy, "a.txt", "changed\n")


def _link(copy: Upstream) -> None:
    (copy.clone / "b.txt").unlink()
    (copy.clone / "b.txt").symlink_to("deep/er")
    (copy.clone / "gone").symlink_to("nowhere")


DIRT: dict[str, Callable[[Upstream], object]] = {
    "changed": lambda copy: _write(copy, "a.txt", "changed\n"),
    "staged": _staged,
    "staged and changed at once": _same_size_at_once,
    "new": lambda copy: _write(copy, "new/file with space.txt", "new\n"),
    "a name that is no utf-8": lambda copy: Path(os.fsdecode(bytes(copy.clone) + b"/\xff.txt")).write_text("x"),
    "meant to be added": _intended,
    "deleted": lambda copy: (copy.clone / "b.txt").unlink(),
    "removed from the index alone": _removed_from_the_index_alone,
    "moved": lambda copy: copy.git("mv", "a.txt", "moved.txt"),
    "executable": lambda copy: (copy.clone / "run.sh").chmod(0o755),
    "links": _link,
    "a file where a folder was": _folder_to_file,
    "ignored": _ignored,
    "filtered": _filtered,
    "sparse": _sparse,
    "in a merge": _merging,
    "a split index": _split_index,
    "stashed": _stashed,
    "detached": _detached,
}


@pytest.mark.parametrize("make_dirty", DIRT.values(), ids=DIRT)
def test_all_that_a_person_would_commit_is_taken_and_nothing_is_touched(
    copy: Upstream, mirror: Path, tmp_path: Path, make_dirty: Callable[[Upstream], object]
) -> None:
    make_dirty(copy)
    wanted = as_committed(copy, tmp_path)
    head = copy.git("rev-parse", "HEAD").strip()
    before = picture(copy.clone)

    with git.taken(copy.clone, name="ana") as taken, git.lent(mirror, taken.repository, git.TAKEN):
        git.pin(mirror, 7, taken.commit)

    assert before == picture(copy.clone)
    assert not taken.repository.exists()
    made = pygit2.Repository(str(mirror))[pygit2.Oid(hex=taken.commit)].peel(pygit2.Commit)
    assert (wanted, [head]) == (str(made.tree.id), [str(parent) for parent in made.parent_ids])
    assert taken.dirty


def test_of_a_clean_working_copy_head_itself_is_taken_pushed_or_not(copy: Upstream, mirror: Path) -> None:
    head = copy.commit({"a.txt": "not pushed\n"})

    with git.taken(copy.clone, name="ana") as taken, git.lent(mirror, taken.repository, git.TAKEN):
        pass

    assert (taken.commit, taken.dirty) == (head, False)
    assert head == git.commit(mirror, head).sha


def test_before_the_first_commit_what_lies_there_is_all_there_is(upstream: Upstream, mirror: Path) -> None:
    (upstream.clone / "a.txt").write_text("first\n")

    with git.taken(upstream.clone, name="ana") as taken, git.lent(mirror, taken.repository, git.TAKEN):
        pass

    assert git.commit(mirror, taken.commit).subject == "Uncommitted work on main"


def test_a_shallow_clone_gives_what_the_mirror_can_join_to_its_history(
    copy: Upstream, mirror: Path, tmp_path: Path
) -> None:
    head = copy.push({"a.txt": "later\n"})
    git.fetch(mirror, git.Access(url=str(copy.path)), commit=None, ref=None, deadline_s=20, stop=lambda: False)
    shallow = tmp_path / "shallow"
    copy.git("clone", "--quiet", "--depth=1", f"file://{copy.path}", str(shallow), at=tmp_path)
    (shallow / "a.txt").write_text("mine\n")

    with git.taken(shallow, name="ana") as taken, git.lent(mirror, taken.repository, git.TAKEN):
        git.pin(mirror, 7, taken.commit)

    assert not (mirror / "shallow").exists()
    assert [taken.commit] == [each.sha for each in git.between(mirror, head, taken.commit, 10)]


def test_no_hook_runs_and_who_has_told_git_no_name_is_named(
    copy: Upstream, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pre-commit", "post-index-change", "prepare-commit-msg", "post-commit", "reference-transaction"):
        hook = copy.clone / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {copy.clone}/ran-{name}\n")
        hook.chmod(0o755)
    copy.git("config", "--unset", "user.name")
    copy.git("config", "--unset", "user.email")
    copy.git("config", "user.useConfigOnly", "true")
    monkeypatch.delenv("EMAIL", raising=False)
    (copy.clone / "a.txt").write_text("changed\n")

    with git.taken(copy.clone, name="cy") as taken, git.lent(mirror, taken.repository, git.TAKEN):
        pass

    assert git.commit(mirror, taken.commit).author == "cy"
    assert list(copy.clone.glob("ran-*")) == []


def test_conflicts_are_not_taken_for_work(copy: Upstream) -> None:
    copy.commit({"a.txt": "theirs\n"}, branch="side")
    copy.commit({"a.txt": "ours\n"}, branch="main")
    subprocess.run(["git", "merge", "--quiet", "side"], cwd=copy.clone, capture_output=True, check=False)

    with pytest.raises(git.GitError, match=r"conflicts are not resolved yet: a\.txt"), git.taken(copy.clone, name="x"):
        pass


def test_work_inside_a_submodule_is_told_because_no_commit_holds_it(copy: Upstream) -> None:
    copy.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(copy.path), "lib")
    copy.git("commit", "--quiet", "-m", "lib")
    (copy.clone / "lib" / "a.txt").write_text("in there\n")

    with git.taken(copy.clone, name="ana") as taken:
        pass

    assert (taken.left, taken.dirty) == (("lib",), False)


def test_a_working_copy_tells_where_it_is_pushed_to(copy: Upstream) -> None:
    copy.git("remote", "add", "fork", "git@example.org:ana/shop.git")
    copy.git("checkout", "-q", "-b", "login", "origin/main")
    tracking = git.working(copy.clone / "deep")
    copy.git("config", "push.default", "upstream")
    pushing = git.working(copy.clone)
    copy.git("config", "branch.login.pushRemote", "fork")
    elsewhere = git.working(copy.clone)
    copy.git("checkout", "-q", "--detach")

    # A branch that was begun from main is not main, unless the person pushes it there.
    assert (copy.clone, "login", "login") == (tracking.top, tracking.branch, tracking.pushed_as)
    assert pushing.pushed_as == "main"
    assert list(elsewhere.remotes) == ["fork", "origin"]
    assert git.working(copy.clone).branch is None


def test_outside_of_any_working_copy_git_says_so(tmp_path: Path) -> None:
    with pytest.raises(git.GitError, match="not a git repository"):
        git.working(tmp_path)
