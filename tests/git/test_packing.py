"""Mirrors that are repacked: nothing that a ref or a pin reaches goes, whatever it is killed in the midst of."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ctci import git
from ctci.git import command, mirrors, packing
from tests.eventually import eventually
from tests.git.test_fetch import fetch, grown, leftovers
from tests.upstream import Upstream

ROOT = Path(__file__).parents[2]


def repack(mirror: Path, *, stop: Callable[[], bool] = lambda: False, deadline_s: float = 60.0) -> bool:
    return git.repack(mirror, deadline_s=deadline_s, stop=stop)


def packs(mirror: Path) -> list[str]:
    return sorted(path.name for path in (mirror / "objects" / "pack").glob("*.pack"))


def laid(mirror: Path, place: Path, commits: list[str]) -> list[str]:
    """The text of `a` in a worktree of each commit."""
    said = []
    for number, commit in enumerate(commits):
        git.lay(place / f"slot{number}.git", mirror, place / f"worktree{number}", commit, "refs/heads/main")
        said.append((place / f"worktree{number}" / "a").read_text())
    return said


def workers(mirror: Path) -> list[int]:
    """Pids of what works on a mirror, by the mark in the environment that all of it inherits."""
    found = []
    for each in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if f"{command.MIRROR}={mirror}".encode() in Path("/proc", each, "environ").read_bytes().split(b"\0"):
                found.append(int(each))
    return found


@contextlib.contextmanager
def stuck(mirror: Path) -> Iterator[None]:
    """Whatever looks for objects in the mirror waits until it is killed."""
    pipe = mirror / "objects" / "info" / "alternates"
    os.mkfifo(pipe)
    try:
        yield
    finally:
        pipe.unlink()


def let_on(mirror: Path) -> None:
    """Who is stuck goes on, having found nothing."""
    with contextlib.suppress(OSError):
        os.close(os.open(mirror / "objects" / "info" / "alternates", os.O_WRONLY | os.O_NONBLOCK))


def sound(upstream: Upstream, mirror: Path) -> bool:
    upstream.git("fsck", "--strict", "--no-dangling", at=mirror)
    return leftovers(mirror) == ["packs"]


def age(mirror: Path, days: float) -> None:
    """All that the mirror has was brought so long ago."""
    then = time.time() - days * 86400
    for path in (mirror / "objects").rglob("*"):
        os.utime(path, (then, then))


def test_many_packs_become_one_with_all_that_was_pinned_and_force_pushed_away(
    upstream: Upstream, mirror: Path, tmp_path: Path
) -> None:
    base = upstream.push({"a": "base"})
    fetch(mirror, upstream.path, base)
    pinned = []
    for number in range(5):
        pinned.append(upstream.push({"a": f"version {number}"}, branch="topic", force=True))
        fetch(mirror, upstream.path, pinned[-1])
        git.pin(mirror, number + 1, pinned[-1])
        upstream.git("reset", "--quiet", "--hard", base)
    upstream.git("push", "--quiet", "origin", ":refs/heads/topic")
    fetch(mirror, upstream.path)
    age(mirror, 400)
    before = packs(mirror)

    assert repack(mirror)

    assert (len(before), len(packs(mirror))) == (6, 1)
    assert laid(mirror, tmp_path, pinned) == [f"version {number}" for number in range(5)]
    assert git.pinned(mirror) == {1, 2, 3, 4, 5}
    assert sound(upstream, mirror)
    assert not (mirror / mirrors.REPACKING).exists()


@pytest.mark.parametrize(("days", "kept"), [(400, False), (0, True)])
def test_what_nothing_reaches_is_kept_for_two_weeks(
    upstream: Upstream, mirror: Path, days: float, *, kept: bool
) -> None:
    upstream.push({"a": "1"})
    lost = upstream.push({"a": "2"})
    fetch(mirror, upstream.path, lost)
    upstream.git("reset", "--quiet", "--hard", "HEAD~")
    upstream.push({"a": "3"}, force=True)
    fetch(mirror, upstream.path)
    age(mirror, days)

    repack(mirror)

    assert mirrors.has(mirror, lost) == kept


def test_after_it_fetches_go_on_and_a_mirror_is_repacked_again(
    upstream: Upstream, mirror: Path, tmp_path: Path
) -> None:
    shas = []
    for number in range(6):
        shas.append(upstream.push({"a": str(number)}))
        fetched = fetch(mirror, upstream.path, shas[-1])
        git.pin(mirror, number + 1, shas[-1])
        if number % 2:
            repack(mirror)
        assert fetched.healed is None

    assert laid(mirror, tmp_path, shas) == ["0", "1", "2", "3", "4", "5"]
    assert sound(upstream, mirror)


def test_branches_have_the_names_that_people_give_them(upstream: Upstream, mirror: Path) -> None:
    names = ("tmp_topic", "gc.pid", "x.keep", "packed-refs.new", "pack_git2_1")
    heads = {name: upstream.push({"a": name}, branch=name) for name in names}
    fetch(mirror, upstream.path)

    repack(mirror)

    assert {name: git.head(mirror, f"refs/heads/{name}") for name in names} == heads


# --- when it is worth it


def test_it_is_worth_it_once_there_are_many_packs(upstream: Upstream, mirror: Path) -> None:
    fetch(mirror, upstream.path, upstream.push({"a": "1"}))
    (pack,) = (mirror / "objects" / "pack").glob("*.pack")

    found = []
    for number in range(packing.MOST_PACKS):
        found.append(git.heaped(mirror))
        shutil.copy(pack, pack.with_name(f"pack-{number:040x}.pack"))

    assert (set(found), git.heaped(mirror)) == ({False}, True)


@pytest.mark.parametrize(
    ("folder", "most"), [("objects/ab", packing.MOST_LOOSE), ("refs/ctci/runs", packing.MOST_REFS)]
)
def test_it_is_worth_it_once_there_are_many_loose_objects_or_refs(
    upstream: Upstream, mirror: Path, folder: str, most: int
) -> None:
    fetch(mirror, upstream.path, upstream.push({"a": "1"}))
    (mirror / folder).mkdir(parents=True)
    for number in range(most - 5):
        (mirror / folder / str(number)).touch()
    few = git.heaped(mirror)
    for number in range(most, most + 10):
        (mirror / folder / str(number)).touch()

    assert (few, git.heaped(mirror)) == (False, True)


def test_a_mirror_that_is_not_there_is_no_heap(mirror: Path) -> None:
    assert not git.heaped(mirror)


# --- when it may not


def test_it_does_not_wait_for_who_works_on_the_mirror(upstream: Upstream, mirror: Path) -> None:
    fetch(mirror, upstream.path, upstream.push({"a": "1"}))
    fetch(mirror, upstream.path, upstream.push({"a": "2"}))

    with mirrors.held(mirror):
        done = repack(mirror)

    assert (done, len(packs(mirror))) == (False, 2)


def test_it_is_asked_whether_it_may_once_the_mirror_is_its_own(upstream: Upstream, mirror: Path) -> None:
    fetch(mirror, upstream.path, upstream.push({"a": "1"}))
    fetch(mirror, upstream.path, upstream.push({"a": "2"}))
    free = []

    def stop() -> bool:
        with mirrors.held(mirror, wait=False) as ours:
            free.append(ours)
        return True

    done = repack(mirror, stop=stop)

    assert (done, len(packs(mirror)), free) == (False, 2, [False])


def test_a_fetch_waits_for_it(upstream: Upstream, mirror: Path) -> None:
    fetch(mirror, upstream.path, upstream.push({"a": "1"}))
    grown(upstream)
    upstream.git("update-ref", "refs/heads/main", (upstream.path / "tips").read_text().split()[-1], at=upstream.path)
    fetch(mirror, upstream.path)
    tip = upstream.push({"a": "2"}, branch="other")
    seen: list[bool] = []
    began = threading.Event()

    def stop() -> bool:
        began.set()
        seen.append(git.head(mirror, "refs/heads/other") is None)
        return False

    thread = threading.Thread(target=lambda: repack(mirror, stop=stop))
    thread.start()
    began.wait(20)
    fetch(mirror, upstream.path, tip)
    thread.join()

    assert set(seen) == {True}
    assert (len(packs(mirror)), sound(upstream, mirror)) == (2, True)


# --- when it is ended


@pytest.fixture
def large(upstream: Upstream, mirror: Path) -> list[str]:
    """A mirror of 51 commits, fetched one by one, whose repacking takes a moment; the commits, each pinned."""
    grown(upstream)
    tips = (upstream.path / "tips").read_text().split()
    for number, tip in enumerate(tips, 1):
        (upstream.path / "refs" / "heads" / "main").write_text(f"{tip}\n")
        fetch(mirror, upstream.path, tip)
        git.pin(mirror, number, tip)
    return tips


def whole(mirror: Path, commits: list[str]) -> list[str]:
    """Those of the commits that cannot be read with all that is in them."""
    done = subprocess.run(
        ["git", "-C", str(mirror), "rev-list", "--objects", "--quiet", *commits], check=False, capture_output=True
    )
    return [] if done.returncode == 0 else commits


def test_stop_ends_all_that_works_on_it_and_the_next_one_finishes(
    upstream: Upstream, mirror: Path, large: list[str]
) -> None:
    def stop() -> bool:
        # git gc itself goes on, and what it starts is stuck.
        if len(workers(mirror)) == 1:
            let_on(mirror)
        return len(workers(mirror)) > 1

    with stuck(mirror):
        done = repack(mirror, stop=stop)
        assert eventually(lambda: not workers(mirror), 5)

    assert (done, len(packs(mirror))) == (False, len(large))
    assert [path.name for path in mirror.rglob("*.lock")] == []
    assert whole(mirror, large) == []
    assert repack(mirror)
    assert (len(packs(mirror)), sound(upstream, mirror)) == (1, True)


def test_what_asks_whether_it_may_go_on_may_fail(mirror: Path, large: list[str]) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.extend(workers(mirror))
        if asked:
            raise ConnectionError("the ledger is away")
        return False

    with stuck(mirror):
        with pytest.raises(ConnectionError) as failed:
            repack(mirror, stop=stop)
        assert eventually(lambda: not workers(mirror), 5)

    assert str(failed.value) == "the ledger is away"
    assert whole(mirror, large) == []


def test_a_deadline_ends_it_with_a_word(mirror: Path, large: list[str]) -> None:
    with stuck(mirror), pytest.raises(git.GitError, match="git gc did not finish within 0 s"):
        repack(mirror, deadline_s=0.2)

    assert whole(mirror, large) == []


def repack_forever(mirror: Path) -> None:
    """Fetches aside, what a server would do: in a process of its own, which is killed."""
    git.setup()
    repack(mirror)


def kill_one(mirror: Path, after_s: float) -> tuple[bool, float]:
    """Kill a server that repacks a mirror: whether it was in the midst of it, and after how long.

    What it has started lives on.
    """
    code = "import sys, pathlib; from tests.git import test_packing as t; t.repack_forever(pathlib.Path(sys.argv[1]))"
    life = subprocess.Popen([sys.executable, "-c", code, str(mirror)], cwd=ROOT)
    eventually(lambda: (mirror / mirrors.REPACKING).exists() or life.poll() is not None)
    began = time.monotonic()
    try:
        life.wait(after_s)
    except subprocess.TimeoutExpired:
        life.kill()
        life.wait()
    return life.returncode == -signal.SIGKILL, time.monotonic() - began


@pytest.mark.parametrize("heirs", ["end", "let"])
def test_a_server_killed_in_the_midst_of_it_leaves_a_mirror_that_is_whole(
    upstream: Upstream, mirror: Path, large: list[str], heirs: str
) -> None:
    """The git that it leaves is ended by the next fetch, or has ended by itself before that."""
    chance = random.Random(7)
    was_killed, whole_s = kill_one(mirror, 60)
    assert not was_killed
    killed = 0

    for number in range(8):
        tip = upstream.push({"a": str(number)}, branch=f"topic{number}")
        large.append(tip)
        killed += kill_one(mirror, chance.uniform(0, whole_s))[0]
        if heirs == "let":
            eventually(lambda: not workers(mirror))
        fetched = fetch(mirror, upstream.path, tip)
        git.pin(mirror, 100 + number, tip)

        assert fetched.healed is None
        assert eventually(lambda: not workers(mirror), 2)
        assert not (mirror / mirrors.REPACKING).exists()
        assert [
            path.name for path in mirror.rglob("*") if mirrors._is_left(path.parent.relative_to(mirror), path.name)
        ] == []
        assert whole(mirror, large) == []

    assert killed >= 2
    assert repack(mirror)
    assert (len(packs(mirror)), sound(upstream, mirror)) == (1, True)


def test_an_index_whose_pack_a_killed_repacking_has_removed_is_no_broken_mirror(
    upstream: Upstream, mirror: Path
) -> None:
    for number in range(3):
        fetch(mirror, upstream.path, upstream.push({"a": str(number)}))
    indexes = {path: path.read_bytes() for path in (mirror / "objects" / "pack").glob("*.idx")}
    repack(mirror)
    # As older gits leave it: the pack goes before its index.
    (mirror / mirrors.REPACKING).touch()
    for path, content in indexes.items():
        path.write_bytes(content)
    tip = upstream.push({"a": "more"})

    fetched = fetch(mirror, upstream.path, tip)

    assert fetched.healed is None
    assert [path for path in indexes if path.exists()] == []
    assert (git.head(mirror, "refs/heads/main"), sound(upstream, mirror)) == (tip, True)


def test_a_pack_that_was_lost_is_missed_after_a_killed_repacking_too(upstream: Upstream, mirror: Path) -> None:
    fetch(mirror, upstream.path, upstream.push({"a": "1"}))
    (lost,) = (mirror / "objects" / "pack").glob("*.pack")
    fetch(mirror, upstream.path, upstream.push({"a": "2"}))
    (mirror / mirrors.REPACKING).touch()
    lost.unlink()

    with pytest.raises(git.GitError, match="the mirror is broken"):
        repack(mirror)
    tip = upstream.push({"a": "3"})
    fetched = fetch(mirror, upstream.path, tip)

    assert fetched.healed is not None
    assert (git.head(mirror, "refs/heads/main"), len(list(mirror.parent.glob("*.broken-*")))) == (tip, 1)


def test_what_earlier_ones_left_by_half_does_not_hinder_it(upstream: Upstream, mirror: Path) -> None:
    for number in range(2):
        fetch(mirror, upstream.path, upstream.push({"a": str(number)}))
    left = ["packed-refs.new", "packed-refs.lock", "gc.pid", "gc.pid.lock", "objects/pack/.tmp-7-pack-0a.pack"]
    for name in (*left, f"objects/pack/pack-{'0' * 40}.pack"):
        (mirror / name).write_text("half")
    (mirror / "gc.pid").write_text(f"{os.getpid()} {os.uname().nodename}")

    assert repack(mirror)

    assert (len(packs(mirror)), sound(upstream, mirror)) == (1, True)
    assert [name for name in left if (mirror / name).exists()] == []
