"""`/cctray.xml`: how every branch stands, for monitors; `?project=` for those of one project."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from ctci import clock, config, ledger
from ctci.api.projects import QUIET_MS
from ctci.config.settings import Project, Schedule
from ctci.model import HEADS, Job, Run, short_ref
from ctci.receive import agenda, cron, firing
from ctci.web import cctray, conditional, render
from ctci.web.doors import Doors


def monitor(request: Request) -> Response:
    """The whole document; it asks the ledger a fixed number of times, whatever there is."""
    doors = render.doors(request)
    projects = render.projects(doors)
    wanted = request.query_params.get("project", "").strip()
    if wanted and wanted not in projects:
        return render.wrong(request, 404, f"There is no project {wanted}.")
    chosen = {wanted: projects[wanted]} if wanted else projects
    text = cctray.document(tuple(_lamps(doors, chosen)), doors.current.get().server.public_url)
    return conditional.answer(request, text, kind="application/xml", keep="no-cache")


def _lamps(doors: Doors, projects: Mapping[str, Project]) -> Iterator[cctray.Lamp]:
    now = clock.now()
    learnt = ledger.default_branches(doors.db)
    defaults = {name: project.default_ref(learnt.get(name)) for name, project in projects.items()}
    known = ledger.branches(doors.db, within=doors.within)
    here = [(name, ref) for name, ref in known if name in projects and ref.startswith(HEADS)]
    newest = {place: runs[-1] for place, runs in ledger.strips(doors.db, here, length=1).items()} if here else {}
    theirs = ledger.jobs_of(doors.db, [run.id for run in newest.values()])
    jobs = _by_place(job for each in theirs.values() for job in each)
    standing = _by_place(ledger.standing(doors.db, within=doors.within))
    busy = ledger.busy(doors.db)
    fires = {name: tuple(_fires(project, now)) for name, project in projects.items()}
    for (name, ref), run in sorted(newest.items()):
        if ref != defaults[name] and now - run.created_at > QUIET_MS:
            continue
        for sub in projects[name].subs:
            place = (name, ref, sub)
            stands, last = (
                [job for job in known[place] if config.configured(projects[name], sub, job.order.recipe.name)]
                for known in (standing, jobs)
            )
            if stands or last:
                yield _lamp(
                    place, run, stands, last, building=place in busy, next_at=_next(fires[name], place, defaults[name])
                )


def _lamp(
    place: cctray.Place, run: Run, stands: Sequence[Job], last: Sequence[Job], *, building: bool, next_at: int | None
) -> cctray.Lamp:
    told = max(stands, key=lambda job: job.finished_at or 0, default=None)
    project, ref, sub = place
    return cctray.Lamp(
        place=(project, ref.removeprefix(HEADS), sub),
        status=cctray.status(stands, last),
        building=building,
        run=told.run if told is not None else run.id,
        at=(told.finished_at if told is not None else run.finished_at) or run.created_at,
        next_at=next_at,
    )


def _by_place(jobs: Iterable[Job]) -> Mapping[cctray.Place, list[Job]]:
    found: dict[cctray.Place, list[Job]] = defaultdict(list)
    for job in jobs:
        found[job.order.project, job.order.ref, job.order.subproject].append(job)
    return found


def _fires(project: Project, now: int) -> Iterator[tuple[Schedule, int, frozenset[str]]]:
    """Each schedule with the time at which it fires next, and the subprojects that it is about."""
    for schedule in project.schedules.values():
        subs = frozenset(order.subproject for order in agenda.orders(project, schedule))
        yield schedule, cron.next_after(schedule.cron, schedule.timezone, now).at, subs


def _next(fires: Sequence[tuple[Schedule, int, frozenset[str]]], place: cctray.Place, default: str) -> int | None:
    _, ref, sub = place
    about = (at for schedule, at, subs in fires if sub in subs and firing.wanted(schedule, [ref], short_ref(default)))
    return min(about, default=None)
