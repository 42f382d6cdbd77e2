"""What this machine gives a job to keep it in: found out once at start, by doing all of it."""

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ctci.run import keeping

#: How long a probe may take, seconds.
PROBE_S = 20


@dataclass(frozen=True, kw_only=True)
class Containment:
    """What there is, and why not."""

    #: None: a keeper starts here and ends all that a recipe leaves.
    keeper_fault: str | None
    #: None: `sandbox.mode = "pid"` is to be had.
    space_fault: str | None
    #: A cgroup of ours in which jobs get their own, or None.
    cgroups: Path | None
    cgroups_fault: str | None

    @property
    def sentence(self) -> str:
        """For the log, /readyz and doctor."""
        if self.keeper_fault is not None:
            return f"no job can run: {self.keeper_fault}"
        group = "cgroup.kill" if self.cgroups else f"no cgroup.kill ({self.cgroups_fault})"
        space = f"no PID namespaces ({self.space_fault})" if self.space_fault else "PID namespaces"
        return f"subreaper, {group}, {space}"

    @property
    def gaps(self) -> tuple[str, ...]:
        """What a recipe may do here that nothing of this ends, in words."""
        kill_all = 'a recipe that kills everything of this user (kill -9 -1), unless it has sandbox.mode = "pid"'
        if self.space_fault:
            kill_all = "a recipe that kills everything of this user (kill -9 -1)"
        others = (
            "a daemon that a setuid program started as another user",
            "one that kills a keeper which an earlier server started, and hides its environment",
        )
        return (*(() if self.cgroups else others), kill_all)


def probe(scratch: Path) -> Containment:
    """Find out, by jobs in a folder below `scratch` that is removed again."""
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="probe-", dir=scratch))
    try:
        cgroups, cgroups_fault = delegated()
        if cgroups is not None:
            cgroups_fault = _try(folder / "cgroup", "cat /proc/self/cgroup", cgroups=cgroups, expect="/ctci-")
        return Containment(
            keeper_fault=_try(folder / "plain", "true"),
            space_fault=_try(folder / "space", "echo $$", sandbox="pid", expect="2"),
            cgroups=cgroups if cgroups_fault is None else None,
            cgroups_fault=cgroups_fault,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def delegated() -> tuple[Path | None, str | None]:
    """The cgroup of this process where we may make others in it; else why not."""
    try:
        mine = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    except (OSError, StopIteration):
        return None, "no unified cgroups"
    for fields in mounts:
        if fields[fields.index("-") + 1] == "cgroup2":
            # The mount may show a part of the tree only.
            root, point = fields[3], fields[4]
            place = Path(point) / os.path.relpath(mine, root)
            if not (place / "cgroup.procs").exists():
                continue
            if not os.access(place, os.W_OK) or not os.access(place / "cgroup.procs", os.W_OK):
                return None, "not delegated to this user: Delegate=yes in the unit"
            return place, None
    return None, "no unified cgroups"


def _try(
    folder: Path, script: str, *, sandbox: str = "none", cgroups: Path | None = None, expect: str = ""
) -> str | None:
    """Why a job of this kind does not work, or None."""
    try:
        kept = keeping.start(  # noqa: S604 - the recipe's shell, not subprocess's
            folder / "1",
            script=script,
            shell="sh",
            cwd=Path("/"),
            env={"PATH": os.environ.get("PATH", os.defpath)},
            timeout_s=PROBE_S,
            cap=4096,
            sandbox=sandbox,
            cgroups=cgroups,
        )
    except keeping.KeepingError as error:
        return str(error)
    ended = keeping.wait(kept, wishes=lambda: False)
    said = (folder / "1" / "log").read_text(errors="replace") if (folder / "1" / "log").exists() else ""
    if ended is not None and ended.how == "exit" and ended.code == 0 and expect in said and not ended.survivors:
        return None
    ours = [line.removeprefix("[ctci] ") for line in said.splitlines() if line.startswith("[ctci] ")]
    if ended is not None and ended.how == "sandbox" and ours:
        return ours[-1].rpartition("namespace: ")[2]
    err = (folder / "1" / "keeper.err").read_text(errors="replace").strip().splitlines()
    return (err or ours or [f"it ended with {ended}, by {sys.executable}"])[-1]
