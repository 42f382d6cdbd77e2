"""What runs without a push, and when; what became of it; and a schedule that fires now."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from ctci import clock, shape
from ctci.api import actions, inputs, outputs, visible
from ctci.api.operation import Context, Empty, Known, Operation
from ctci.api.problem import ApiError, not_found
from ctci.model import Tier
from ctci.receive import agenda, scheduled
from ctci.receive.asking import Asking, Unanswered


class Schedules(Known):
    """Of which projects."""

    project: inputs.Names = []


class Days(Schedules):
    """Of which projects, and how far to look."""

    days: Annotated[int, Field(ge=1, le=366)] = 14


class ScheduleName(Known):
    """A schedule."""

    project: inputs.Name
    name: inputs.Name


class Ahead(outputs.Given):
    """A time at which a schedule will fire; `local` is its nominal time in its own time zone."""

    project: str
    schedule: str
    at: str | None
    local: str
    timezone: str
    branches: list[str]
    recipes: list[str]
    skip_unchanged: bool
    jitter_s: int
    takes_s: float | None


class More(outputs.Given):
    """How many more times a schedule fires than are told."""

    project: str
    schedule: str
    times: int


class AheadList(outputs.Given):
    """The coming times; of a schedule that fires often only the next few, and how many more there are."""

    items: list[Ahead]
    more: list[More]
    next: str | None


class Past(outputs.Given):
    """What became of a time at which a schedule was to fire; `missed`: nobody was there."""

    project: str
    schedule: str
    at: str | None
    missed: bool
    run: int | None
    status: str | None
    took_s: float | None
    reason: str
    delivery: str


class PastList(outputs.Given):
    """The times of the last seven days, newest first."""

    items: list[Past]
    next: str | None


class AskedList(outputs.Given):
    """What became of a wish, for each branch that it is about."""

    items: list[outputs.Asked]
    next: str | None


def _agenda(context: Context, query: Schedules, days: int) -> agenda.Agenda:
    """The part of it that who asks may see."""
    among = context.among(query.project)
    return agenda.agenda(context.db, context.settings, now=clock.now(), days=days, within=among)


def _ahead(context: Context, query: Days, _: None) -> Mapping[str, Any]:
    found = _agenda(context, query, query.days)
    more = [
        {"project": project, "schedule": schedule, "times": times} for (project, schedule), times in found.more.items()
    ]
    return {**shape.items([_time(each) for each in found.ahead]), "more": more}


def _time(each: agenda.Ahead) -> dict[str, Any]:
    return {
        "project": each.project,
        "schedule": each.schedule.name,
        "at": shape.time(each.nominal.at),
        "local": each.nominal.key,
        "timezone": each.schedule.timezone,
        "branches": list(each.schedule.branches),
        "recipes": list(each.recipes),
        "skip_unchanged": each.schedule.skip_unchanged,
        "jitter_s": each.schedule.jitter_s,
        "takes_s": each.takes_s,
    }


def _past(context: Context, query: Schedules, _: None) -> Mapping[str, Any]:
    return shape.items([_gone(each) for each in _agenda(context, query, 1).past])


def _gone(each: agenda.Past) -> dict[str, Any]:
    call = each.fired.delivery
    return {
        "project": call.project,
        "schedule": each.schedule,
        "at": shape.time(call.at),
        "missed": each.missed,
        "run": call.run,
        "status": str(each.fired.status) if each.fired.status is not None else None,
        "took_s": each.fired.seconds,
        "reason": call.reason,
        "delivery": f"d_{call.id}",
    }


def _run(context: Context, query: ScheduleName, _: None) -> Mapping[str, Any]:
    project = visible.project_of(context, query.project)
    schedule = project.schedules.get(query.name)
    if schedule is None:
        raise not_found(f"schedule {query.name} of {project.name}")
    try:
        told = Asking(layout=context.layout, environ=context.environ).ask(context.settings, project)
    except Unanswered as error:
        raise ApiError("unavailable", f"The remote of {project.name} did not answer: {error}") from error
    made = scheduled.now(context.db, context.settings, project, schedule, told, by=context.visitor.name)
    first = next((each.run for each in made if each.run is not None), None)
    context.did(f"fired {project.name}/{schedule.name}", project=project.name, run=first)
    return shape.items([actions.asked(context, each) for each in made])


OPERATIONS = (
    Operation(
        name="list_schedules",
        method="GET",
        path="/schedules",
        tier=Tier.READ,
        summary="When the schedules fire next, and what they run.",
        query=Days,
        answer=AheadList,
        do=_ahead,
        tag="schedules",
    ),
    Operation(
        name="list_fired",
        method="GET",
        path="/schedules/past",
        tier=Tier.READ,
        summary="What became of the times of the last seven days, newest first.",
        query=Schedules,
        answer=PastList,
        do=_past,
        tag="schedules",
    ),
    Operation(
        name="run_schedule",
        method="POST",
        path="/schedules/{project}/{name}/run",
        tier=Tier.TRIGGER,
        summary="Fire a schedule now, whether anything has changed or not; its remote is asked for its branches.",
        query=ScheduleName,
        body=Empty,
        answer=AskedList,
        status=202,
        do=_run,
        refusals=("not_found",),
        tag="schedules",
    ),
)
