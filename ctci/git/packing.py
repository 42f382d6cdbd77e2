"""Repacks a mirror that has grown into a heap of small files: under its lock, by the git command, ended at any moment.

Each fetch brings a pack of its own, and each run a ref. Nothing that a ref or a run's pin reaches is ever removed.
"""

import os
from collections.abc import Callable
from pathlib import Path

from ctci.git import command, mirrors
from ctci.git.command import Access, GitError

#: With more packs, loose objects or loose refs than these it is worth it. git's own measure is 50 packs, 6,700 objects.
MOST_PACKS, MOST_LOOSE, MOST_REFS = 50, 5000, 2000
#: What no ref reaches is kept for so long: who is about to name it has just brought it.
UNREACHED = "2.weeks.ago"
NICE = 10
_SETTINGS = (
    "gc.writeCommitGraph=false",
    "repack.writeBitmaps=false",
    # A pack of that size is not written anew for the sake of small ones.
    "gc.bigPackThreshold=2g",
    # Beside jobs of other projects: one core of them, and no gigabytes.
    "pack.threads=1",
    "pack.windowMemory=128m",
)


def heaped(mirror: Path) -> bool:
    """Whether repacking is worth it; costs as little as listing some folders."""
    objects = mirror / "objects"
    try:
        packs = sum(name.endswith(".pack") for name in os.listdir(objects / "pack"))
        loose = sum(len(os.listdir(objects / name)) for name in os.listdir(objects) if len(name) == 2)
    except OSError:
        # None yet, or a broken one: the next fetch makes it anew.
        return False
    refs = sum(len(names) for _, _, names in os.walk(mirror / "refs"))
    return packs > MOST_PACKS or loose > MOST_LOOSE or refs > MOST_REFS


def repack(mirror: Path, *, deadline_s: float, stop: Callable[[], bool]) -> bool:
    """Whether it was repacked; not where somebody works on it, and not to the end where `stop` says so, even at first.

    Raises GitError.
    """
    with mirrors.held(mirror, wait=False) as ours:
        # Asked only now: who fetches holds the lock, and what it fetched for is to be seen by `stop` when it lets go.
        if not ours or stop():
            return False
        if (mirror / mirrors.REPACKING).exists():
            command.end_orphans(mirror)
        mirrors.clear(mirror)
        try:
            mirrors.repacked(mirror)
            (mirror / mirrors.REPACKING).touch()
            _gc(mirror, deadline_s, stop)
        except mirrors.Broken as broken:
            # The next fetch sets it aside.
            raise GitError(f"the mirror is broken: {broken}") from broken
        except GitError as error:
            mirrors.clear(mirror)
            if str(error) == command.STOPPED:
                return False
            raise
        (mirror / mirrors.REPACKING).unlink()
        return True


def _gc(mirror: Path, deadline_s: float, stop: Callable[[], bool]) -> None:
    settings = [part for each in _SETTINGS for part in ("-c", each)]
    arguments = [*settings, "-C", str(mirror), "gc", "--quiet", "--force", f"--prune={UNREACHED}"]
    command.run(
        Access(url=str(mirror)),
        arguments,
        deadline_s=deadline_s,
        stop=stop,
        extra_env=mirrors.marked(mirror),
        worker="git gc",
        nice=NICE,
    )
