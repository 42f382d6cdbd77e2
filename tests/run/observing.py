"""Sees every process of a case, whatever it does to its environment, session, name or parents: the ground truth.

By three signs at once: the cgroup the case was put in (root), the uid that is its own (root), and a marker on the
command line. A cgroup of the `pids` controller also bounds how many processes a case can have. Also knows how to be
an ordinary user, who needs a Python and a copy of ctci that are open to all.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctci.model import Exit
from tests.eventually import eventually

ROOT = Path(__file__).parents[2]
WE_ARE_ROOT = os.geteuid() == 0
NOBODY = 65534
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Dead, and only waiting to be reaped.
DEAD = "ZX"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What belongs to one case."""

    marker: str
    uid: int | None
    #: The name of its cgroups, in whichever hierarchy they are.
    group: str | None

    def sees(self, pid: int) -> str | None:
        """`uid state command line` of a living process of the case."""
        proc = Path("/proc", str(pid))
        try:
            status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
            command = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (proc / "cgroup").read_text()
        except OSError:
            return None
        if status["State"][0] in DEAD:
            return None
        uids = status["Uid"].split()
        ours = self.marker in command or str(self.uid) in uids or (self.group is not None and self.group in groups)
        return f"{uids[0]} {status['State']} {command or status['Name']}" if ours else None

    def living(self, *, besides: int = 0) -> dict[int, str]:
        """pid -> what it is. Looks again and again: who forks on and on may be missed by one look."""
        found = {}
        for _ in range(3):
            for pid in (int(each) for each in os.listdir("/proc") if each.isdigit()):
                if pid != besides and (seen := self.sees(pid)):
                    found[pid] = seen
        return found

    def clear(self) -> None:
        """Kill what is left of it, for the sake of the next."""

        def gone() -> bool:
            for pid in self.living():
                with contextlib.suppress(ProcessLookupError):
                    pidfd = os.pidfd_open(pid)
                    try:
                        # Asked again now that the number is pinned.
                        if self.sees(pid):
                            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    finally:
                        os.close(pidfd)
            return not self.living()

        # What is not ours to kill ends by itself.
        eventually(gone, 60)


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Where cgroups can be made; either may be missing."""

    #: To observe and to bound: cgroup v1 `pids`, else `freezer`, else `v2`.
    observer: Path | None
    #: To be left by the recipe that does so.
    v2: Path | None

    @contextlib.contextmanager
    def made(self, name: str, uid: int | None, limit: int) -> Iterator[list[Path]]:
        """The groups of one case, to be entered; the user `uid` may move within its own of cgroup v2."""
        enter, made = [], []
        if self.v2 is not None:
            made += [self.v2 / name, self.v2 / name / "inner"]
            enter.append(made[-1])
        if self.observer is not None and self.observer != self.v2:
            made.append(self.observer / name)
            enter.append(made[-1])
        try:
            for group in made:
                group.mkdir()
                if uid is not None and self.v2 in group.parents:
                    # As systemd delegates it: also to make groups in it.
                    os.chown(group, uid, uid)
                    os.chown(group / "cgroup.procs", uid, uid)
                if (group / "pids.max").exists():
                    (group / "pids.max").write_text(str(limit))
            yield enter
        finally:
            for group in reversed(made):
                eventually(functools.partial(_removed, group))


@contextlib.contextmanager
def groups() -> Iterator[Groups]:
    """What this machine has; mounts cgroup v2 for the time being where it is not mounted."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    one = {
        option: Path(place)
        for _, place, kind, options, *_ in mounts
        if kind == "cgroup"
        for option in options.split(",")
    }
    two = [Path(place) for _, place, kind, *_ in mounts if kind == "cgroup2"]
    with contextlib.ExitStack() as stack:
        if not two and (mounted := stack.enter_context(_mounted())):
            two = [mounted]
        v2 = next(filter(_usable, two), None)
        old = next(filter(_usable, (one[each] for each in ("pids", "freezer") if each in one)), None)
        yield Groups(observer=old or v2, v2=v2)


def _removed(group: Path) -> bool:
    """With the groups in it; refused as long as somebody is not quite dead."""
    for each, _, _ in os.walk(group, topdown=False):
        os.rmdir(each)
    return True


def _usable(hierarchy: Path) -> bool:
    """Whether groups can be made and entered."""
    probe = hierarchy / f"ctci-probe-{os.getpid()}"
    try:
        probe.mkdir()
    except OSError:
        return False
    probe.rmdir()
    return True


@contextlib.contextmanager
def _mounted() -> Iterator[Path | None]:
    with tempfile.TemporaryDirectory(prefix="ctci-cgroup2-") as folder:
        done = subprocess.run(["mount", "-t", "cgroup2", "none", folder], capture_output=True, check=False)
        if done.returncode != 0:
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def as_user(uid: int | None) -> dict[str, Any]:
    """For subprocess: be this user and nothing else; None stays who we are."""
    return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}


def library(folder: Path) -> Path:
    """A copy of ctci, as it is now and where an ordinary user can read it; to be named in PYTHONPATH."""
    copy = folder / "library"
    shutil.copytree(ROOT / "ctci", copy / "ctci", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def ordinary_python(path: Path) -> str:
    """A Python that an ordinary user can start with a library; empty when there is none."""
    if not WE_ARE_ROOT:
        return sys.executable
    for python in (sys.executable, *filter(None, [shutil.which("python3", path=PATH)])):
        with contextlib.suppress(OSError):
            argv, env = [python, "-B", "-c", "import ctci.run.keeping"], {"PYTHONPATH": str(path)}
            probe = subprocess.run(argv, env=env, cwd="/", capture_output=True, check=False, **as_user(NOBODY))
            if probe.returncode == 0:
                return python
    return ""


def lighten(path: Path, *pythons: str) -> None:
    """For a library that is loaded hundreds of times, by processes that know ctci.run.keeping only.

    It is compiled once for each Python, and its nouns are those of the file where keeping's one is: to make them all
    takes longer than all else that such a process does.
    """
    (path / "ctci" / "model" / "__init__.py").write_text(f"from {Exit.__module__} import Exit as Exit\n")
    for python in {each for each in pythons if each}:
        subprocess.run([python, "-m", "compileall", "-q", str(path / "ctci")], check=True, cwd="/")
