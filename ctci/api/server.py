"""The server itself: what runs and waits, what is configured, and what it suffers of."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import ctci
from ctci import clock, config, ledger, shape, words
from ctci.api import outputs, visible, wellness
from ctci.api.operation import Context, Operation
from ctci.api.problem import ApiError
from ctci.model import Sending, Silence, Status, Tier, place_of
from ctci.receive import sweep, whose

#: Jobs that are listed of the queue.
MOST = 500


class Queue(outputs.Given):
    """What runs and what waits: how many of each, how many may run at once, and how many did since the start.

    Of these projects that who asks may see; `peak` only for who sees all of them, while a server runs.
    """

    running: int
    queued: int
    unprepared: int
    max: int
    peak: int | None
    #: Those that run, then those that wait in the order in which they will be claimed.
    jobs: list[outputs.Job]


class Place(outputs.Given):
    """Something that is wrong with the configuration, or worth to be known, and where."""

    code: str
    severity: str
    message: str
    where: str
    help: str | None


class ConfiguredProject(outputs.Given):
    """A project that is in force; `where` is the file and line of its table."""

    name: str
    description: str
    git: str
    forge: str | None
    recipes: list[str]
    schedules: list[str]
    notify: list[str]
    where: str | None


class Configuration(outputs.Given):
    """What is in force, and what is wrong with what is not."""

    folder: str
    files: list[str]
    loaded_at: str | None
    tried_at: str | None
    projects: list[ConfiguredProject]
    noted: list[Place]
    refused: list[Place]


class Check(outputs.Given):
    """One thing that was looked at: `state` is well, see_to_it or wrong."""

    name: str
    state: str
    said: str
    fix: str | None


class Health(outputs.Given):
    """What ctci itself suffers of, the worst first, and what mends it."""

    ok: bool
    verdict: str
    version: str
    at: str | None
    checks: list[Check]


def _queue(context: Context, _: object, __: None) -> Mapping[str, Any]:
    running = ledger.running(context.db, within=context.within, limit=MOST)
    waiting = ledger.queue(context.db, within=context.within, limit=MOST)
    counts = ledger.counts(context.db, within=context.within)
    ready = context.ready() if context.ready is not None and context.visitor.sees_all else {}
    found = (*running, *waiting)
    jobs = zip(context.unnamed([job for job, _ in found]), found, strict=True)
    return {
        "running": counts[str(Status.RUNNING)],
        "queued": counts[str(Status.QUEUED)],
        "unprepared": counts["unprepared"],
        "max": context.settings.server.max_jobs,
        "peak": ready.get("peak"),
        "jobs": [shape.job_(job, run, public_url=context.public_url) for job, (_, run) in jobs],
    }


def _config(context: Context, _: object, __: None) -> Mapping[str, Any]:
    settings, current = context.settings, context.current
    error = current.error if current is not None else None
    return {
        "folder": str(settings.folder),
        "files": [settings.shown(path) for path in settings.files if path.exists()],
        "loaded_at": shape.time(current.loaded_at if current is not None else None),
        "tried_at": shape.time(current.tried_at if current is not None else None),
        "projects": [_configured(settings, project) for project in visible.projects_of(context).values()],
        "noted": _problems(settings.problems),
        "refused": _problems(error.problems if error is not None else ()),
    }


def _problems(found: Sequence[config.Problem]) -> list[dict[str, Any]]:
    return [
        {
            "code": each.code,
            "severity": each.severity,
            "message": each.message,
            "where": each.where,
            "help": "; ".join(filter(None, (each.hint, each.help, each.note))) or None,
        }
        for each in found
    ]


def _configured(settings: config.Config, project: config.Project) -> dict[str, Any]:
    return {
        "name": project.name,
        "description": project.description,
        "git": whose.shown(project.remote.url),
        "forge": project.forge,
        "recipes": [place_of(sub.name, name) for sub in project.subs.values() for name in sub.recipes],
        "schedules": list(project.schedules),
        "notify": list(project.notify),
        "where": settings.where_of(project),
    }


def health(context: Context) -> wellness.Facts:
    """What is looked at. Raises ApiError where no server runs."""
    if context.ready is None or context.current is None:
        raise ApiError("unavailable", "No server runs here.")
    settings, now = context.settings, clock.now()
    disk = shutil.disk_usage(context.layout.data)
    unsent, silences = _held_up(context, now)
    return wellness.Facts(
        ready=context.ready(),
        room=wellness.Room(free=disk.free, total=disk.total, floor=settings.server.disk_floor),
        read=f"read {words.ago(context.current.loaded_at, now)}",
        warnings=sum(problem.severity == "warning" for problem in settings.problems),
        unsent=unsent,
        silences=[words.silence(each, clock.moment) for each in silences],
    )


def _held_up(context: Context, now: int) -> tuple[Sequence[Sending] | None, Sequence[Silence]]:
    """Messages that did not go, and webhooks that do not call; no messages where the ledger cannot be read."""
    try:
        return ledger.unsent(context.db, since=now - words.UNSENT_MS), sweep.silences(context.db, context.settings)
    except ledger.Away:
        return None, ()


def _health(context: Context, _: object, __: None) -> Mapping[str, Any]:
    found = wellness.checks(health(context))
    return {
        "ok": all(check.state != wellness.WRONG for check in found),
        "verdict": wellness.verdict(found).text,
        "version": ctci.__version__,
        "at": shape.time(clock.now()),
        "checks": [
            {
                "name": each.name.lower(),
                "state": each.state.replace(" ", "_"),
                "said": each.said,
                "fix": each.fix or None,
            }
            for each in found
        ],
    }


def _healthy(name: str, path: str) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=path,
        tier=Tier.READ,
        summary="What ctci itself suffers of, and what mends it; 200 in any case: /readyz is what a supervisor asks.",
        answer=Health,
        do=_health,
        whole=True,
        tag="server",
    )


OPERATIONS = (
    Operation(
        name="get_queue",
        method="GET",
        path="/queue",
        tier=Tier.READ,
        summary="What runs, what waits and for what, and how many of each.",
        answer=Queue,
        do=_queue,
        tag="server",
    ),
    Operation(
        name="get_config",
        method="GET",
        path="/config",
        tier=Tier.READ,
        summary="What is configured, with file and line, and what is wrong with what is not in force.",
        answer=Configuration,
        do=_config,
        whole=True,
        tag="server",
    ),
    _healthy("get_health", "/health"),
    _healthy("get_doctor", "/doctor"),
)
