"""The pages that are read: runs, one run, deliveries. Ask the ledger a fixed number of times, whatever the rows.

Plain functions: Starlette calls them in threads.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from ctci import clock, ledger, logs
from ctci.model import FINISHED, HEADS, Attempt, Job, Run, Sending, Status, Verdict
from ctci.receive import sweep
from ctci.web import found as found_
from ctci.web import overviews, render, sentences, standings, strip
from ctci.web.doors import Doors

#: Rows of a page.
ROWS = 50
#: Of so many red jobs of a run lines of the log are shown, those around the first error, else the last; each so wide.
RED, BEFORE, AFTER, LINES, WIDE = 3, 4, 3, 12, 300
#: Findings of each job that the page of a run shows; its own page has more.
FOUND = 6
#: Of what was told of a run so much is looked at; and the sink whose tellings are shown where they fail alone.
TOLD, STATUSES = 200, "status"


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A red job with the lines of its log around its first error, else those at its end."""

    told: Verdict
    #: The number of the first of the lines.
    first: int
    lines: tuple[str, ...]
    #: The number of the one with the error, where that is known.
    hit: int | None = None


def number(request: Request, name: str) -> int | None:
    """A whole number of the query, or None for none, nonsense and what no ledger holds."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def runs(request: Request) -> Response:
    """`/runs`: filters by project, branch and status; `before` pages."""
    doors = render.doors(request)
    asked = {name: request.query_params.get(name, "").strip() for name in ("project", "branch", "status")}
    branch, before = asked["branch"], number(request, "before")
    ref = (branch if branch.startswith("refs/") else HEADS + branch) if branch else None
    found = ledger.runs_(
        doors.db,
        project=asked["project"] or None,
        ref=ref,
        status=asked["status"] or None,
        before=before,
        within=doors.within,
        limit=ROWS + 1,
    )
    older, found = len(found) > ROWS, found[:ROWS]
    jobs = ledger.jobs_of(doors.db, [run.id for run in found])
    where = f" of {asked['project']}" if asked["project"] else ""
    where += f" on {branch}" if branch else ""
    where += f" with status {asked['status'].replace('_', ' ')}" if asked["status"] else ""
    return render.page(
        request,
        "runs.html",
        verdict=overviews.runs(found, where=where, older=older, newest=before is None),
        title=f"Runs{where}",
        state=sentences.state([found[0].status] if found else []),
        nav="runs",
        runs=found,
        jobs=jobs,
        older=older,
        before=before,
        asked=asked,
        statuses=tuple(Status),
        projects=render.project_names(doors, asked["project"]),
        took=strip.took,
    )


def run(request: Request) -> Response:
    """`/runs/N`."""
    doors = render.doors(request)
    found = ledger.run(doors.db, request.path_params["run"])
    if found is None or not doors.sees(found.project):
        return no_run(request, request.path_params["run"])
    jobs = doors.unnamed(ledger.jobs_of(doors.db, [found.id], ahead=True)[found.id])
    now = clock.now()
    judged = standings.of_jobs(doors, jobs)
    red = [judged[job.id] for job in jobs if job.is_red and job.id in judged]
    verdict = standings.of_run(doors, found, jobs, judged, now)
    newest = ledger.runs_(doors.db, project=found.project, ref=found.ref, after=found.id, limit=1)
    previous = ledger.runs_(doors.db, project=found.project, ref=found.ref, before=found.id, limit=1)
    again = _attempts(doors, found, jobs)
    told = ledger.sendings_(doors.db, run=found.id, limit=TOLD)
    return render.page(
        request,
        "run.html",
        verdict=verdict,
        title=f"#{found.id} {verdict.text.removeprefix(f'#{found.id} ').rstrip('.')}",
        state=sentences.state([found.status]),
        nav="runs",
        run=found,
        jobs=jobs,
        live=found.finished_at is None,
        judged=judged,
        excerpts=tuple(_excerpt(doors, each) for each in red[:RED]),
        lanes=strip.lanes(jobs, now),
        took=strip.took(found),
        tally=_tally(jobs),
        newest=newest[0] if newest else None,
        previous=previous[0] if previous else None,
        commits=ledger.commits_of(doors.db, found.id),
        deliveries=ledger.deliveries_(doors.db, run=found.id),
        letters=[each for each in told if each.sink != STATUSES],
        untold=_untold(told),
        attempts=again,
        shown=_worth_reproducing(jobs),
        sizes=_log_sizes(doors, jobs),
        found=found_.of(doors, jobs, most=FOUND),
        hunts=ledger.hunts_of(doors.db, [job.id for job in jobs if job.is_red]),
    )


def _attempts(doors: Doors, run: Run, jobs: Sequence[Job]) -> Mapping[int, Sequence[Attempt]]:
    """The executions of the jobs that had more than one."""
    several = {job.id: list[Attempt]() for job in jobs if job.attempt > 1}
    for each in ledger.attempts_of_run(doors.db, run.id) if several else ():
        if each.job in several:
            several[each.job].append(each)
    return several


def deliveries(request: Request) -> Response:
    """`/deliveries`: every call of a hook with its decision."""
    doors = render.doors(request)
    project, before = request.query_params.get("project", "").strip(), number(request, "before")
    found = ledger.deliveries_(doors.db, project=project or None, before=before, within=doors.within, limit=ROWS + 1)
    older, found = len(found) > ROWS, found[:ROWS]
    return render.page(
        request,
        "deliveries.html",
        verdict=overviews.deliveries(found, where=f" for {project}" if project else "", newest=before is None),
        title="Deliveries",
        nav="deliveries",
        deliveries=found,
        older=older,
        before=before,
        project=project,
        projects=render.project_names(doors, project),
        silent=[
            each
            for each in sweep.silences(doors.db, doors.current.get())
            if project in ("", each.project) and doors.sees(each.project)
        ],
    )


def no_run(request: Request, number_: int) -> Response:
    """404 with what helps."""
    return render.wrong(
        request, 404, f"There is no run #{number_}.", "It may have been forgotten by `keep`; the newest are under Runs."
    )


def _excerpt(doors: Doors, told: Verdict) -> Excerpt:
    path, hit = log_of(doors, told.job), told.first.log_line if told.first is not None else None
    log = logs.open_(path) if hit is not None else None
    if hit is None or log is None or hit > log.lines:
        first, lines = logs.tail(path, LINES)
        return Excerpt(told=told, first=first, lines=tuple(_cut(logs.clean(line)) for line in lines))
    first = max(1, hit - BEFORE)
    around = logs.window(log, first, BEFORE + 1 + AFTER)
    return Excerpt(told=told, first=first, lines=tuple(_cut(logs.clean(each.text)) for each in around), hit=hit)


def log_of(doors: Doors, job: Job) -> Path:
    """The log of a job's last attempt; of one that repeats a result, the log of the job that was run."""
    ran = ledger.job(doors.db, job.same_as) if job.same_as is not None else None
    return doors.layout.log((ran or job).id, (ran or job).attempt)


@dataclass(frozen=True, kw_only=True)
class Untold:
    """Statuses of the commit that its forge does not have, for one reason."""

    count: int
    why: str
    #: `tried again`, `given up`, `dropped`.
    then: str


def _untold(told: Sequence[Sending]) -> tuple[Untold, ...]:
    """Each reason once."""
    missed = [(each.last_error, each.state) for each in told if each.sink == STATUSES and each.last_error]
    return tuple(
        Untold(count=count, why=why, then="tried again" if state == "due" else state.replace("_", " "))
        for (why, state), count in Counter(missed).items()
    )


def _cut(line: str) -> str:
    """The whole line stands in the log, one link away."""
    return line if len(line) <= WIDE else f"{line[:WIDE]}…"


def _tally(jobs: Sequence[Job]) -> str:
    """`4 succeeded, 1 failed`, worst last as they stand in Status."""
    counted = {status: sum(job.status is status for job in jobs) for status in Status}
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counted.items() if count)


def _worth_reproducing(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The red ones, or the first that ran."""
    red = tuple(job for job in jobs if job.is_red)
    return red or tuple(job for job in jobs if job.status is not Status.SKIPPED)[:1]


def _log_sizes(doors: Doors, jobs: Sequence[Job]) -> dict[int, int]:
    """Bytes of each job's log: told by its exit, by the file while it runs."""
    sizes: dict[int, int] = {}
    for job in jobs:
        if job.exit is not None:
            sizes[job.id] = job.exit.log_bytes
        elif job.attempt and job.status not in FINISHED:
            path = doors.layout.log(job.id, job.attempt)
            sizes[job.id] = path.stat().st_size if path.exists() else 0
    return sizes
