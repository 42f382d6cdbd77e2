"""Whether a place that the ledger knows is still there: what was removed or renamed is red for nobody."""

from ctci.config import finding, patterns
from ctci.config.settings import Config, Project, Schedule
from ctci.model import HEADS, TAGS, Order, short_ref


def configured(project: Project | None, subproject: str, recipe: str) -> bool:
    """Whether the project has a recipe of that name there; None: there is no such project."""
    return project is not None and subproject in project.subs and recipe in project.subs[subproject].recipes


def ordered(config: Config, order: Order) -> bool:
    """Whether what was ordered is configured still: of several projects of one name, in the one at its address."""
    project = finding.project(config, order.project, order.remote.url)
    return configured(project, order.subproject, order.recipe.name)


def built(project: Project, ref: str, subproject: str, default_ref: str) -> bool:
    """Whether a push or a schedule builds the subproject on this ref; a person may build anything anywhere."""
    return _pushed(project, ref, subproject) or any(
        _scheduled(each, ref, subproject, default_ref) for each in project.schedules.values()
    )


def _pushed(project: Project, ref: str, subproject: str) -> bool:
    if ref.startswith(TAGS):
        table = project.tags or {}
    elif project.branches is None:
        return True
    else:
        table = project.branches
    found = patterns.choose(table, short_ref(ref))
    return found is not None and subproject in found[1]


def _scheduled(schedule: Schedule, ref: str, subproject: str, default_ref: str) -> bool:
    if schedule.subs and subproject not in schedule.subs:
        return False
    if not schedule.branches:
        return ref == default_ref
    name = ref.removeprefix(HEADS)
    return ref.startswith(HEADS) and any(patterns.matches(pattern, name) for pattern in schedule.branches)
