"""Mirrors: bare copies of the remotes, one flock each, healed of what a crash left in them.

Paths are fetched by libgit2 in the process (1 ms), network remotes by the git command.
"""

import contextlib
import fcntl
import glob
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2

from ctci import clock
from ctci.git import command, remotes
from ctci.git.command import Access, GitError

#: How long it may take to see that every object is there, seconds.
WHOLE_S = 600.0
REFSPECS = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
#: What a mirror has of its remote; a commit that was lent to it says nothing of that.
_OURS = (b"refs/remotes/", b"refs/tags/")
#: Where a commit is fetched to that no branch or tag of the remote reaches any more.
FETCHED = "refs/ctci/fetched"
#: How git and libgit2 begin the names of objects and packs that are not yet whole.
_PACK = "pack_git2_"
_HALF = ("tmp_", ".tmp-", _PACK)
#: What a killed gc leaves beside its lock files: the list of refs that it was writing, and its own pid.
_LEFT = ("packed-refs.new", "gc.pid")
#: There while a mirror is repacked, and still after that was killed.
REPACKING = "ctci-repacking"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a fetch found out besides."""

    #: A sentence when the mirror was broken and was cloned anew.
    healed: str | None = None
    #: The branch that the remote's HEAD points to, where it is told.
    default_branch: str | None = None


def fetch(
    mirror: Path,
    access: Access,
    *,
    commit: str | None,
    ref: str | None,
    deadline_s: float,
    stop: Callable[[], bool],
) -> Fetched:
    """Bring the mirror up to date, and `commit` into it, all within `deadline_s`.

    Raises GitError: `missing` when the remote has no such commit any more.
    """
    end = clock.monotonic() + deadline_s
    with held(mirror):
        if access.local is None or (mirror / REPACKING).exists():
            command.end_orphans(mirror)
        clear(mirror)
        healed = None
        try:
            repacked(mirror)
            _packed(mirror)
            new = not any(name.startswith(_OURS) for name in _open(mirror).raw_listall_references())
            _update(mirror, access, end, stop)
            _whole(mirror)
            why = None
        except Broken as broken:
            why = str(broken)
        if why is not None:
            # Here, not above: what the exception holds open is let go of first.
            new, healed = True, _anew(mirror, access, end, stop, why)
        if commit is not None and not has(mirror, commit):
            _by_id(mirror, access, commit, ref, end, stop)
        # Another call to a network remote: worth it once.
        asked = new or access.local is not None
        default = remotes.default_branch(access, deadline_s=_left_s(end), stop=stop) if asked else None
        return Fetched(healed=healed, default_branch=default)


class Broken(Exception):
    """The mirror itself is damaged."""


def _anew(mirror: Path, access: Access, end: float, stop: Callable[[], bool], why: str) -> str:
    """Set a broken mirror aside and clone it again; what was done, in a sentence."""
    for pattern in ("broken", "new"):
        for older in mirror.parent.glob(f"{glob.escape(mirror.name)}.{pattern}-*"):
            shutil.rmtree(older, ignore_errors=True)
    # Cloned beside it, under a path of its own: libgit2 keeps packs in memory by their path, broken ones too.
    fresh = mirror.with_name(f"{mirror.name}.new-{clock.now()}")
    try:
        _open(fresh)
        _update(fresh, access, end, stop)
    except (Broken, GitError) as error:
        # What fails in a new mirror too is not the old one's fault, which may still have what jobs need.
        shutil.rmtree(fresh, ignore_errors=True)
        raise error if isinstance(error, GitError) else GitError(f"{access.url}: {error}") from error
    aside = mirror.with_name(f"{mirror.name}.broken-{clock.now()}")
    mirror.rename(aside)
    fresh.rename(mirror)
    return f"the mirror was broken ({why}); it was set aside as {aside.name} and cloned anew"


@contextlib.contextmanager
def held(mirror: Path, *, wait: bool = True) -> Iterator[bool]:
    """The mirror is ours, over threads and processes, until the block ends; whether it is, without `wait`."""
    mirror.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(mirror.with_name(f"{mirror.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = True
        except BlockingIOError:
            ours = False
        yield ours
    finally:
        os.close(file)


def clear(mirror: Path) -> None:
    """What a killed git left: nobody else is in here, so no lock file is anybody's."""
    if not mirror.is_dir():
        return
    for folder, _, names in os.walk(mirror):
        place = Path(folder).relative_to(mirror)
        _unname(Path(folder), [name for name in names if name.startswith(_PACK)])
        for name in names:
            if _is_left(place, name):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))


def _is_left(place: Path, name: str) -> bool:
    """Whether a file in this folder of a mirror is what a killed git has left there."""
    if "refs" in place.parts[:1]:
        # Branches have the names that people give them; this one nobody can.
        return name.endswith(".lock")
    # A pack is kept from gc for as long as its fetch lasts.
    return name.endswith((".lock", ".keep")) or name.startswith(_HALF) or (not place.parts and name in _LEFT)


def repacked(mirror: Path) -> None:
    """Remove whole what a repacking that was killed had removed by half. Raises Broken where something is missed then.

    Older gits remove a pack before its index: left so, the mirror would look like one that has lost a pack.
    """
    marker = mirror / REPACKING
    if not marker.exists():
        return
    left = [index for index in (mirror / "objects" / "pack").glob("*.idx") if not index.with_suffix(".pack").exists()]
    if left:
        # Not to be forgotten before it is known what they were.
        marker.write_text("unsure")
    for index in left:
        index.unlink()
    if marker.stat().st_size:
        reached = ["-C", str(mirror), "rev-list", "--objects", "--all", "--quiet"]
        try:
            command.run(Access(url=str(mirror)), reached, deadline_s=WHOLE_S, stop=lambda: False)
        except GitError as error:
            raise Broken(str(error)) from error
    marker.unlink()


def _unname(folder: Path, halves: list[str]) -> None:
    """Remove the index of a pack that is whole but has no name yet: libgit2 names the index first.

    Left there, it would look like one whose pack was lost.
    """
    if not halves:
        return
    sums = {_sum(folder / name, 20) for name in halves} - {None}
    for index in folder.glob("*.idx"):
        if not index.with_suffix(".pack").exists() and _sum(index, 40) in sums:
            index.unlink()


def _open(mirror: Path) -> pygit2.Repository:
    try:
        if not (mirror / "HEAD").exists() or not (mirror / "objects").is_dir():
            if mirror.exists() and any(mirror.iterdir()):
                raise Broken("it is no repository")
            return pygit2.init_repository(str(mirror), bare=True)
        return pygit2.Repository(str(mirror))
    except (pygit2.GitError, OSError, ValueError) as error:
        raise Broken(str(error)) from error


def _update(mirror: Path, access: Access, end: float, stop: Callable[[], bool]) -> None:
    if access.local is not None:
        _update_local(mirror, access, end, stop)
        return
    arguments = ["-C", str(mirror), "fetch", "--prune", "--no-tags", "--no-write-fetch-head"]
    arguments += ["--no-recurse-submodules", "--end-of-options", access.url, *REFSPECS]
    try:
        command.run(access, arguments, deadline_s=_left_s(end), stop=stop, extra_env=marked(mirror))
    except GitError as error:
        if _says_broken(str(error)):
            raise Broken(str(error)) from error
        raise


def _left_s(end: float) -> float:
    return max(0.0, end - clock.monotonic())


def marked(mirror: Path) -> dict[str, str]:
    """By what a git is known to work on the mirror."""
    return {command.MIRROR: str(mirror.absolute())}


def _update_local(mirror: Path, access: Access, end: float, stop: Callable[[], bool]) -> None:
    source = access.local
    if source is None or not source.exists():
        raise GitError(f"{access.url} is not there")
    repository = _open(mirror)
    try:
        remote = repository.remotes.create_anonymous(str(source))
        remote.fetch(list(REFSPECS), prune=pygit2.enums.FetchPrune.PRUNE, callbacks=_Stoppable(end, stop))
    except _Stopped as stopped:
        raise GitError(str(stopped)) from None
    except (pygit2.GitError, OSError, ValueError, KeyError) as error:
        text = str(error)
        if "unknown object format" in text or "sha256" in text:
            raise GitError("the repository uses sha256 object ids, which are not supported", kind="refused") from error
        try:
            pygit2.Repository(str(source))
        except pygit2.GitError:
            raise GitError(f"{access.url}: {text}") from error
        raise Broken(text) from error


class _Stopped(Exception):
    """Somebody wants the fetch to end, or it took too long."""


class _Stoppable(pygit2.RemoteCallbacks):
    def __init__(self, end: float, stop: Callable[[], bool]) -> None:
        super().__init__()
        self._end = end
        self._stop = stop
        self._seen = 0

    def transfer_progress(self, stats: object) -> None:
        del stats
        self._seen += 1
        if self._seen % 256 != 1:
            return
        if self._stop():
            raise _Stopped("stopped")
        if clock.monotonic() > self._end:
            raise _Stopped("the remote did not finish in time")


def _says_broken(text: str) -> bool:
    signs = ("not a git repository", "bad object", "object file", "is corrupt", "missing blob", "missing tree")
    # What the remote says is of the remote.
    ours = [part for part in text.split("; ") if not part.startswith("remote:")]
    return any(sign in part for part in ours for sign in (*signs, "unable to read", "packfile", "bad tree", "inflate"))


def _packed(mirror: Path) -> None:
    """Each pack is what its index was made of. Raises Broken.

    Looked at before libgit2 opens any: it keeps packs in memory by their path, and would fetch a broken one again under
    the name that it goes on taking for broken.
    """
    for index in (mirror / "objects" / "pack").glob("*.idx"):
        if not _fits(index):
            raise Broken(f"{index.with_suffix('.pack').name} is not what its index was made of")


def _whole(mirror: Path) -> None:
    """Every ref's object can be read: a fetch that found nothing new would never notice. Raises Broken."""
    repository = _open(mirror)
    try:
        names = repository.raw_listall_references()
    except pygit2.GitError as error:
        raise Broken(str(error)) from error
    for name in names:
        try:
            target = repository.references[name.decode(errors="surrogateescape")].target
            if isinstance(target, pygit2.Oid):
                repository[target].peel(pygit2.Commit).tree  # noqa: B018 - reading is the point
        except pygit2.InvalidSpecError:
            # A tag may name something that is no commit.
            continue
        except (pygit2.GitError, KeyError, ValueError) as error:
            if "peel" not in str(error):
                raise Broken(str(error)) from error


def _fits(index: Path) -> bool:
    """Whether a pack ends with the checksum that its index names (gitformat-pack: the last but one of the index)."""
    named = _sum(index, 40)
    return named is not None and _sum(index.with_suffix(".pack"), 20) == named


def _sum(path: Path, before_end: int) -> bytes | None:
    """The checksum that begins so many bytes before the end of a file, if it has one."""
    try:
        with path.open("rb") as file:
            file.seek(-before_end, os.SEEK_END)
            return file.read(20)
    except OSError:
        return None


def has(mirror: Path, commit: str) -> bool:
    """Whether the mirror has this object."""
    try:
        return pygit2.Oid(hex=commit) in pygit2.Repository(str(mirror))
    except (pygit2.GitError, ValueError):
        return False


def _by_id(mirror: Path, access: Access, commit: str, ref: str | None, end: float, stop: Callable[[], bool]) -> None:
    """A commit that no branch reaches any more: many servers still give it by its id."""
    arguments = ["-C", str(mirror), "fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
    arguments += ["--end-of-options", access.url, f"+{commit}:{FETCHED}"]
    try:
        command.run(access, arguments, deadline_s=_left_s(end), stop=stop, extra_env=marked(mirror))
    except GitError as error:
        # Whether the remote has it was then not found out.
        if str(error).startswith(("stopped", "the remote did not finish")):
            raise
    if not has(mirror, commit):
        raise GitError(f"the remote has no commit {commit[:12]} any more ({ref or 'no ref'} moved on)", kind="missing")
