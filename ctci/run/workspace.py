"""A job's place on the disk and its environment: slot repository, worktree, home, tmp.

Nothing of a slot is trusted from its former use: it is laid anew each time, and cleaned whatever a recipe did to it.
The environment is built from nothing; of the server's it takes PATH and what `env-pass` names, never a CTCI_ setting.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctci import git
from ctci.layout import Layout
from ctci.model import HEADS, TAGS, TRY, Order, Run, tracing
from ctci.run import trees

#: Where the server was started without one.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class WorkspaceError(Exception):
    """There is no place for the job; the message says why and can be shown."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where a job runs."""

    worktree: Path
    #: The subproject's directory in the worktree.
    directory: Path
    home: Path


def prepare(layout: Layout, slot: int, order: Order, *, commit: str) -> Workspace:
    """A fresh worktree of the commit in a clean slot. Raises WorkspaceError, and git.GitError."""
    place = layout.slot(slot).absolute()
    clean(layout, slot)
    try:
        # Fails where the slot could neither be removed nor set aside.
        place.mkdir(mode=0o700, parents=True)
        for name in ("home", "tmp"):
            (place / name).mkdir(mode=0o700)
    except OSError as error:
        raise WorkspaceError(f"slot {slot} cannot be used: {error.strerror}") from error
    worktree = place / "worktree"
    git.lay(place / "repository.git", layout.mirror(order.project), worktree, commit, order.ref)
    return Workspace(worktree=worktree, directory=_directory(worktree, order.directory), home=place / "home")


def clean(layout: Layout, slot: int) -> bool:
    """Leave nothing in the slot; False when it had to be set aside in the trash."""
    return trees.remove(layout.slot(slot), layout.trash)


def environment(
    order: Order,
    run: Run,
    job: int,
    attempt: int,
    *,
    home: Path,
    server_environ: Mapping[str, str],
    public_url: str,
    traced: bool = False,
) -> dict[str, str]:
    """All that the job's processes are told; facts that a run lacks are empty, so that `set -u` works.

    TRACEPARENT is there where runs are `traced`; TMPDIR is the folder `tmp` beside `home`, where there is one.
    """
    temporary = home.with_name("tmp")
    env = {
        "PATH": server_environ.get("PATH") or PATH,
        "LANG": "C.UTF-8",
        "HOME": str(home),
        **({"TMPDIR": str(temporary)} if temporary.is_dir() else {}),
        "CI": "true",
        "GIT_TERMINAL_PROMPT": "0",
        "FORCE_COLOR": "1",
        "CLICOLOR_FORCE": "1",
        **({"TRACEPARENT": tracing.traceparent(run, job, attempt)} if traced else {}),
    }
    for name in order.recipe.env_pass:
        if name in server_environ and not name.startswith("CTCI_"):
            env[name] = server_environ[name]
    env |= order.recipe.env
    return env | {name: _safe(value) for name, value in _facts(order, run, job, attempt, public_url).items()}


def _facts(order: Order, run: Run, job: int, attempt: int, public_url: str) -> dict[str, str]:
    return {
        "CTCI": "true",
        "CTCI_PROJECT": order.project,
        "CTCI_SUBPROJECT": order.subproject,
        "CTCI_RECIPE": order.recipe.name,
        "CTCI_RUN": str(run.id),
        "CTCI_RUN_URL": f"{public_url.rstrip('/')}/runs/{run.id}",
        "CTCI_JOB": str(job),
        "CTCI_ATTEMPT": str(attempt),
        "CTCI_EVENT": run.event,
        # A push in all else; what publishes has to know.
        "CTCI_TRY": "true" if run.kind == TRY else "",
        "CTCI_SCHEDULE": run.schedule or "",
        "CTCI_REF": run.ref,
        "CTCI_BRANCH": run.branch if run.ref.startswith(HEADS) else "",
        "CTCI_TAG": run.branch if run.ref.startswith(TAGS) else "",
        "CTCI_SHA": run.commit or "",
        "CTCI_BEFORE_SHA": run.before or "",
        "CTCI_PUSHED_BY": run.pusher or "",
    }


def _safe(value: str) -> str:
    """Fit for an environment: strangers choose the names of branches and pushers."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def _directory(worktree: Path, name: str) -> Path:
    """The subproject's directory; a link out of the worktree is none."""
    directory = Path(os.path.realpath(worktree / name))
    if not directory.is_dir() or not directory.is_relative_to(os.path.realpath(worktree)):
        raise WorkspaceError(f"the commit has no directory {name}")
    return directory
