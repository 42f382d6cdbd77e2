"""What a mirror knows of commits. Each call opens the repository anew: one shared by threads is slower."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import pygit2
from pygit2.enums import SortMode

from ctci.git.command import GitError
from ctci.model import HEADS, TAGS, Commit

#: A walk through trees looks at so many entries at most.
MOST_ENTRIES = 20_000
_ERRORS = (pygit2.GitError, KeyError, ValueError, OSError)


def _open(mirror: Path) -> pygit2.Repository:
    try:
        return pygit2.Repository(str(mirror))
    except pygit2.GitError as error:
        raise GitError(f"the mirror cannot be opened: {error}") from error


def head(mirror: Path, ref: str) -> str | None:
    """What a branch or tag stood at when it was last fetched; of an annotated tag its tag object."""
    name = f"refs/remotes/origin/{ref.removeprefix(HEADS)}" if ref.startswith(HEADS) else ref
    if not ref.startswith((HEADS, TAGS)):
        return None
    try:
        return str(_open(mirror).references[name].target)
    except (*_ERRORS, GitError):
        return None


def _peel(repository: pygit2.Repository, id_: str) -> pygit2.Commit:
    try:
        return repository[pygit2.Oid(hex=id_)].peel(pygit2.Commit)
    except _ERRORS as error:
        raise GitError(f"there is no commit {id_[:12]}: {error}", kind="missing") from error


def commit(mirror: Path, id_: str) -> Commit:
    """The commit of that id, an annotated tag peeled. Raises GitError (missing)."""
    return _noun(_peel(_open(mirror), id_))


def _noun(found: pygit2.Commit) -> Commit:
    author = found.author
    return Commit(
        sha=str(found.id),
        author=_clean(author.raw_name) or "unknown",
        email=_clean(author.raw_email),
        subject=_clean(found.raw_message.lstrip().partition(b"\n")[0])[:1000],
        at=found.commit_time * 1000,
    )


def _clean(raw: bytes | None) -> str:
    """Text of strangers on one line, without control characters."""
    text = (raw or b"").decode(errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def message(mirror: Path, id_: str) -> str:
    """The whole message of a commit."""
    return _peel(_open(mirror), id_).raw_message.decode(errors="replace")


def is_ancestor(mirror: Path, older: str, newer: str) -> bool:
    """Whether `newer` comes after `older`; False for the same commit, and for what the mirror does not have."""
    try:
        repository = _open(mirror)
        first, second = _peel(repository, older), _peel(repository, newer)
        return first.id != second.id and repository.descendant_of(second.id, first.id)
    except (*_ERRORS, GitError):
        return False


def merge_base(mirror: Path, one: str, other: str) -> str | None:
    """The last commit that both come from; None where there is none, or the mirror has one of them not."""
    try:
        repository = _open(mirror)
        found = repository.merge_base(_peel(repository, one).id, _peel(repository, other).id)
    except (*_ERRORS, GitError):
        return None
    return None if found is None else str(found)


def between(mirror: Path, base: str | None, tip: str, limit: int) -> tuple[Commit, ...]:
    """The commits of `tip` that `base` does not have, newest first; only the tip where the base is not known."""
    repository = _open(mirror)
    top = _peel(repository, tip)
    if base is None:
        return (_noun(top),)
    walker = repository.walk(top.id, SortMode.TOPOLOGICAL)
    try:
        walker.hide(_peel(repository, base).id)
    except GitError:
        return (_noun(top),)
    found: list[Commit] = []
    for each in walker:
        found.append(_noun(each))
        if len(found) == limit:
            break
    return tuple(found)


def mainline(mirror: Path, base: str, tip: str, limit: int) -> tuple[str, ...] | None:
    """The commits on the first parents' line of `tip` that `base` does not have, oldest first.

    None where there is no way from the one to the other, or one of more than `limit` commits.
    """
    repository = _open(mirror)
    old, new = _peel(repository, base), _peel(repository, tip)
    if old.id != new.id and not repository.descendant_of(new.id, old.id):
        return None
    walker = repository.walk(new.id, SortMode.TOPOLOGICAL)
    walker.simplify_first_parent()
    walker.hide(old.id)
    found = [str(each.id) for each, _ in zip(walker, range(limit + 1), strict=False)]
    return None if len(found) > limit else tuple(reversed(found))


def touched(mirror: Path, sha: str, directories: Mapping[str, str]) -> tuple[str, ...]:
    """Names of those of `directories` (name -> path) that a commit touches against its first parent."""
    repository = _open(mirror)
    tip = _peel(repository, sha)
    before = tip.parents[0].tree if tip.parents else None
    return tuple(name for name, path in directories.items() if path == "." or _at(tip.tree, path) != _at(before, path))


def changed(mirror: Path, older: str, newer: str, most: int) -> tuple[str, ...] | None:
    """Paths of the files that differ between two commits, of renamed ones both; None for more than `most`.

    Raises GitError where the mirror has one of them not (any more).
    """
    repository = _open(mirror)
    try:
        diff = _peel(repository, older).tree.diff_to_tree(_peel(repository, newer).tree)
        if len(diff) > most:
            return None
        files = [file for delta in diff.deltas for file in (delta.old_file, delta.new_file)]
    except _ERRORS as error:
        raise GitError(f"{older[:12]} and {newer[:12]} cannot be compared: {error}") from error
    return tuple(sorted({file.raw_path.decode(errors="surrogateescape") for file in files}))


def _at(tree: pygit2.Tree | None, path: str) -> pygit2.Oid | None:
    if tree is None:
        return None
    with contextlib.suppress(*_ERRORS):
        return tree[path.strip("/")].id
    return None


def pin(mirror: Path, run: int, sha: str) -> None:
    """Keep the commit of a run in the mirror, whatever becomes of its branch."""
    try:
        _open(mirror).references.create(f"refs/ctci/runs/{run}", pygit2.Oid(hex=sha), force=True)
    except _ERRORS as error:
        raise GitError(f"the commit cannot be kept in the mirror: {error}") from error


def unpin(mirror: Path, run: int) -> None:
    """The run is forgotten."""
    with contextlib.suppress(*_ERRORS, GitError):
        _open(mirror).references.delete(f"refs/ctci/runs/{run}")


def pinned(mirror: Path) -> frozenset[int]:
    """The runs whose commits are kept in the mirror."""
    with contextlib.suppress(*_ERRORS, GitError):
        names = [name.rpartition(b"/") for name in _open(mirror).raw_listall_references()]
        return frozenset(int(run) for folder, _, run in names if folder == b"refs/ctci/runs" and run.isdigit())
    return frozenset()


def needs_lfs(mirror: Path, sha: str) -> bool:
    """Whether a .gitattributes of the commit gives files to git-lfs."""
    repository = _open(mirror)
    left = MOST_ENTRIES
    trees = [_peel(repository, sha).tree]
    while trees and left > 0:
        tree = trees.pop()
        for entry in tree:
            left -= 1
            if isinstance(entry, pygit2.Tree):
                trees.append(entry)
            elif entry.name == ".gitattributes" and isinstance(entry, pygit2.Blob) and b"filter=lfs" in entry.data:
                return True
    return False
