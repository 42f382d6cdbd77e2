"""Brings a commit into a mirror that no remote has: what a person wants to have tried."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pygit2

from ctci.git import command, mirrors
from ctci.git.command import Access, GitError

#: So long it may take, seconds; the whole history may come with it, where the mirror is new.
LEND_S = 900.0


@contextlib.contextmanager
def lent(mirror: Path, repository: Path, ref: str) -> Iterator[None]:
    """What `ref` of a repository of this machine reaches is in the mirror, where nobody fetches until the block ends.

    In it the commit has to be pinned: no ref of the mirror keeps it afterwards. Raises GitError.
    """
    access = Access(url=str(repository))
    with mirrors.held(mirror):
        mirrors.clear(mirror)
        try:
            if not (mirror / "HEAD").exists():
                pygit2.init_repository(str(mirror), bare=True)
        except (pygit2.GitError, OSError, ValueError) as error:
            raise GitError(f"the mirror cannot be made: {error}", kind="refused") from error
        arguments = ["-C", str(mirror), "fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
        arguments += ["--end-of-options", access.url, f"+{ref}:{mirrors.FETCHED}"]
        command.run(
            access,
            arguments,
            deadline_s=LEND_S,
            stop=lambda: False,
            extra_env=mirrors.marked(mirror),
            worker="the working copy",
        )
        yield
