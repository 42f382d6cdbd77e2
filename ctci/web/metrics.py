"""`/metrics`: what is counted and measured, in the text format of Prometheus.

It asks the ledger a fixed number of times, of nothing that grows with the history, and walks no folder.
"""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

import ctci
from ctci import clock, config, ledger
from ctci.config import patterns
from ctci.config.settings import Project
from ctci.model import HEADS
from ctci.receive import cron
from ctci.web import families, render
from ctci.web.doors import Doors

if TYPE_CHECKING:
    from prometheus_client.core import Metric


def metrics(request: Request) -> Response:
    """The whole answer."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - 20 ms: with the first look
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    found = tuple(families.families(_facts(render.doors(request))))

    class Found(Collector):
        """What was found, for a registry of its own: nothing of the process itself is in it."""

        def collect(self) -> Iterable["Metric"]:
            return found

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Found())
    # Not OpenMetrics, whoever asks: there the counter ctci_jobs_total and the gauge ctci_jobs would be one family.
    headers = {"content-type": CONTENT_TYPE_PLAIN_0_0_4, "cache-control": "no-store"}
    return Response(generate_latest(registry), headers=headers)


def _facts(doors: Doors) -> families.Facts:
    settings = doors.current.get()
    projects = render.projects(doors)
    jobs = ledger.counts(doors.db)
    broken, succeeded = _branches(doors, projects)
    disk = shutil.disk_usage(doors.layout.data)
    return families.Facts(
        version=ctci.__version__,
        projects=projects,
        totals=ledger.totals_(doors.db),
        queued=jobs["queued"],
        running=jobs["running"],
        busy=doors.busy(),
        slots=settings.server.max_jobs,
        reloaded=doors.current.error is None,
        broken=broken,
        succeeded=succeeded,
        fires=_fires(projects),
        sizes=doors.sizes(),
        disk_free=disk.free,
        disk_total=disk.total,
        disk_floor=settings.server.disk_floor,
    )


def _branches(
    doors: Doors, projects: Mapping[str, Project]
) -> tuple[Mapping[tuple[str, str], bool], Mapping[tuple[str, str, str], int]]:
    """How the branches stand that have a name in the configuration, by what is configured of them."""
    learnt = ledger.default_branches(doors.db)
    places = {(name, ref) for name, project in projects.items() for ref in _named(project, learnt.get(name))}
    broken: dict[tuple[str, str], bool] = {}
    greens: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for (name, ref, sub, recipe), (green_at, red) in ledger.stands(doors.db, places).items():
        if not config.configured(projects[name], sub, recipe):
            continue
        branch = ref.removeprefix(HEADS)
        broken[name, branch] = broken.get((name, branch), False) or red
        if green_at is not None:
            greens[name, branch, sub].append(green_at)
    return broken, {place: min(found) for place, found in greens.items()}


def _named(project: Project, learnt: str | None) -> set[str]:
    """The default branch, and those that are named without a wildcard."""
    told = {*(project.branches or ()), *(each for one in project.schedules.values() for each in one.branches)}
    return {project.default_ref(learnt), *(HEADS + each for each in told if patterns.rank(each)[0])}


def _fires(projects: Mapping[str, Project]) -> Mapping[tuple[str, str], int]:
    now = clock.now()
    return {
        (name, schedule.name): cron.next_after(schedule.cron, schedule.timezone, now).at
        for name, project in projects.items()
        for schedule in project.schedules.values()
    }
