"""Worktrees: each slot has a small repository of its own beside the mirror, laid anew before each use.

A job never sees the mirror as its git directory, so nothing that it does there reaches the next job or the server.
"""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pygit2
from pygit2.enums import CheckoutStrategy

from ctci.git import command, history
from ctci.git.command import Access, GitError
from ctci.git.mirrors import REFSPECS, has, held
from ctci.model import HEADS

#: Submodules of submodules of submodules, and no deeper.
MOST_DEEP = 3
_ERRORS = (pygit2.GitError, KeyError, ValueError, OSError)


def lay(slot: Path, mirror: Path, worktree: Path, commit: str, ref: str) -> None:
    """A repository at `slot` and a fresh worktree of exactly `commit`; neither may be there before.

    `git describe`, `log` and `status` work in it. Raises GitError.
    """
    if not has(mirror, commit):
        # Who holds the lock may just be cloning the mirror anew.
        with held(mirror):
            pass
    try:
        repository = pygit2.init_repository(str(slot), bare=True)
        alternates = slot / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(f"{(mirror / 'objects').resolve()}\n")
        shutil.rmtree(slot / "hooks", ignore_errors=True)
        _copy_refs(slot, mirror)
        # libgit2 lays a worktree out of HEAD and holds the interpreter all the while: of an empty commit that is short.
        repository = pygit2.Repository(str(slot))
        nobody = pygit2.Signature("ctci", "ctci@localhost", 0, 0)
        empty = repository.create_commit(None, nobody, nobody, "", repository.TreeBuilder().write(), [])
        name = "ctci-empty"
        branch = repository.branches.local.create(name, repository[empty].peel(pygit2.Commit))
        repository.add_worktree("work", str(worktree), branch)
        inside = pygit2.Repository(str(worktree))
        oid = pygit2.Oid(hex=commit)
        # pygit2 leaves this one untyped.
        inside.checkout_tree(inside[oid].peel(pygit2.Tree), strategy=CheckoutStrategy.FORCE)  # type: ignore[no-untyped-call]
        inside.set_head(oid)
        repository.branches.local.delete(name)
        if ref.startswith(HEADS):
            repository.config["ctci.branch"] = ref.removeprefix(HEADS)
    except _ERRORS as error:
        raise GitError(f"the commit cannot be laid out: {error}", kind="refused") from error


def _copy_refs(slot: Path, mirror: Path) -> None:
    """The mirror's branches and tags, without the pins of other runs.

    Not under the mirror's lock: a fetch that hangs would hold up jobs whose commit has long been there. Refs are
    replaced one by one and after their objects; one that is deleted meanwhile is left out.
    """
    source = pygit2.Repository(str(mirror))
    lines: list[bytes] = []
    for raw in sorted(source.raw_listall_references()):
        if raw.startswith(b"refs/ctci/"):
            continue
        with contextlib.suppress(*_ERRORS):
            target = source.references[raw.decode(errors="surrogateescape")].target
            if isinstance(target, pygit2.Oid):
                lines.append(str(target).encode() + b" " + raw + b"\n")
    (slot / "packed-refs").write_bytes(b"# pack-refs with: sorted \n" + b"".join(lines))


def submodules(
    worktree: Path, address: str, access: Access, *, deadline_s: float, stop: Callable[[], bool], deep: int = 1
) -> None:
    """Lay out the submodules of a worktree: relative or same-host addresses only. Raises GitError."""
    for name, path, url in _named(worktree, access, stop):
        resolved = resolve(address, url)
        if resolved is None:
            raise GitError(
                f"submodule {name} lies at {command.redact(url)}: only addresses on the project's own host are fetched",
                kind="refused",
            )
        target = worktree / path
        if target.is_symlink() or worktree.resolve() not in target.resolve().parents:
            raise GitError(f"submodule {name} would lie outside of the worktree", kind="refused")
        wanted = _entry(worktree, path)
        if wanted is None:
            continue
        own = Access(
            url=resolved,
            token=access.token,
            ssh_key=access.ssh_key,
            known_hosts=access.known_hosts,
            pinned=access.pinned,
            ca_file=access.ca_file,
        )
        command.run(own, ["init", "--quiet", str(target)], deadline_s=deadline_s, stop=stop)
        fetch = ["-C", str(target), "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--end-of-options"]
        command.run(own, [*fetch, resolved, *REFSPECS], deadline_s=deadline_s, stop=stop)
        if has(target, wanted) and history.needs_lfs(target, wanted):
            raise GitError(f"submodule {name} keeps files in git-lfs, which ctci does not fetch", kind="refused")
        command.run(
            own,
            ["-C", str(target), "checkout", "--quiet", "--force", "--detach", wanted],
            deadline_s=deadline_s,
            stop=stop,
        )
        if deep < MOST_DEEP:
            submodules(target, resolved, own, deadline_s=deadline_s, stop=stop, deep=deep + 1)


def _named(worktree: Path, access: Access, stop: Callable[[], bool]) -> list[tuple[str, str, str]]:
    """(name, path, url) of each submodule that .gitmodules names."""
    file = worktree / ".gitmodules"
    if file.is_symlink():
        raise GitError(".gitmodules is a link", kind="refused")
    if not file.exists():
        return []
    # Not libgit2: its list of submodules has no addresses in a linked worktree, its parser follows includes.
    asked = ["-C", str(worktree), "config", "--file", ".gitmodules", "--no-includes", "--null", "--list"]
    try:
        said = command.run(access, asked, deadline_s=30.0, stop=stop)
    except GitError as error:
        raise GitError(f".gitmodules cannot be read: {error}", kind="refused") from error
    found: dict[str, dict[str, str]] = {}
    for entry in said.split("\0"):
        full, _, value = entry.partition("\n")
        section, _, rest = full.partition(".")
        name, _, key = rest.rpartition(".")
        if section == "submodule" and name:
            found.setdefault(name, {})[key] = value
    return [(name, keys["path"], keys.get("url", "")) for name, keys in found.items() if "path" in keys]


def _entry(worktree: Path, path: str) -> str | None:
    """The commit that the worktree's HEAD has at a submodule's path."""
    repository = pygit2.Repository(str(worktree))
    with contextlib.suppress(*_ERRORS):
        return str(repository[repository.head.target].peel(pygit2.Commit).tree[path].id)
    return None


def resolve(address: str, url: str) -> str | None:
    """A submodule's address made absolute; None when it leaves the project's host or is none."""
    if url.startswith(("./", "../")):
        if address.startswith("/"):
            return str((Path(address) / url).resolve())
        scheme, found, rest = address.partition("://")
        if not found:
            host, _, path = address.partition(":")
            return f"{host}:{_join(path, url)}"
        host, _, path = rest.partition("/")
        return f"{scheme}://{host}/{_join(path, url)}"
    if url.startswith("-") or "::" in url:
        return None
    ours, theirs = _host(address), _host(url)
    return url if theirs and ours == theirs else None


def _join(path: str, relative: str) -> str:
    return urljoin(f"http://x/{path.strip('/')}/", relative).removeprefix("http://x/")


def _host(address: str) -> str | None:
    """The machine that an address names; None for paths and what is no address."""
    if "://" in address:
        split = urlsplit(address)
        return split.hostname if split.scheme in ("https", "http", "ssh", "git") else None
    before, colon, _ = address.partition(":")
    return before.rpartition("@")[2].lower() if colon and "/" not in before else None
