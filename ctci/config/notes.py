"""What is valid and yet surely not meant: recipes that nothing orders, tables of notify that nothing reaches."""

from collections.abc import Mapping
from typing import Any

from ctci.config import forms, patterns, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.config.settings import Project


def never_ordered(r: Reader, at: At, project: Project) -> None:
    """Tell of recipes whose `on` leaves nothing that could order them."""
    for sub in project.subs.values():
        where: At = (*at, "sub", sub.name, "recipes") if sub.name else (*at, "recipes")
        told: set[str] = set()
        for recipe in sub.recipes.values():
            written = recipe.name.partition("[")[0]
            if (
                recipe.on is None
                or written in told
                or any(_orders(each, project, sub.name, recipe.name) for each in recipe.on)
            ):
                continue
            told.add(written)
            hint = "it names none" if not recipe.on else f"nothing of the project makes a {' or '.join(recipe.on)}"
            said = f"`on` of recipe `{written}` excludes every event"
            r.say("C403", said, (*where, written, "on"), warning=True, hint=f"{hint}: it is never run")


def _orders(event: str, project: Project, sub: str, recipe: str) -> bool:
    """Whether an event can come about for a recipe."""
    if event == "push":
        return project.branches is None or any(sub in each for each in project.branches.values())
    if event == "tag":
        return any(sub in each for each in (project.tags or {}).values())
    schedule = project.schedules.get(event)
    if schedule is None:
        return True
    return (not schedule.subs or sub in schedule.subs) and (not schedule.recipes or recipe in schedule.recipes)


def told_by(r: Reader, at: At, entries: Mapping[str, Any]) -> None:
    """Tell what is odd about a table of notify by itself."""
    for place, end in values.texts(r, (*at, "authors"), entries.get("authors", [])):
        if not values.is_mail(f"x{end}" if end.startswith("@") else end):
            r.say("C501", f"not the end of an e-mail address: `{end}`", place, hint='such as "@example.org"')


def told_of(r: Reader, entries: Mapping[str, Any], projects: Mapping[str, Project], *, many: bool) -> None:
    """Tell of what `only` and `digest.after` name that no project has; `many`: [each] may stand for any name."""
    known = list(dict.fromkeys(each for project in projects.values() for each in project.schedules))
    for name, table in entries.items():
        if not isinstance(table, dict):
            continue
        _only(r, ("notify", name, "only"), table.get("only"), projects, many=many)
        digest = table.get("digest")
        after = digest.get("after") if isinstance(digest, dict) else None
        if isinstance(after, str) and after not in known and not many:
            meant = r.close(after, known)
            hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(known) or 'none'}"
            r.say("C111", f"`{after}` is not a schedule of any project", ("notify", name, "digest", "after"), hint=hint)


def _only(r: Reader, at: At, value: object, projects: Mapping[str, Project], *, many: bool) -> None:
    written = [(at, value)] if isinstance(value, str) else []
    if isinstance(value, list):
        written = [((*at, number), each) for number, each in enumerate(value) if isinstance(each, str)]
    for place, each in written:
        if _there(each, projects, many=many) or r.full:
            continue
        where, _, branch = each.partition("@")
        meant = r.close(where, _places(projects))
        hint = f"did you mean `{meant}`?" if meant else "`project`, `project/sub` or `project@branch`"
        if meant == where:
            hint = f"no branch `{branch}` of it is built"
        r.say("C118", f"`only` matches nothing: `{each}`", place, warning=True, hint=hint)


def _places(projects: Mapping[str, Project]) -> list[str]:
    return [*projects, *(f"{name}/{sub}" for name, project in projects.items() for sub in project.subs if sub)]


def _there(only: str, projects: Mapping[str, Project], *, many: bool) -> bool:
    """Whether some job can be meant."""
    place, _, branch = only.partition("@")
    name, _, sub = place.partition("/")
    project = projects.get(name)
    if project is None:
        return many and forms.is_name(name)
    if sub and sub not in project.subs:
        return False
    if not branch or project.branches is None:
        return "@" not in only or bool(branch)
    chosen = patterns.choose(project.branches, branch)
    return chosen is not None and bool(chosen[1])
