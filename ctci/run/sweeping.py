"""Ends what a job runs when its keeper was killed and can do so no more: by cgroup, by environment, and as orphans.

A living keeper needs none of this: whoever is left of its job is a child of it.
"""

import contextlib
import ctypes
import logging
import os
import select
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from ctci import clock

log = logging.getLogger(__name__)

#: In the environment of every process of a job.
COOKIE = "CTCI_COOKIE"
#: How long what is killed may take to go, seconds.
SWEEP_S = 10.0
#: Guards `keepers`, and is held while one is started or buried, so that who asks sees each that lives.
starting = threading.Lock()
#: Pids of the keepers that this process has started and not buried.
keepers: set[int] = set()
_others: Callable[[], Collection[int]] | None = None
#: Children that were there before us: of the shell that became this process, say.
_inherited: frozenset[int] = frozenset()
#: Pids that could not be killed, so that they are told of once.
_told: set[int] = set()


def sweep(folder: Path) -> tuple[int, ...]:
    """KILL what a job runs whose keeper was killed, until none is left; the pids of those that may not be killed.

    Finds them by the job's cgroup, by the environment that they were given, and as orphans that are our children now.
    """
    try:
        needle = f"{COOKIE}={(folder / 'cookie').read_text()}".encode()
    except OSError:
        needle = None
    cgroup = _cgroup(folder)
    killed: set[int] = set()
    deadline = clock.monotonic() + SWEEP_S
    while True:
        grouped = cgroup is not None and _kill_group(cgroup)
        found, refused = _kill_all(needle) if needle is not None else (set(), set())
        orphans, protected = _kill_orphans()
        killed |= found
        if not grouped and not found and not orphans and not any(_remains(pid) for pid in killed):
            break
        if clock.monotonic() > deadline:
            refused = {*refused, *filter(_remains, killed)}
            break
        select.poll().poll(5)
    _told.intersection_update(_children())
    left = (refused | protected) - _told
    _told.update(protected)
    if left:
        log.error("of %s these could not be ended: pid %s", folder, ", ".join(map(str, sorted(left))))
    return tuple(sorted(left))


def become_subreaper(others: Callable[[], Collection[int]] | None = None) -> None:
    """Make the orphans of a killed keeper ours instead of init's, to be killed by `sweep`.

    `others` tells the children that this process has started itself, keepers aside; without it none counts as orphan.
    """
    global _others, _inherited  # noqa: PLW0603 - a process has one set of children, however many jobs
    prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    # The first process of a machine or container is everybody's parent: who comes to it says nothing.
    _others = others if os.getpid() != 1 else None
    _inherited = frozenset(_children())


def prctl(option: int, value: int) -> None:
    """Set one property of this process, by its number in <sys/prctl.h>. Raises OSError."""
    if ctypes.CDLL(None).prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))) != 0:
        raise OSError(f"prctl {option} is refused")


def _kill_group(cgroup: Path) -> bool:
    """Whether anybody is in it still."""
    try:
        (cgroup / "cgroup.kill").write_text("1")
        return "populated 1" in (cgroup / "cgroup.events").read_text()
    except OSError:
        return False


def _kill_all(needle: bytes) -> tuple[set[int], set[int]]:
    """(killed now, not to be killed) of the processes with this in their environment."""
    killed, refused = set(), set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        # Gone meanwhile, or another user's.
        with contextlib.suppress(OSError), pinned(int(entry)) as pidfd:
            # Read after the number is pinned, so that the kill hits whose environment it was.
            if needle in Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                try:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    killed.add(int(entry))
                except PermissionError:
                    refused.add(int(entry))
    return killed, refused


def _kill_orphans() -> tuple[set[int], set[int]]:
    """(killed now, not to be killed) of our children that nobody here has started: a killed keeper's."""
    killed: set[int] = set()
    refused: set[int] = set()
    if _others is None:
        return killed, refused
    with contextlib.ExitStack() as stack:
        fds: dict[int, int] = {}
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                fds[pid] = stack.enter_context(pinned(pid))
        # Asked after they were pinned: who is a child then, not buried and in no list, was started by nobody here.
        with starting:
            known = {*_inherited, *keepers, *_others()}
        for pid in fds.keys() - known:
            try:
                signal.pidfd_send_signal(fds[pid], signal.SIGKILL)
                killed.add(pid)
                os.waitid(os.P_PIDFD, fds[pid], os.WEXITED | os.WNOHANG)
            except PermissionError:
                refused.add(pid)
            except (ProcessLookupError, ChildProcessError):
                continue
    return killed, refused


def _children() -> list[int]:
    """Pids of the children of this process, whichever of its threads started them."""
    me = os.getpid()
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):
            if int(Path("/proc", entry, "stat").read_bytes().rpartition(b")")[2].split()[1]) == me:
                found.append(int(entry))
    return found


def _cgroup(folder: Path) -> Path | None:
    """The job's own cgroup, if it was given one."""
    try:
        return Path(os.fsdecode((folder / "cgroup").read_bytes()))
    except FileNotFoundError:
        return None


def discard_cgroup(folder: Path) -> None:
    """Remove a job's cgroup, empty by now, and those that the recipe made in it."""
    cgroup = _cgroup(folder)
    if cgroup is not None:
        for each, _, _ in os.walk(cgroup, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(each)


def _remains(pid: int) -> bool:
    """Whether a killed process is still there; one that became our child is reaped."""
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return Path("/proc", str(pid)).exists()


@contextlib.contextmanager
def pinned(pid: int) -> Iterator[int]:
    """A pidfd, closed at the end."""
    pidfd = os.pidfd_open(pid)
    try:
        yield pidfd
    finally:
        os.close(pidfd)
