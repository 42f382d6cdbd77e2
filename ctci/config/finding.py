"""The project of a name: one of its own table, or one of those that [each] stands for."""

import re
from collections.abc import Iterable
from pathlib import Path

from ctci.config.settings import Config, Each, Project

#: What a repository may be called to be found by it: one part of a path, and nothing that leads elsewhere.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def project(config: Config, name: str) -> Project | None:
    """The project called so, or None.

    A table of its own comes first; then the first [each] whose repository of that name is there. Of a remote that is
    told by its calls alone, so there any name will do: whoever asks has to have been believed.
    """
    found = config.projects.get(name)
    if found is not None:
        return found
    if not _NAME.fullmatch(name) or name.endswith(".git"):
        return None
    return next((each.named(name) for each in config.each.values() if _there(each, name)), None)


def named(config: Config, seen: Iterable[str] = ()) -> dict[str, Project]:
    """All projects of a table of their own, and those of `seen`, and of the folders of [each], that are projects."""
    found = dict(config.projects)
    for name in sorted({*seen, *_listed(config)}):
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


def _listed(config: Config) -> set[str]:
    """The names of the repositories in the folders of [each]."""
    found = set()
    for each in config.each.values():
        before, _, after = each.project.remote.url.partition("{name}")
        if not _local(each) or "/" in after:
            continue
        folder, _, start = before.rpartition("/")
        try:
            names = [path.name for path in Path(folder).iterdir()]
        except OSError:
            continue
        for name in names:
            if name.startswith(start) and name.endswith(after):
                found.add(name[len(start) : len(name) - len(after)])
    return found
