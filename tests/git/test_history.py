"""What a real mirror says of its commits."""

import subprocess
from pathlib import Path

import pytest

from ctci import git
from ctci.model import Commit
from tests import make
from tests.upstream import Upstream


def fetched(upstream: Upstream, mirror: Path) -> None:
    access = git.Access(url=str(upstream.path))
    git.fetch(mirror, access, commit=None, ref=None, deadline_s=20.0, stop=lambda: False)


def raw(upstream: Upstream, kind: str, content: bytes) -> str:
    """The id of an object that no porcelain would make."""
    return (
        subprocess.run(
            ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"],
            cwd=upstream.path,
            input=content,
            check=True,
            capture_output=True,
        )
        .stdout.decode()
        .strip()
    )


def test_a_commit_says_who_what_and_when(upstream: Upstream, mirror: Path) -> None:
    sha = upstream.push({"a": "1"}, message="Fix the cart\n\nIt was empty.\n")
    at = int(upstream.git("log", "-1", "--format=%ct"))
    fetched(upstream, mirror)

    commit = git.commit(mirror, sha)

    expected = Commit(sha=sha, author="Ana Ruiz", email="ana@example.org", subject="Fix the cart", at=at * 1000)
    assert expected == commit
    assert git.message(mirror, sha) == "Fix the cart\n\nIt was empty.\n"


def test_an_annotated_tag_is_peeled_to_its_commit(upstream: Upstream, mirror: Path) -> None:
    sha = upstream.push({"a": "1"}, message="Release")
    tag = upstream.tag("v1")
    upstream.git("tag", "-a", "-m", "a tag of a tag", "v2", "v1")
    upstream.git("push", "--quiet", "origin", "v2")
    twice = upstream.git("rev-parse", "v2").strip()
    fetched(upstream, mirror)

    found = [git.commit(mirror, each).sha for each in (tag, twice)]

    assert tag == git.head(mirror, "refs/tags/v1")
    assert [sha, sha] == found
    assert git.message(mirror, tag) == "Release\n"


def test_what_is_no_commit_is_missing(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"a": "1"})
    fetched(upstream, mirror)
    blob = upstream.git("rev-parse", "HEAD:a").strip()

    for id_ in (blob, make.sha(9), "no id", ""):
        with pytest.raises(git.GitError, match="there is no commit") as refused:
            git.commit(mirror, id_)
        assert refused.value.kind == "missing"


def test_an_ancestor_comes_strictly_before(upstream: Upstream, mirror: Path) -> None:
    first = upstream.push({"a": "1"})
    tag = upstream.tag("v1")
    second = upstream.push({"a": "2"})
    upstream.git("checkout", "--quiet", "-b", "topic", first)
    other = upstream.push({"b": "1"}, branch="topic")
    fetched(upstream, mirror)

    after = {(older, newer) for older in (first, second, other) for newer in (first, second, other)}
    found = {pair for pair in after if git.is_ancestor(mirror, *pair)}

    assert {(first, second), (first, other)} == found
    assert git.is_ancestor(mirror, tag, second)
    assert not git.is_ancestor(mirror, tag, first)
    assert not git.is_ancestor(mirror, make.sha(9), first)
    assert not git.is_ancestor(mirror, first, make.sha(9))
    assert not git.is_ancestor(mirror.with_name("absent"), first, second)


def test_a_merge_base_is_the_last_commit_that_both_come_from(upstream: Upstream, mirror: Path) -> None:
    first = upstream.push({"a": "1"})
    left = upstream.push({"a": "2"})
    upstream.git("checkout", "--quiet", "-b", "topic")
    topic = upstream.push({"b": "1"}, branch="topic")
    main = upstream.push({"a": "3"})
    upstream.git("checkout", "--quiet", "--orphan", "apart")
    apart = upstream.push({"c": "1"}, branch="apart")
    fetched(upstream, mirror)

    found = [git.merge_base(mirror, *pair) for pair in ((main, topic), (topic, main), (first, topic), (topic, topic))]

    assert found == [left, left, first, topic]
    assert git.merge_base(mirror, main, apart) is None
    assert git.merge_base(mirror, main, make.sha(9)) is None
    assert git.merge_base(mirror.with_name("absent"), main, topic) is None


def test_the_mainline_is_the_first_parents_way_from_one_commit_to_another(upstream: Upstream, mirror: Path) -> None:
    base = upstream.push({"a": "0"})
    upstream.git("checkout", "--quiet", "-b", "topic")
    side = upstream.push({"b": "1"}, branch="topic")
    own = upstream.push({"a": "1"})
    upstream.git("merge", "--quiet", "--no-ff", "-m", "Merge", "topic")
    merge = upstream.git("rev-parse", "HEAD").strip()
    tip = upstream.push({"a": "2"})
    fetched(upstream, mirror)

    found = git.mainline(mirror, base, tip, 3)

    assert found == (own, merge, tip)
    assert git.mainline(mirror, base, tip, 2) is None
    assert git.mainline(mirror, tip, tip, 3) == ()
    assert git.mainline(mirror, tip, base, 3) is None
    assert git.mainline(mirror, own, side, 3) is None
    with pytest.raises(git.GitError, match="there is no commit"):
        git.mainline(mirror, make.sha(9), tip, 3)


def test_between_are_the_commits_that_the_base_does_not_have_newest_first(upstream: Upstream, mirror: Path) -> None:
    base = upstream.push({"a": "0"})
    upstream.git("checkout", "--quiet", "-b", "topic")
    merged = upstream.commit({"b": "1"}, branch="topic", message="On topic")
    upstream.git("checkout", "--quiet", "main")
    own = upstream.commit({"a": "1"}, message="On main")
    upstream.git("merge", "--quiet", "--no-ff", "-m", "Merge", "topic")
    tip = upstream.push({"a": "2"}, message="Tip")
    merge = upstream.git("rev-parse", "HEAD~").strip()
    fetched(upstream, mirror)

    found = [each.sha for each in git.between(mirror, base, tip, 100)]

    assert [tip, merge] == found[:2]
    assert {own, merged} == set(found[2:])
    assert found[:2] == [each.sha for each in git.between(mirror, base, tip, 2)]
    assert git.between(mirror, tip, tip, 100) == ()
    assert git.between(mirror, tip, base, 100) == ()


@pytest.mark.parametrize("base", [None, make.sha(9), "0" * 40])
def test_where_the_base_is_not_known_only_the_tip_is_new(upstream: Upstream, mirror: Path, base: str | None) -> None:
    upstream.push({"a": "0"})
    tip = upstream.push({"a": "1"})
    fetched(upstream, mirror)

    assert [tip] == [each.sha for each in git.between(mirror, base, tip, 100)]


def test_a_commit_touches_the_directories_in_which_something_changed(upstream: Upstream, mirror: Path) -> None:
    directories = {"api": "services/api", "web": "services/web", "app": "services/api2", "all": ".", "none": "absent"}
    first = upstream.push({"services/api/a": "1", "services/api2/a": "1", "README": "1"})
    second = upstream.push({"services/api/deep/b": "1"})
    third = upstream.push({"README": "2"})
    upstream.git("rm", "-r", "--quiet", "services/api2")
    fourth = upstream.push({})
    fetched(upstream, mirror)

    found = [set(git.touched(mirror, sha, directories)) for sha in (first, second, third, fourth)]

    assert [{"api", "app", "all"}, {"api", "all"}, {"all"}, {"app", "all"}] == found


def test_a_merge_touches_what_it_brings_to_its_first_parent(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"api/a": "1", "web/a": "1"})
    upstream.git("checkout", "--quiet", "-b", "topic")
    upstream.commit({"api/a": "2"}, branch="topic")
    upstream.git("checkout", "--quiet", "main")
    upstream.commit({"web/a": "2"})
    upstream.git("merge", "--quiet", "--no-ff", "-m", "Merge", "topic")
    upstream.git("push", "--quiet", "origin", "main")
    fetched(upstream, mirror)

    tip = upstream.git("rev-parse", "HEAD").strip()

    assert git.touched(mirror, tip, {"api": "api", "web": "web"}) == ("api",)


def test_a_pinned_commit_outlives_its_branch_and_a_prune(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"a": "1"})
    pinned, lost = upstream.push({"a": "2"}, branch="topic"), upstream.push({"a": "3"}, branch="other")
    fetched(upstream, mirror)
    git.pin(mirror, 7, pinned)
    git.pin(mirror, 7, pinned)
    upstream.git("push", "--quiet", "origin", ":refs/heads/topic", ":refs/heads/other")
    fetched(upstream, mirror)

    upstream.git("gc", "--quiet", "--prune=now", at=mirror)

    assert pinned == git.commit(mirror, pinned).sha
    with pytest.raises(git.GitError, match="there is no commit"):
        git.commit(mirror, lost)


def test_a_forgotten_run_keeps_nothing(upstream: Upstream, mirror: Path) -> None:
    pinned = upstream.push({"a": "2"}, branch="topic")
    fetched(upstream, mirror)
    git.pin(mirror, 7, pinned)
    assert "refs/ctci/runs/7" in upstream.git("for-each-ref", at=mirror)

    git.unpin(mirror, 7)
    git.unpin(mirror, 7)
    git.unpin(mirror.with_name("absent"), 7)

    assert "refs/ctci/" not in upstream.git("for-each-ref", at=mirror)


def test_a_pin_of_what_is_not_there_is_refused(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"a": "1"})
    fetched(upstream, mirror)

    with pytest.raises(git.GitError, match="cannot be kept in the mirror"):
        git.pin(mirror, 7, make.sha(9))


@pytest.mark.parametrize(
    ("files", "needs"),
    [
        ({"a": "1"}, False),
        ({".gitattributes": "*.txt text\n"}, False),
        ({".gitattributes": "*.png filter=lfs diff=lfs merge=lfs -text\n"}, True),
        ({"deep/down/.gitattributes": "*.bin filter=lfs\n"}, True),
        ({".gitattributes/x": "filter=lfs"}, False),
    ],
)
def test_lfs_is_needed_where_gitattributes_say_so(
    upstream: Upstream, mirror: Path, files: dict[str, str], *, needs: bool
) -> None:
    sha = upstream.push(files)
    fetched(upstream, mirror)

    assert needs == git.needs_lfs(mirror, sha)


def test_what_strangers_write_is_one_line_without_control_characters(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"a": "1"})
    tree = upstream.git("rev-parse", "HEAD^{tree}").strip()
    content = (
        f"tree {tree}\n".encode()
        + b"author Eve\x1b[31m\x07\xff\r\xe2\x80\xaeB <eve\x1b@example.org> 1700000000 +0000\n"
        + b"committer Eve <e@example.org> 1700000001 +0000\n\n"
        + b"\n  \x1b]0;owned\x07Fix\ttabs \xfc\xc2\x85\r\nSecond line\n"
    )
    sha = raw(upstream, "commit", content)
    upstream.git("update-ref", "refs/heads/eve", sha, at=upstream.path)
    fetched(upstream, mirror)

    commit = git.commit(mirror, sha)

    assert (commit.author, commit.email) == ("Eve [31m \ufffd  B", "eve @example.org")
    assert commit.subject == "]0;owned Fix tabs \ufffd"
    assert commit.at == 1_700_000_001_000


def test_a_commit_without_author_and_words_has_readable_ones(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"a": "1"})
    tree = upstream.git("rev-parse", "HEAD^{tree}").strip()
    nobody = b"author  <> 1700000000 +0000\ncommitter  <> 1700000000 +0000\n\n"
    shas = [raw(upstream, "commit", f"tree {tree}\n".encode() + nobody + text) for text in (b"", b"x" * 5000)]
    for number, sha in enumerate(shas):
        upstream.git("update-ref", f"refs/heads/eve{number}", sha, at=upstream.path)
    fetched(upstream, mirror)

    silent, wordy = (git.commit(mirror, sha) for sha in shas)

    assert (silent.author, silent.email, silent.subject) == ("unknown", "", "")
    assert wordy.subject == "x" * 1000


def test_the_changed_files_between_two_commits_are_those_of_both_sides(upstream: Upstream, mirror: Path) -> None:
    first = upstream.push({"kept": "1", "moved": "2", "gone": "3", "deep/er": "4"})
    for name in ("moved", "gone"):
        (upstream.clone / name).unlink()
    second = upstream.push({"new name\n": "2", "deep/er": "5", "ünïcode": "6"})
    fetched(upstream, mirror)

    expected = ("deep/er", "gone", "moved", "new name\n", "ünïcode")
    assert git.changed(mirror, first, second, 100) == git.changed(mirror, second, first, 100) == expected
    assert git.changed(mirror, first, first, 100) == ()
    assert git.changed(mirror, first, second, 5) == expected
    assert git.changed(mirror, first, second, 4) is None


def test_commits_that_the_mirror_lost_cannot_be_compared(upstream: Upstream, mirror: Path) -> None:
    sha = upstream.push({"a": "1"})
    fetched(upstream, mirror)

    with pytest.raises(git.GitError, match="there is no commit eeee"):
        git.changed(mirror, "e" * 40, sha, 10)
