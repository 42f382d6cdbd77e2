"""What a remote says of itself without being fetched."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2

from ctci.git import command
from ctci.git.command import Access, GitError
from ctci.model import HEADS, TAGS

_PEELED = "^{}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """Where a remote's branches and tags stand."""

    #: Full name -> the ids that it is known by: its own, and of an annotated tag also that of its commit.
    refs: Mapping[str, tuple[str, ...]]
    #: The branch that its HEAD points to, where that is told.
    default_branch: str | None


def ask(access: Access, *, deadline_s: float, stop: Callable[[], bool]) -> Told:
    """Ask a remote for its branches, its tags and its HEAD, once. Raises GitError."""
    if access.local is not None:
        # A process less; where libgit2 cannot, the git command says why.
        with contextlib.suppress(pygit2.GitError, KeyError, ValueError, OSError):
            return _look(access.local)
    asked = ["ls-remote", "--symref", "--end-of-options", access.url, "HEAD", f"{HEADS}*", f"{TAGS}*"]
    return _read(command.run(access, asked, deadline_s=deadline_s, stop=stop))


def _read(said: str) -> Told:
    """What `git ls-remote --symref` printed."""
    refs: dict[str, tuple[str, ...]] = {}
    default = None
    for line in said.splitlines():
        first, tab, name = line.partition("\t")
        if tab and name == "HEAD":
            default = first.removeprefix(f"ref: {HEADS}") if first.startswith(f"ref: {HEADS}") else default
        elif tab and name.startswith((HEADS, TAGS)):
            name = name.removesuffix(_PEELED)
            refs[name] = (*refs.get(name, ()), first)
    return Told(refs=refs, default_branch=default)


def _look(path: Path) -> Told:
    """The same of a repository on this machine, without another process."""
    repository = pygit2.Repository(str(path))
    refs: dict[str, tuple[str, ...]] = {}
    for raw in repository.raw_listall_references():
        name = raw.decode(errors="replace")
        if name.startswith((HEADS, TAGS)) and name.encode() == raw:
            id_ = repository.references[name].resolve().target
            of = repository[id_] if name.startswith(TAGS) else None
            peeled = (str(of.peel(None).id),) if isinstance(of, pygit2.Tag) else ()
            refs[name] = (str(id_), *peeled)
    return Told(refs=refs, default_branch=_head(repository))


def default_branch(access: Access, *, deadline_s: float, stop: Callable[[], bool]) -> str | None:
    """The branch that the remote's HEAD points to, where it can be learnt."""
    if access.local is not None:
        try:
            return _head(pygit2.Repository(str(access.local)))
        except (pygit2.GitError, KeyError, ValueError):
            return None
    try:
        asked = ["ls-remote", "--symref", "--end-of-options", access.url, "HEAD"]
        return _read(command.run(access, asked, deadline_s=deadline_s, stop=stop)).default_branch
    except GitError:
        return None


def _head(repository: pygit2.Repository) -> str | None:
    target = repository.references["HEAD"].target
    return target.removeprefix(HEADS) if isinstance(target, str) else None
