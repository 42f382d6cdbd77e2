"""Whose a working copy is, by the addresses of its remotes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ctci import config
from ctci.config.settings import Config, Project
from ctci.forges import hosting


def owners(settings: Config, projects: Mapping[str, Project], remotes: Sequence[str], top: Path) -> tuple[str, ...]:
    """The names of the projects that a working copy may be of; more than one where they cannot be told apart.

    By the first of its remotes that is any's, else by its own folder. `projects`: those that are known by name;
    a repository of an [each] that was never built is found by its own.
    """
    for address in (*remotes, str(top)):
        # A path is meant from where the working copy lies.
        whole = str((top / address.removeprefix("file://")).resolve()) if _is_path(address) else address
        # A table of its own has a name before those of an [each].
        known = {**_each(settings, whole), **projects}
        ranks = {name: rank for name, each in known.items() if (rank := _rank(each, whole)) is not None}
        if ranks:
            return tuple(sorted(name for name, rank in ranks.items() if rank == min(ranks.values())))
    return ()


def _each(settings: Config, address: str) -> dict[str, Project]:
    last = address.rstrip("/").replace(":", "/").rpartition("/")[2]
    found = (config.within(settings, each, last) for each in settings.each.values())
    return {one.name: one for one in found if one is not None}


def _rank(project: Project, address: str) -> int | None:
    """How surely a remote is the repository of a project, 0 the most; None where it is another's."""
    own = project.remote.url
    if _bare(own) == _bare(address) or (_is_path(address) and config.is_at(project, address)):
        return 0
    (our_host, our_path), (their_host, their_path) = _host_and_path(own), _host_and_path(address)
    if our_path != their_path:
        return None
    if our_host == their_host:
        return 1
    # A path on this machine that is reached by ssh, or a name of a host that only this person's ssh knows.
    return 2 if not our_host or not their_host or "." not in their_host else None


def _is_path(address: str) -> bool:
    return _host_and_path(address)[0] == ""


def _bare(address: str) -> str:
    return address.removeprefix("file://").rstrip("/").removesuffix(".git").removesuffix("/")


def _host_and_path(address: str) -> tuple[str, str]:
    """As far as upper and lower case, ports, users and endings do not matter; a path has no host."""
    try:
        found = hosting.place(address)
    except ValueError:
        found = None
    if found is None:
        return "", _bare(address).strip("/").lower()
    return found.host.lower(), found.path.lower()
