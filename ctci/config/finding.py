"""The project of a name: one of its own table, or one of those that [each] stands for."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ctci.config.settings import Config, Each, Project

#: What a repository may be called to be found by it: one part of a path, and nothing that leads elsewhere.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def project(config: Config, name: str, at: str | None = None) -> Project | None:
    """The project called so, or None; of several that could be, the one whose address is `at`, else the first."""
    every = candidates(config, name)
    return next((one for one in every if one.remote.url == at), every[0] if every else None)


def default_refs(config: Config, learnt: Mapping[str, str]) -> dict[str, str]:
    """Project -> the full name of its default branch; `learnt`: project -> what its remote says."""
    named = {name: project(config, name) for name in (*config.projects, *learnt)}
    return {name: each.default_ref(learnt.get(name)) for name, each in named.items() if each is not None}


def candidates(config: Config, name: str) -> tuple[Project, ...]:
    """All that could be called so.

    A table of its own alone, where there is one; else one of each [each] whose repository of that name is there. Of a
    remote that is told by its calls alone, so there any name will do: whoever asks has to have been believed.
    """
    found = config.projects.get(name)
    if found is not None:
        return (found,)
    if not _is_name(name):
        return ()
    return tuple(each.named(name) for each in config.each.values() if _there(each, name))


def within(config: Config, each: Each, last: str) -> Project | None:
    """The project of an organisation's repository, by the last part of its path: it may have a table of its own."""
    before, _, after = each.project.remote.url.partition("{name}")
    start = re.split("[/:]", before)[-1]
    end = after.removesuffix("/").removesuffix("/.git").removesuffix(".git")
    name = last.removesuffix(".git").removeprefix(start).removesuffix(end)
    if not _is_name(name):
        return None
    one = each.named(name)
    return next((own for own in config.projects.values() if own.remote.url == one.remote.url), one)


def at(config: Config, folder: str) -> Project | None:
    """The project whose repository is this folder of this machine."""
    every = [
        *config.projects.values(),
        *(
            each.named(name)
            for each in config.each.values()
            for name in sorted(_listed(each))
            if _is_name(name) and _there(each, name)
        ),
    ]
    for one in every:
        if one.remote.url.rstrip("/") == folder:
            return one
    return next((one for one in every if is_at(one, folder)), None)


def is_at(project: Project, folder: str) -> bool | None:
    """Whether the project's repository is this folder; None where that cannot be told on this machine."""
    address = project.remote.url.removeprefix("file://")
    if not address.startswith("/"):
        return None
    try:
        seen, own = Path(folder).stat(), Path(address).stat()
        inner = Path(address, ".git")
        return any(os.path.samestat(seen, one) for one in (own, *([inner.stat()] if inner.exists() else [])))
    except (OSError, ValueError):
        return None


def named(config: Config, seen: Iterable[str] = ()) -> dict[str, Project]:
    """All projects of a table of their own, and those of `seen`, and of the folders of [each], that are projects."""
    found = dict(config.projects)
    for name in sorted({*seen, *(name for each in config.each.values() for name in _listed(each))}):
        one = project(config, name)
        if one is not None:
            found.setdefault(name, one)
    return found


def _local(each: Each) -> bool:
    return each.project.remote.url.startswith("/")


def _there(each: Each, name: str) -> bool:
    if not _local(each):
        return True
    try:
        return (Path(each.named(name).remote.url) / "HEAD").is_file()
    except OSError:
        return False


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and not name.endswith(".git")


def _listed(each: Each) -> set[str]:
    """The names of what lies in the folder of an [each]."""
    before, _, after = each.project.remote.url.partition("{name}")
    # In `/srv/{name}/.git` the name is that of the folder above.
    end, _, _ = after.partition("/")
    folder, _, start = before.rpartition("/")
    if not _local(each):
        return set()
    try:
        names = [path.name for path in Path(folder).iterdir()]
    except OSError:
        return set()
    return {name[len(start) : len(name) - len(end)] for name in names if name.startswith(start) and name.endswith(end)}
