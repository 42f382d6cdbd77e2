"""`/`: is anything broken, since when, and whose commits; then what runs, and one strip per branch."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ctci import clock, config, ledger, logs
from ctci.api.projects import QUIET_MS
from ctci.config.settings import Project
from ctci.model import HEADS, RED, Job, Run, Status, Verdict
from ctci.web import pages, render, sentences, standings, strip
from ctci.web.doors import Doors

#: Breaks told with their commits and last line; the others have one row each.
TOLD = 5
#: Branches shown per project, and jobs shown that wait.
BRANCHES, WAITING = 5, 10


@dataclass(frozen=True, kw_only=True)
class Break:
    """A red place with what helps to mend it."""

    told: Verdict
    #: The last line of its log, where no tool has said what is wrong.
    last_line: str


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A row of Projects; `runs` may be empty for a project that has none yet."""

    project: str
    ref: str
    runs: tuple[Run, ...]
    strip: strip.Strip
    green: Run | None
    median: float | None


def home(request: Request) -> Response:
    """The whole page."""
    doors = render.doors(request)
    settings, now = doors.current.get(), clock.now()
    projects = render.projects(doors)
    learnt = ledger.default_branches(doors.db)
    defaults = {name: project.default_ref(learnt.get(name)) for name, project in projects.items()}
    standing = [job for job in ledger.standing(doors.db, within=doors.within) if _counts(job, projects, defaults, now)]
    red = [job for job in standing if job.is_red]
    # A default branch concerns everybody, so it is told first.
    red.sort(key=lambda job: (job.order.ref != defaults[job.order.project], -(job.finished_at or 0)))
    judged = standings.of_jobs(doors, red[:TOLD])
    breaks = [_break(doors, each) for each in judged.values()]
    breaks.sort(key=lambda each: (each.told.run.ref != defaults[each.told.run.project], -sentences.since(each.told)))
    running = ledger.running(doors.db, within=doors.within)
    waiting = doors.masked(ledger.queue(doors.db, within=doors.within, limit=WAITING))
    counts = ledger.counts(doors.db, within=doors.within)
    live = counts["running"] + counts["queued"]
    statuses = [job.status for job in red] or [Status.RUNNING] * bool(live) or [job.status for job in standing]
    state = sentences.state(statuses)
    return render.page(
        request,
        "home.html",
        verdict=sentences.home(breaks[0].told if breaks else None, standing, live, now),
        title=f"{len(red)} broken" if red else "",
        state=state,
        nav="home",
        others=sentences.others(len(red), len(standing)) if red else "",
        breaks=breaks,
        more_red=red[TOLD:],
        running=running,
        waiting=waiting,
        counts=counts,
        live=bool(live),
        branches=_branches(doors, defaults),
        projects=sorted(projects),
        folder=settings.folder,
    )


def _counts(job: Job, projects: Mapping[str, Project], defaults: Mapping[str, str], now: int) -> bool:
    """Whether a place is still configured, its branch still of interest, and its failure one."""
    order = job.order
    here = config.configured(projects.get(order.project), order.subproject, order.recipe.name)
    if not here or not order.ref.startswith(HEADS):
        return False
    if job.status in RED and not job.is_red:
        return False
    return order.ref == defaults[order.project] or now - (job.finished_at or now) < QUIET_MS


def _break(doors: Doors, told: Verdict) -> Break:
    if told.first is not None:
        return Break(told=told, last_line="")
    _, lines = logs.tail(pages.log_of(doors, told.job), 20)
    said = (logs.clean(line).strip() for line in reversed(lines))
    # What ctci itself wrote into the log is not what the recipe said.
    last = next((line for line in said if line and not line.startswith("[ctci]")), "")
    return Break(told=told, last_line=last[:300])


def _branches(doors: Doors, defaults: Mapping[str, str]) -> tuple[Branch, ...]:
    """Per project its default branch, then those with the newest runs; a project without runs has one row too."""
    places: list[tuple[str, str]] = []
    known = ledger.branches(doors.db, within=doors.within)
    for project in defaults:
        refs = [ref for name, ref in known if name == project and ref.startswith(HEADS)]
        default = defaults[project]
        places += [
            (project, ref)
            for ref in ([default] if default in refs or not refs else [])
            + [ref for ref in refs if ref != default][: BRANCHES - 1]
        ]
    strips = ledger.strips(doors.db, places, length=strip.SLOTS) if places else {}
    return tuple(_branch(project, ref, strips[project, ref]) for project, ref in places)


def _branch(project: str, ref: str, runs: tuple[Run, ...]) -> Branch:
    return Branch(
        project=project,
        ref=ref,
        runs=runs,
        strip=strip.strip(f"{project} {ref.removeprefix(HEADS)}", runs),
        green=next((run for run in reversed(runs) if run.status is Status.SUCCEEDED), None),
        median=strip.median(runs),
    )
