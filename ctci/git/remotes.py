"""What a remote says of itself without being fetched."""

from collections.abc import Callable, Mapping

import pygit2

from ctci.git import command
from ctci.git.command import Access, GitError
from ctci.model import HEADS


def heads(access: Access, *, deadline_s: float, stop: Callable[[], bool]) -> Mapping[str, str]:
    """Branches and tags of the remote: full name -> id. Raises GitError."""
    said = command.run(
        access,
        ["ls-remote", "--heads", "--tags", "--end-of-options", access.url],
        deadline_s=deadline_s,
        stop=stop,
    )
    pairs = (line.split("\t", 1) for line in said.splitlines() if "\t" in line)
    return {name: id_ for id_, name in pairs if not name.endswith("^{}")}


def default_branch(access: Access, *, deadline_s: float, stop: Callable[[], bool]) -> str | None:
    """The branch that the remote's HEAD points to, where it can be learnt."""
    if access.local is not None:
        try:
            target = pygit2.Repository(str(access.local)).references["HEAD"].target
        except (pygit2.GitError, KeyError, ValueError):
            return None
        return target.removeprefix(HEADS) if isinstance(target, str) else None
    try:
        asked = ["ls-remote", "--symref", "--end-of-options", access.url, "HEAD"]
        said = command.run(access, asked, deadline_s=deadline_s, stop=stop)
    except GitError:
        return None
    symbolic = (line.split() for line in said.splitlines() if line.startswith(f"ref: {HEADS}"))
    return next((words[1].removeprefix(HEADS) for words in symbolic), None)
