"""A job's log: as a page in windows, as a fragment for the live page, and raw with ranges.

The page is whole where the log is small; of a larger one it shows a window, and links lead to the others.
"""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from ctci import clock, ledger, logs
from ctci.model import FINISHED, Job, Run, Status
from ctci.web import ansi, found, pages, problems, render, sections, sentences, standings
from ctci.web.found import Found

#: Lines of a window; a page has at most MOST lines and WHOLE bytes in one piece.
WINDOW, MOST, WHOLE = 500, 3000, 2_000_000
#: Lines shown before the one that was asked for.
BEFORE = 20
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line as it is drawn: `html` is safe, `elapsed` seconds since the job began."""

    line: logs.Line
    html: str
    elapsed: float | None
    #: The section that begins here.
    section: str | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows that belong together: a section, which may be folded, or what stands between two; then `name` is None."""

    name: str | None
    rows: tuple[Row, ...]
    opened: bool

    @property
    def seconds(self) -> float | None:
        """How long it took, where the times of its lines are known."""
        first, last = self.rows[0].elapsed, self.rows[-1].elapsed
        return last - first if first is not None and last is not None else None


@dataclass(frozen=True, kw_only=True)
class View:
    """A window of a log, and whether it is all of it."""

    rows: tuple[Row, ...]
    total: int
    whole: bool

    @property
    def first(self) -> int:
        return self.rows[0].line.number if self.rows else 1

    @property
    def last(self) -> int:
        return self.rows[-1].line.number if self.rows else 0


def of_run(request: Request) -> Response:
    """`/runs/N/SUB/RECIPE`, and `/runs/N/RECIPE` where there are no subprojects."""
    run, job = _placed(request)
    if run is None:
        return pages.no_run(request, request.path_params["run"])
    if job is None:
        return render.wrong(request, 404, f"#{run.id} has no job {_place(request)}.")
    return _page(request, run, job)


def _placed(request: Request) -> tuple[Run | None, Job | None]:
    """The run and the job that an address names, as far as they are there for who asks."""
    doors = render.doors(request)
    run = ledger.run(doors.db, request.path_params["run"])
    if run is None or not doors.sees(run.project):
        return None, None
    wanted = (request.path_params.get("sub", ""), request.path_params["recipe"])
    jobs = ledger.jobs_of(doors.db, [run.id])[run.id]
    return run, next((job for job in jobs if (job.order.subproject, job.order.recipe.name) == wanted), None)


def _place(request: Request) -> str:
    """`SUB/RECIPE`, as an address names it."""
    return "/".join(filter(None, (request.path_params.get("sub", ""), request.path_params["recipe"])))


def of_job(request: Request) -> Response:
    """`/jobs/N`, the same page."""
    doors = render.doors(request)
    job = ledger.job(doors.db, request.path_params["job"])
    # Asked for alike whether it is not there or may not be seen.
    run = ledger.run(doors.db, job.run) if job is not None and doors.sees(job.order.project) else None
    if job is None or run is None:
        return render.wrong(request, 404, f"There is no job {request.path_params['job']}.")
    return _page(request, run, job)


def raw(request: Request) -> Response:
    """`/jobs/N/log`: the bytes, a range or a window of them; with `as=html` a fragment for the live page."""
    doors = render.doors(request)
    job = ledger.job(doors.db, request.path_params["job"])
    if job is not None and not doors.sees(job.order.project):
        job = None
    log = logs.open_(doors.layout.log(job.id, _attempt(request, job))) if job is not None else None
    if job is None:
        return PlainTextResponse("There is no such job.\n", 404)
    first, count, tail = (pages.number(request, name) for name in ("from", "lines", "tail"))
    if request.query_params.get("as") == "html":
        return _fragment(request, job, log, first or 1, min(count or WINDOW, MOST))
    if log is None:
        return PlainTextResponse("There is no such log.\n", 404)
    if tail is not None:
        first, count = max(1, log.lines - tail + 1), tail
    if first is not None or count is not None:
        start, end = logs.span(log, min(first or 1, log.lines + 1), min(count or WINDOW, log.lines + 1))
        return _bytes(request, log, start, end)
    return _ranged(request, log)


def bytes_of_job(request: Request) -> Response:
    """`/api/v1/jobs/N/log`: the same, and a problem where there is none."""
    answer = raw(request)
    return problems.of(404, f"There is no log of job {request.path_params['job']}.") if _none(answer) else answer


def bytes_of_run(request: Request) -> Response:
    """`/api/v1/runs/N/jobs/SUB/RECIPE/log`: the same by the recipe."""
    job = _placed(request)[1]
    if job is None:
        return problems.of(404, f"There is no job {_place(request)} in run {request.path_params['run']}.")
    request.path_params["job"] = job.id
    return bytes_of_job(request)


def _none(answer: Response) -> bool:
    return answer.status_code == 404


def _ranged(request: Request, log: logs.Log) -> Response:
    """All of it, or the one range that was asked for (RFC 9110); several ranges get all of it."""
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or asked.groups() == ("", ""):
        return _bytes(request, log, 0, log.size, headers={"accept-ranges": "bytes"})
    start, end = asked.groups()
    if start:
        low, high = int(start), min(int(end) + 1 if end else log.size, log.size)
    else:
        low, high = max(0, log.size - int(end)), log.size
    if low >= high:
        return PlainTextResponse("", 416, headers={"content-range": f"bytes */{log.size}"})
    told = {"accept-ranges": "bytes", "content-range": f"bytes {low}-{high - 1}/{log.size}"}
    return _bytes(request, log, low, high, status=206, headers=told)


def _bytes(
    request: Request, log: logs.Log, start: int, end: int, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    told = {**(headers or {}), "content-length": str(end - start), "cache-control": "no-cache"}
    if request.method == "HEAD":
        return Response(status_code=status, headers=told, media_type="text/plain; charset=utf-8")
    body = logs.chunks(log.path, start, end)
    return StreamingResponse(body, status, headers=told, media_type="text/plain; charset=utf-8")


def _fragment(request: Request, job: Job, log: logs.Log | None, first: int, count: int) -> Response:
    """Lines from `first` on. Who has fallen far behind gets the newest ones, and a link to what lies between."""
    lines = log.lines if log is not None else 0
    skipped = (first, 0)
    if lines - first >= 2 * count:
        skipped = (first, lines - count - first + 1)
        first = lines - count + 1
    rows = _rows(log, job, first, count) if log is not None else ()
    last = rows[-1].line.number if rows else first - 1
    # A line that has not ended is fetched again, whole.
    ended = log is None or log.whole or last < lines
    headers = {"x-next": str(last + 1 if ended else last), "x-status": str(job.status)}
    return render.fragment(
        request,
        "lines.html",
        headers,
        rows=rows,
        skipped=skipped,
        job=job,
        query=_query(request, job),
        bad=frozenset(),
    )


def _page(request: Request, run: Run, job: Job) -> Response:
    doors = render.doors(request)
    attempt = _attempt(request, job)
    log = logs.open_(doors.layout.log(job.id, attempt)) if attempt else None
    # What was read is of the last attempt.
    told = found.of(doors, [job]).get(job.id) if attempt == job.attempt else None
    view = _view(request, job, log, told)
    attempts = ledger.attempts_of(doors.db, job.id) if job.attempt > 1 else ()
    following = job.status is Status.RUNNING and attempt == job.attempt and view.last == view.total
    verdict = sentences.log(job, run, view.total, clock.now())
    judged = standings.of_jobs(doors, [job]).get(job.id) if attempt == job.attempt else None
    return render.page(
        request,
        "job.html",
        verdict=verdict,
        title=f"{job.place} in #{run.id}: {verdict.text.rstrip('.')}",
        state=sentences.state([job.status]),
        nav="runs",
        run=run,
        job=job,
        log=log,
        view=view,
        told=told,
        judged=judged,
        first_line=_first_line(told),
        new_line=_new_line(told),
        bad=_bad(told),
        attempt=attempt,
        attempts=attempts,
        following=following,
        finished=job.status in FINISHED,
        window=WINDOW,
        query=_query(request, job),
        rows=view.rows,
        parts=_parts(request, job, view.rows, _bad(told)),
        skipped=(0, 0),
        next=view.last + 1 if log is None or log.whole else view.last,
    )


def _first_line(told: Found | None) -> int | None:
    """The line of the log that tells of the first error."""
    return told.first.log_line if told is not None and told.first is not None else None


def _new_line(told: Found | None) -> int | None:
    """The first line of the log that no green one had."""
    return told.new.line if told is not None and told.new is not None else None


def _bad(told: Found | None) -> frozenset[int]:
    """The lines of the log that tell of an error."""
    findings = told.findings if told is not None else ()
    return frozenset(each.log_line for each in findings if each.log_line and each.severity in ("error", "failure"))


def _view(request: Request, job: Job, log: logs.Log | None, told: Found | None) -> View:
    """Which lines the page shows.

    Those asked for, all of a small log, else what is around the first error of a red one or its first new line, its
    end, or its beginning if green.
    """
    if log is None:
        return View(rows=(), total=0, whole=True)
    first, count, line = (pages.number(request, name) for name in ("from", "lines", "line"))
    if first is None and line is None and log.lines <= MOST and log.size < WHOLE:
        return View(rows=_rows(log, job, 1, MOST), total=log.lines, whole=True)
    count = max(1, min(count or WINDOW, MOST))
    if first is None and line is None and job.is_red:
        line = _first_line(told) or _new_line(told)
    if first is None and line is not None:
        first = line - BEFORE
    elif first is None:
        first = 1 if job.status is Status.SUCCEEDED else log.lines - count + 1
    first = max(1, min(first, log.lines))
    rows = _rows(log, job, first, count)
    return View(rows=rows, total=log.lines, whole=len(rows) == log.lines)


def _parts(request: Request, job: Job, rows: tuple[Row, ...], bad: frozenset[int]) -> tuple[Part, ...]:
    """The rows in their sections.

    One is open where an error stands in it, where the line is that was asked for, or where a job that did not succeed
    came no further. What is still written is not folded: more is added at its end.
    """
    if job.status not in FINISHED:
        return (Part(name=None, rows=rows, opened=True),)
    wanted = bad | {pages.number(request, "line")}
    return tuple(
        Part(
            name=each.name,
            rows=rows[each.start : each.end],
            opened=any(row.line.number in wanted for row in rows[each.start : each.end])
            or (not each.ended and job.status is not Status.SUCCEEDED),
        )
        for each in sections.of(logs.clean(row.line.text) for row in rows)
    )


def _rows(log: logs.Log, job: Job, first: int, count: int) -> tuple[Row, ...]:
    lines = logs.window(log, first, count)
    written = logs.times(log.path, [line.offset for line in lines])
    pen = ansi.Pen()
    rows: list[Row] = []
    for line, at in zip(lines, written, strict=True):
        html, pen = ansi.render(line.text, pen)
        section = sections.name_of(logs.clean(line.text))
        elapsed = max(0, at - job.began_at) / 1000 if at is not None and job.began_at is not None else None
        rows.append(Row(line=line, html=html, elapsed=elapsed, section=section))
    return tuple(rows)


def _attempt(request: Request, job: Job) -> int:
    """The attempt asked for, else the last one."""
    asked = pages.number(request, "attempt")
    return asked if asked is not None and 0 < asked <= job.attempt else job.attempt


def _query(request: Request, job: Job) -> str:
    """What keeps an earlier attempt in a link: `attempt=1&`, or nothing."""
    attempt = _attempt(request, job)
    return f"attempt={attempt}&" if attempt != job.attempt else ""
