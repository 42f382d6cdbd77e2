"""Mirrors, commits, worktrees: the only room that knows pygit2, and the git command where libgit2 cannot."""

import pygit2
from pygit2.enums import ConfigLevel

from ctci.git.command import Access, GitError, redact, running, version
from ctci.git.history import (
    between,
    changed,
    commit,
    head,
    is_ancestor,
    mainline,
    merge_base,
    message,
    needs_lfs,
    pin,
    pinned,
    touched,
    unpin,
)
from ctci.git.lending import lent
from ctci.git.mirrors import Fetched, fetch
from ctci.git.packing import heaped, repack
from ctci.git.remotes import Told, ask
from ctci.git.slots import lay, submodules
from ctci.git.working import TAKEN, Taken, Working, taken, working

__all__ = [
    "TAKEN",
    "Access",
    "Fetched",
    "GitError",
    "Taken",
    "Told",
    "Working",
    "ask",
    "between",
    "changed",
    "commit",
    "fetch",
    "head",
    "heaped",
    "is_ancestor",
    "lay",
    "lent",
    "mainline",
    "merge_base",
    "message",
    "needs_lfs",
    "pin",
    "pinned",
    "redact",
    "repack",
    "running",
    "setup",
    "submodules",
    "taken",
    "touched",
    "unpin",
    "version",
    "working",
]


def setup() -> None:
    """Process-wide, once at start: libgit2 reads nobody's own configuration and asks for no owner."""
    for level in (ConfigLevel.GLOBAL, ConfigLevel.XDG, ConfigLevel.SYSTEM, ConfigLevel.PROGRAMDATA):
        pygit2.settings.search_path[level] = ""
    pygit2.settings.owner_validation = False
    # Silence ends a network fetch by libgit2; a remote that trickles is why network remotes are the git command's.
    pygit2.settings.server_connect_timeout = 10_000
    pygit2.settings.server_timeout = 30_000
