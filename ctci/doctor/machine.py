"""Python, SQLite, git, and what holds a job's processes together."""

import platform
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from ctci.doctor.finding import FINE, WARNING, WRONG, Check, Subject
from ctci.run import containment

#: The oldest that ctci works with.
PYTHON, SQLITE, GIT = (3, 11), (3, 35, 0), (2, 18)
GROUP = "This machine"


def examine(_: Subject) -> tuple[Check, ...]:
    """What has to be installed."""
    return (_python(), _sqlite(), _git(), _containment())


def _python() -> Check:
    said = platform.python_version()
    if sys.version_info >= PYTHON:
        return Check(group=GROUP, name="python", state=FINE, said=said)
    return Check(group=GROUP, name="python", state=WRONG, said=f"{said} is too old", fix="install Python 3.11 or newer")


def _sqlite() -> Check:
    said = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= SQLITE:
        return Check(group=GROUP, name="sqlite", state=FINE, said=said)
    return Check(group=GROUP, name="sqlite", state=WRONG, said=f"{said} is too old", fix="install SQLite 3.35 or newer")


def _git() -> Check:
    fix = "install git 2.18 or newer, on the PATH of the server"
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return Check(group=GROUP, name="git", state=WRONG, said="not found", fix=fix)
    said = done.stdout.strip().removeprefix("git version ")
    found = re.match(r"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < GIT:
        return Check(group=GROUP, name="git", state=WRONG, said=f"{said} is too old", fix=fix)
    return Check(group=GROUP, name="git", state=FINE, said=said)


def _containment() -> Check:
    if not Path("/proc/self/stat").exists():
        return Check(
            group=GROUP,
            name="containment",
            state=WRONG,
            said="there is no /proc, so what a job leaves behind cannot be found",
            fix="mount /proc; ctci needs Linux",
        )
    with tempfile.TemporaryDirectory(prefix="ctci-doctor-") as scratch:
        found = containment.probe(Path(scratch))
    if found.keeper_fault is not None:
        fix = "this is what a job would be started with: see the message"
        return Check(group=GROUP, name="containment", state=WRONG, said=found.sentence, fix=fix)
    fixes = []
    if found.cgroups is None:
        fixes.append("Delegate=yes in the unit gives cgroup.kill")
    if found.space_fault is not None:
        fixes.append("allow user namespaces (user.max_user_namespaces, AppArmor, a /proc that may be mounted)")
    return Check(
        group=GROUP,
        name="containment",
        state=WARNING if fixes else FINE,
        said=f"{found.sentence}; a job may read what this user may read, and nothing ends {'; '.join(found.gaps)}",
        fix="; ".join(fixes) or None,
    )
