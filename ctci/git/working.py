"""A person's working copy, as it lies: read, and never written to.

Git runs here with the person's own configuration, for it decides what a commit of theirs would hold; none of their
hooks runs. Index and new objects go into a folder of ours that is gone afterwards, with the working copy's own
objects behind it: of these git at most renews the time, as it does of each that it meets again.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2

from ctci.git.command import GitError
from ctci.model import HEADS

#: The ref of what was taken, in the repository that it was taken into.
TAKEN = "refs/ctci/try"
#: No hook runs, no monitor is asked, and nothing beside our own index is written.
_FLAGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "advice.addEmbeddedRepo=false",
)


@dataclass(frozen=True, kw_only=True)
class Working:
    """A working copy."""

    top: Path
    #: The branch that it is on, without its prefix; None where HEAD is detached.
    branch: str | None
    #: What that is called where it is pushed to.
    pushed_as: str | None
    #: Name -> address, of the remote that is pushed to first, then `origin`, then the others.
    remotes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a working copy holds, as a commit."""

    #: The repository that has it, as TAKEN.
    repository: Path
    commit: str
    #: Whether anything is in it that HEAD has not.
    dirty: bool
    #: Submodules with work of their own that no commit can hold.
    left: tuple[str, ...]


def working(folder: Path) -> Working:
    """The working copy around a folder. Raises GitError where there is none."""
    top = Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    # git prints nothing where HEAD is detached.
    ref = _git(top, "symbolic-ref", "--quiet", "HEAD", or_else="").strip()
    branch = ref.removeprefix(HEADS) if ref.startswith(HEADS) else None
    told = ""
    if branch is not None:
        told = _git(top, "for-each-ref", "--format=%(push:remotename)%00%(push)", ref).strip("\n")
    first, _, followed = told.partition("\0")
    names = _git(top, "remote").split()
    ordered = [name for name in dict.fromkeys((first, "origin", *names)) if name in names]
    addresses = {name: _git(top, "remote", "get-url", name, or_else="").strip() for name in ordered}
    return Working(
        top=top,
        branch=branch,
        # Empty where git would refuse to push without being told where to.
        pushed_as=followed.removeprefix(f"refs/remotes/{first}/") or branch,
        remotes={name: address for name, address in addresses.items() if address},
    )


@contextlib.contextmanager
def taken(top: Path, *, name: str) -> Iterator[Taken]:
    """All that a working copy holds as a commit upon its HEAD, until the block ends; HEAD itself where that is all.

    Changed, staged and new files, without what is ignored. `name` is the author where the person has told git none.
    Raises GitError, also while a merge has conflicts.
    """
    unmerged = sorted(
        {line.partition("\t")[2] for line in _git(top, "ls-files", "-z", "--unmerged").split("\0")} - {""}
    )
    if unmerged:
        more = f" and {len(unmerged) - 3} more" if len(unmerged) > 3 else ""
        raise GitError(f"conflicts are not resolved yet: {', '.join(unmerged[:3])}{more}", kind="refused")
    with tempfile.TemporaryDirectory(prefix="ctci-try-", ignore_cleanup_errors=True) as folder:
        repository = Path(folder) / "repository"
        _lay(top, repository)
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index"), "GIT_OBJECT_DIRECTORY": str(repository / "objects")}
        index = _path(top, "index")
        with contextlib.suppress(FileNotFoundError):
            # With its time: by that git knows which files may have changed in the second in which it was written.
            shutil.copy2(index, env["GIT_INDEX_FILE"])
        # Of a sparse checkout what lies outside of it all the same; what does not lie there stays as it is.
        _git(top, "add", "--all", "--sparse", env=env)
        tree = _git(top, "write-tree", env=env).strip()
        head = _git(top, "rev-parse", "--quiet", "--verify", "HEAD^{commit}", or_else="").strip()
        dirty = not head or tree != _git(top, "rev-parse", "HEAD^{tree}").strip()
        commit = _commit(top, tree, head, name, env) if dirty else head
        ref = repository / TAKEN
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(f"{commit}\n")
        yield Taken(repository=repository, commit=commit, dirty=dirty, left=_left(top, env))


def _lay(top: Path, repository: Path) -> None:
    """An empty repository that finds the working copy's own objects."""
    pygit2.init_repository(str(repository), bare=True)
    alternates = repository / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    # Quoted as git quotes: the name of a folder may be any.
    path = str(_path(top, "objects")).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    alternates.write_text(f'"{path}"\n')
    with contextlib.suppress(FileNotFoundError):
        # Where the history of the working copy ends, ours does.
        shutil.copyfile(_path(top, "shallow"), repository / "shallow")


def _commit(top: Path, tree: str, head: str, name: str, env: Mapping[str, str]) -> str:
    branch = _git(top, "symbolic-ref", "--quiet", "--short", "HEAD", or_else="").strip()
    if not _git(top, "var", "GIT_COMMITTER_IDENT", or_else="") or not _git(top, "var", "GIT_AUTHOR_IDENT", or_else=""):
        who = {"NAME": name, "EMAIL": f"{name}@localhost"}
        env = {**env, **{f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who}}
    said = f"Uncommitted work on {branch}" if branch else f"Uncommitted work upon {head[:7]}"
    parent = ("-p", head) if head else ()
    return _git(top, "commit-tree", tree, *parent, "-m", said, env=env).strip()


def _left(top: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Submodules in which something is changed or new."""
    asked = ["status", "--porcelain=v2", "-z", "--no-renames", "--ignore-submodules=none", "--untracked-files=no"]
    said = _git(top, *asked, env=env)
    entries = [line.split(" ", 8) for line in said.split("\0") if line.startswith("1 ")]
    # S, then whether its commit is another, something in it is changed, or is new.
    return tuple(entry[8] for entry in entries if entry[2].startswith("S") and {"M", "U"} & set(entry[2][2:]))


def _path(top: Path, name: str) -> Path:
    return (top / _git(top, "rev-parse", "--git-path", name).rstrip("\n")).resolve()


def _git(at: Path, *arguments: str, or_else: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """What git printed; `or_else` where it fails. Raises GitError."""
    flags = [part for flag in _FLAGS for part in ("-c", flag)]
    try:
        done = subprocess.run(
            ["git", *flags, *arguments],
            cwd=at,
            # No lock is taken for what git would only like to write.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitError(f"the git command does not run: {error}", kind="refused") from error
    if done.returncode == 0:
        return done.stdout.decode(errors="surrogateescape")
    if or_else is not None:
        return or_else
    said = done.stderr.decode(errors="replace").strip().splitlines()
    wrong = [line for line in said if line.startswith(("fatal:", "error:"))] or said[-1:]
    sentence = "; ".join(line.removeprefix("fatal: ").removeprefix("error: ") for line in wrong[:3])
    raise GitError(sentence or f"git {arguments[0]} ended with {done.returncode}", kind="refused")
