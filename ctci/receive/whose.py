"""Whose a call is where its address does not say all, and whether that project may have its name.

A name is one repository: its mirror, its history and its page hang on it. A table of its own has it first; else the
repository that was built under it, for as long as it is configured; else the first that calls.
"""

from collections.abc import Sequence

from ctci import config, forges, ledger
from ctci.config.settings import Config, Each, Project


def pushed(settings: Config, name: str | None, folder: str | None) -> Project | None:
    """The project of a push on this machine, by the name that its hook tells, or by its folder where it tells none.

    A folder that is no project's is called as it is itself: its project may be configured at another address of it.
    """
    if name is None:
        if folder is None:
            return None
        found = config.at(settings, folder)
        if found is not None:
            return found
        name = folder.rstrip("/").removesuffix("/.git").rpartition("/")[2].removesuffix(".git")
    every = config.candidates(settings, name)
    if folder is None or len(every) < 2:
        return every[0] if every else None
    # Its own, else one that may be its own, and of these the one whose address ends as the folder does.
    ranked = sorted(every, key=lambda one: (_rank(one, folder), not _ends_alike(one.remote.url, folder)))
    return ranked[0]


def _rank(project: Project, folder: str) -> int:
    return {True: 0, None: 1, False: 2}[config.is_at(project, folder)]


def _ends_alike(address: str, folder: str) -> bool:
    parts = address.replace(":", "/").removesuffix(".git").split("/")
    return forges.same_repository(folder, "/".join(parts[-2:]))


def elsewhere(project: Project, folder: str) -> str | None:
    """Why a push into this folder of this machine is none of the project's."""
    if config.is_at(project, folder) is not False:
        return None
    return f"the push went into {folder}, and {project.name} is configured at {shown(project.remote.url)}"


def nowhere(name: str | None, folder: str | None) -> str:
    """Why a push on this machine is no project's."""
    return f"there is no project at {folder}" if name is None and folder is not None else "there is no such project"


def signed(settings: Config, signers: Sequence[Each], full_name: str) -> Project | None:
    """The project of the repository that a call is about, among those of each [each] whose secret signed it."""
    short = full_name.rpartition("/")[2]
    own = settings.projects.get(short)
    for each in signers:
        found = config.within(settings, each, short)
        if found is None or not forges.same_repository(found.remote.url, full_name):
            continue
        return own if own is not None and forges.same_repository(own.remote.url, full_name) else found
    return None


def unknown(signers: Sequence[Each], full_name: str) -> str:
    """Why a call that the secret of an [each] signed is about none of its repositories."""
    places = " and ".join(f"[each.{each.name}] is configured at {shown(each.project.remote.url)}" for each in signers)
    return f"the call is about {full_name}, and {places}"


def taken(db: ledger.Ledger, settings: Config, project: Project) -> str | None:
    """Why the project cannot have its name: another repository has it."""
    holder = named(db, settings, project.name, first=project)
    if holder is None or holder.remote.url == project.remote.url:
        return None
    return (
        f"{project.name} is {shown(holder.remote.url)} already, so {shown(project.remote.url)} needs "
        "a [projects.NAME] of another name"
    )


def named(db: ledger.Ledger, settings: Config, name: str, *, first: Project | None = None) -> Project | None:
    """Who has a name: of several that could, the one that was built under it, else `first`, else the first there is."""
    every = config.candidates(settings, name)
    if len(every) > 1:
        newest = ledger.runs_(db, project=name, limit=1)
        jobs = ledger.jobs_of(db, [newest[0].id])[newest[0].id] if newest else ()
        built = {job.order.remote.url for job in jobs}
        every = (*(one for one in every if one.remote.url in built), *([first] if first else []), *every)
    return every[0] if every else None


def every(db: ledger.Ledger, settings: Config) -> dict[str, Project]:
    """All projects by name; of a name that several could have, the one that was built under it."""
    found = config.named(settings, ledger.projects_(db))
    if len(settings.each) < 2:
        return found
    return {name: named(db, settings, name) or project for name, project in found.items()}


def shown(address: str) -> str:
    """An address without a user's name or password in it."""
    scheme, found, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else address
