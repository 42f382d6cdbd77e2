"""Jobs for the tests of keeper and keeping: real processes, found again by a marker on their command line."""

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ctci.model import Exit
from ctci.run import keeping

ENV = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"}

_numbers = itertools.count(1)


def nap() -> str:
    """`59.0012300001`: seconds for sleep that nobody else sleeps."""
    return f"59.{os.getpid():07d}{next(_numbers):04d}"


def alive(marker: str) -> list[int]:
    """Pids of the living whose command line has the marker."""
    found = []
    for each in Path("/proc").iterdir():
        try:
            if each.name.isdigit() and marker in (each / "cmdline").read_text(errors="replace"):
                found.append(int(each.name))
        except OSError:
            continue
    return found


def begin(
    folder: Path,
    script: str,
    *,
    shell: str = "sh -e",
    cwd: Path = Path("/"),
    env: Mapping[str, str] = ENV,
    timeout_s: float = 30.0,
    grace_s: float = 5.0,
    cap: int = 1 << 20,
    nice: int = 0,
    lease: Path | None = None,
    sandbox: str = "none",
    cgroups: Path | None = None,
    facts: Sequence[str] = (),
    fact_s: float = keeping.FACT_S,
) -> keeping.Kept:
    return keeping.start(
        folder,
        script=script,
        shell=shell,
        cwd=cwd,
        env=env,
        timeout_s=timeout_s,
        grace_s=grace_s,
        cap=cap,
        nice=nice,
        lease=lease,
        sandbox=sandbox,
        cgroups=cgroups,
        facts=facts,
        fact_s=fact_s,
    )


def over(kept: keeping.Kept, wishes: Callable[[], bool] = lambda: False) -> Exit:
    ended = keeping.wait(kept, wishes=wishes, poll_s=0.02)
    assert ended is not None
    return ended


def said(folder: Path) -> str:
    """The job's log so far."""
    path = folder / "log"
    return path.read_text() if path.exists() else ""
