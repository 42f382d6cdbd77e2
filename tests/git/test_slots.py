"""Worktrees of real mirrors, and submodules of them."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from ctci import git
from ctci.git import mirrors, slots
from tests import make
from tests.eventually import eventually
from tests.upstream import Upstream

MAIN = "refs/heads/main"


def fetched(upstream: Upstream, mirror: Path) -> None:
    access = git.Access(url=str(upstream.path))
    git.fetch(mirror, access, commit=None, ref=None, deadline_s=20.0, stop=lambda: False)


def test_a_worktree_is_exactly_the_commit_though_the_branch_went_on(
    upstream: Upstream, mirror: Path, tmp_path: Path
) -> None:
    sha = upstream.push({"a": "1", "deep/b": "1", "gone": "1"})
    (upstream.clone / "run.sh").write_text("exit 0")
    (upstream.clone / "run.sh").chmod(0o755)
    (upstream.clone / "link").symlink_to("/etc/passwd")
    (upstream.clone / "gone").unlink()
    second = upstream.push({"a": "2"})
    upstream.push({"a": "3", "later": "1"})
    fetched(upstream, mirror)
    worktrees = {each: tmp_path / each for each in (sha, second)}

    for each, worktree in worktrees.items():
        git.lay(tmp_path / f"{each}.git", mirror, worktree, each, MAIN)

    names = [{each.name for each in worktree.iterdir()} for worktree in worktrees.values()]
    assert [{".git", "a", "deep", "gone"}, {".git", "a", "deep", "run.sh", "link"}] == names
    assert (worktrees[second] / "a").read_text() == "2"
    assert os.access(worktrees[second] / "run.sh", os.X_OK)
    assert os.readlink(worktrees[second] / "link") == "/etc/passwd"
    assert not (worktrees[sha] / "run.sh").exists()


def test_describe_log_status_and_branches_work_in_a_worktree(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    first = upstream.push({"a": "1"}, message="First")
    upstream.tag("v1.2")
    sha = upstream.push({"a": "2"}, message="Second")
    other = upstream.push({"b": "1"}, branch="topic")
    fetched(upstream, mirror)
    git.pin(mirror, 7, other)
    worktree = tmp_path / "worktree"

    git.lay(tmp_path / "slot.git", mirror, worktree, sha, MAIN)

    said = {
        words: upstream.git(*words.split(), at=worktree).split("\n")[:-1]
        for words in (
            "rev-parse HEAD",
            "describe --tags",
            "log --format=%s",
            "status --porcelain",
            "branch --remotes --format=%(refname:short)",
            "rev-list origin/topic --max-count=1",
            "for-each-ref refs/ctci",
            "tag",
            "fsck",
            "merge-base HEAD v1.2",
        )
    }
    assert said == {
        "rev-parse HEAD": [sha],
        "describe --tags": [f"v1.2-1-g{sha[:7]}"],
        "log --format=%s": ["Second", "First"],
        "status --porcelain": [],
        "branch --remotes --format=%(refname:short)": ["origin/main", "origin/topic"],
        "rev-list origin/topic --max-count=1": [other],
        "for-each-ref refs/ctci": [],
        "tag": ["v1.2"],
        "fsck": said["fsck"],
        "merge-base HEAD v1.2": [first],
    }
    assert not [line for line in said["fsck"] if line.startswith(("error", "missing", "broken"))]


def test_what_a_job_does_in_its_repository_does_not_reach_the_mirror(
    upstream: Upstream, mirror: Path, tmp_path: Path
) -> None:
    sha = upstream.push({"a": "1"})
    fetched(upstream, mirror)
    before = sorted((str(each), each.stat().st_mtime_ns) for each in mirror.rglob("*"))
    worktree = tmp_path / "worktree"
    git.lay(tmp_path / "slot.git", mirror, worktree, sha, MAIN)

    for words in ("config core.hooksPath evil", "update-ref -d refs/remotes/origin/main", "tag evil", "gc --quiet"):
        upstream.git(*words.split(), at=worktree)

    assert before == sorted((str(each), each.stat().st_mtime_ns) for each in mirror.rglob("*"))
    assert sha == git.head(mirror, MAIN)


def test_the_configuration_in_a_home_or_a_mirror_has_no_effect(
    upstream: Upstream, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = upstream.push({"a": "1\n", ".gitattributes": "* filter=evil\n"})
    fetched(upstream, mirror)
    evil = f'[filter "evil"]\n\tsmudge = touch {tmp_path}/pwned\n\trequired = true\n[core]\n\tautocrlf = true\n'
    evil += f"\thooksPath = {tmp_path}/hooks\n\tfsmonitor = touch {tmp_path}/pwned\n"
    (tmp_path / ".gitconfig").write_text(evil)
    with (mirror / "config").open("a") as file:
        file.write(evil)
    (tmp_path / "hooks").mkdir()
    hook = tmp_path / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    hook.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))

    git.lay(tmp_path / "slot.git", mirror, tmp_path / "worktree", sha, MAIN)

    assert (tmp_path / "worktree" / "a").read_bytes() == b"1\n"
    assert not (tmp_path / "pwned").exists()


def test_a_commit_that_the_mirror_does_not_have_is_said(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    upstream.push({"a": "1"})
    fetched(upstream, mirror)

    with pytest.raises(git.GitError, match="the commit cannot be laid out") as refused:
        git.lay(tmp_path / "slot.git", mirror, tmp_path / "worktree", make.sha(9), MAIN)

    assert refused.value.kind == "refused"


def test_a_fetch_that_hangs_holds_up_no_job_whose_commit_is_there(
    upstream: Upstream, mirror: Path, tmp_path: Path
) -> None:
    sha = upstream.push({"a": "1"})
    fetched(upstream, mirror)

    with mirrors.held(mirror):
        git.lay(tmp_path / "slot.git", mirror, tmp_path / "worktree", sha, MAIN)

    assert (tmp_path / "worktree" / "a").read_text() == "1"


def test_a_worktree_waits_for_a_mirror_that_is_being_cloned_anew(
    upstream: Upstream, mirror: Path, tmp_path: Path
) -> None:
    sha = upstream.push({"a": "1"})
    fetched(upstream, mirror)
    worktree = tmp_path / "worktree"
    job = threading.Thread(target=git.lay, args=(tmp_path / "slot.git", mirror, worktree, sha, MAIN))

    with mirrors.held(mirror):
        mirror.rename(tmp_path / "aside")
        job.start()
        eventually(lambda: len(waiting(mirror)) == 1)
        (tmp_path / "aside").rename(mirror)
    job.join()

    assert (worktree / "a").read_text() == "1"


def waiting(mirror: Path) -> list[str]:
    """Who waits for the mirror's lock, as the kernel tells."""
    inode = mirror.with_name(f"{mirror.name}.lock").stat().st_ino
    return [each for each in Path("/proc/locks").read_text().splitlines() if "->" in each and f":{inode} " in each]


# --- submodules


@pytest.mark.parametrize(
    ("address", "url", "resolved"),
    [
        ("https://git.example.org/acme/shop.git", "../lib.git", "https://git.example.org/acme/lib.git"),
        ("https://git.example.org/acme/shop.git", "../../other/lib.git", "https://git.example.org/other/lib.git"),
        ("https://git.example.org/acme/shop.git", "./lib.git", "https://git.example.org/acme/shop.git/lib.git"),
        ("https://git.example.org/acme/shop.git", "../../../../x", "https://git.example.org/x"),
        ("https://git.example.org:8443/acme/shop.git", "../lib.git", "https://git.example.org:8443/acme/lib.git"),
        ("ssh://git@git.example.org/acme/shop.git", "../lib.git", "ssh://git@git.example.org/acme/lib.git"),
        ("git@git.example.org:acme/shop.git", "../lib.git", "git@git.example.org:acme/lib.git"),
        ("/srv/git/acme/shop.git", "../lib.git", "/srv/git/acme/lib.git"),
        ("https://git.example.org/acme/shop.git", "https://git.example.org/x.git", "https://git.example.org/x.git"),
        ("git@git.example.org:acme/shop.git", "https://git.example.org/x.git", "https://git.example.org/x.git"),
        ("https://git.example.org/a.git", "git@git.example.org:x.git", "git@git.example.org:x.git"),
        ("https://git.example.org/a.git", "https://GIT.example.org/x.git", "https://GIT.example.org/x.git"),
        ("https://git.example.org/a.git", "https://evil.example.org/x.git", None),
        ("https://git.example.org/a.git", "https://git.example.org.evil.example/x.git", None),
        ("https://git.example.org/a.git", "https://git.example.org@evil.example/x.git", None),
        ("https://git.example.org/a.git", "git@evil.example.org:x.git", None),
        ("https://git.example.org/a.git", "ext::sh -c 'id'", None),
        ("https://git.example.org/a.git", "ext::https://git.example.org/x", None),
        ("https://git.example.org/a.git", "--upload-pack=id", None),
        ("https://git.example.org/a.git", "-oProxyCommand=id@git.example.org:x", None),
        ("https://git.example.org/a.git", "ssh://-oProxyCommand=id/x", None),
        ("https://git.example.org/a.git", "file:///etc", None),
        ("https://git.example.org/a.git", "/etc", None),
        ("/srv/git/shop.git", "/etc", None),
        ("/srv/git/shop.git", "file:///etc", None),
        ("/srv/git/shop.git", "https://git.example.org/x.git", None),
        ("https://git.example.org/a.git", "", None),
    ],
)
def test_a_submodule_lies_on_the_projects_own_host(address: str, url: str, resolved: str | None) -> None:
    assert resolved == slots.resolve(address, url)


def with_submodule(upstream: Upstream, tmp_path: Path, url: str) -> tuple[str, str]:
    """A commit of the upstream with a submodule `lib` at this address, and the commit that it stands at."""
    lib = Upstream(tmp_path / "libs")
    wanted = lib.push({"lib.txt": "wanted"})
    lib.push({"lib.txt": "later"})
    lib.path.rename(tmp_path / "lib.git")
    return naming(upstream, wanted, url), wanted


def naming(upstream: Upstream, wanted: str, url: str) -> str:
    """A commit of the upstream with this commit as its submodule `lib`."""
    modules = upstream.clone / ".gitmodules"
    modules.write_text(f'[submodule "lib"]\n\tpath = vendor/lib\n\turl = {url}\n')
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{wanted},vendor/lib")
    upstream.git("add", ".gitmodules")
    upstream.git("commit", "--quiet", "-m", "With lib")
    upstream.git("push", "--quiet", "origin", "main")
    return upstream.git("rev-parse", "HEAD").strip()


def laid(upstream: Upstream, mirror: Path, tmp_path: Path, sha: str) -> Path:
    fetched(upstream, mirror)
    git.lay(tmp_path / "slot.git", mirror, tmp_path / "worktree", sha, MAIN)
    return tmp_path / "worktree"


def submodules(upstream: Upstream, worktree: Path, address: str | None = None) -> None:
    access = git.Access(url=str(upstream.path))
    git.submodules(worktree, address or str(upstream.path), access, deadline_s=20.0, stop=lambda: False)


def test_a_relative_submodule_is_laid_at_its_commit(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    sha, wanted = with_submodule(upstream, tmp_path, "../lib.git")
    worktree = laid(upstream, mirror, tmp_path, sha)

    submodules(upstream, worktree)

    inside = worktree / "vendor" / "lib"
    assert (inside / "lib.txt").read_text() == "wanted"
    assert wanted == upstream.git("rev-parse", "HEAD", at=inside).strip()
    assert upstream.git("status", "--porcelain", at=worktree) == ""


@pytest.mark.parametrize("url", ["https://u:hunter2@evil.example.org/lib.git", "ext::sh -c touch% pwned", "/etc"])
def test_a_submodule_elsewhere_is_refused(upstream: Upstream, mirror: Path, tmp_path: Path, url: str) -> None:
    sha, _ = with_submodule(upstream, tmp_path, url)
    worktree = laid(upstream, mirror, tmp_path, sha)

    with pytest.raises(git.GitError, match="only addresses on the project's own host are fetched") as refused:
        submodules(upstream, worktree)

    assert refused.value.kind == "refused"
    assert "hunter2" not in str(refused.value)
    assert [*tmp_path.rglob("pwned"), *worktree.rglob("lib.txt")] == []


def test_a_submodule_that_needs_lfs_is_told_so(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    lib = Upstream(tmp_path / "libs")
    wanted = lib.push({".gitattributes": "*.bin filter=lfs\n", "a.bin": "version https://git-lfs.github.com/spec/v1\n"})
    worktree = laid(upstream, mirror, tmp_path, naming(upstream, wanted, "../libs/shop.git"))

    with pytest.raises(git.GitError, match="submodule lib keeps files in git-lfs") as refused:
        submodules(upstream, worktree)

    assert refused.value.kind == "refused"


def test_a_gitmodules_reads_no_other_file(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text('[submodule "x"]\n\tpath = x\n\turl = https://elsewhere.example.org/x.git\n')
    worktree = laid(upstream, mirror, tmp_path, upstream.push({".gitmodules": f"[include]\n\tpath = {other}\n"}))

    submodules(upstream, worktree)

    assert {".git", ".gitmodules"} == {each.name for each in worktree.iterdir()}


def test_a_gitmodules_that_is_a_link_is_refused(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    worktree = laid(upstream, mirror, tmp_path, upstream.push({"a": "1"}))
    (worktree / ".gitmodules").symlink_to("/etc/passwd")

    with pytest.raises(git.GitError, match="gitmodules is a link"):
        submodules(upstream, worktree)


@pytest.mark.parametrize("text", ["[submodule", '[submodule "x"]\n\tpath = ../../out\n\turl = ../lib.git\n'])
def test_a_gitmodules_that_is_nonsense_is_refused(upstream: Upstream, mirror: Path, tmp_path: Path, text: str) -> None:
    worktree = laid(upstream, mirror, tmp_path, upstream.push({".gitmodules": text}))

    with pytest.raises(git.GitError) as refused:
        submodules(upstream, worktree)

    assert refused.value.kind == "refused"
    assert not (tmp_path.parent / "out").exists()


def test_a_commit_without_submodules_needs_nothing(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    worktree = laid(upstream, mirror, tmp_path, upstream.push({"a": "1"}))

    submodules(upstream, worktree)

    assert {".git", "a"} == {each.name for each in worktree.iterdir()}


def test_a_submodule_behind_a_link_out_of_the_worktree_is_refused(
    upstream: Upstream, mirror: Path, tmp_path: Path
) -> None:
    sha, _ = with_submodule(upstream, tmp_path, "../lib.git")
    worktree = laid(upstream, mirror, tmp_path, sha)
    outside = tmp_path / "outside"
    outside.mkdir()
    subprocess.run(["rm", "-rf", str(worktree / "vendor")], check=True)
    (worktree / "vendor").symlink_to(outside)

    with pytest.raises(git.GitError, match="would lie outside of the worktree"):
        submodules(upstream, worktree)

    assert list(outside.iterdir()) == []
