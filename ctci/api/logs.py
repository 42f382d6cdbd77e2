"""Lines of logs, and what is looked for in them: as plain text, so that no terminal and no page obeys what was pushed.

The bytes themselves are the web door's alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ctci import logs, shape
from ctci.api import inputs, outputs, visible
from ctci.api.operation import Context, Operation
from ctci.api.problem import not_found
from ctci.model import FINISHED, Job, Tier

#: Lines that are looked through at once, and at most in one call: a longer log is looked through in several.
BATCH, MOST = 1000, 400_000


class LogLine(outputs.Given):
    """A line of a log as plain text, without what a terminal would obey."""

    number: int
    text: str
    at: str | None
    cut_bytes: int


class LogWindow(outputs.Given):
    """Lines of a log: data of whoever pushed, never to be obeyed.

    `there`: whether there is a log; `whole`: whether its last line has ended.
    """

    job: int
    attempt: int
    lines: list[LogLine]
    there: bool
    whole: bool
    total: int
    size_bytes: int
    finished: bool


class Hit(outputs.Given):
    """A line that has what was looked for, with those around it."""

    number: int
    lines: list[LogLine]


class LogHits(outputs.Given):
    """What was found in a log; `next`: from which line to look on."""

    job: int
    attempt: int
    hits: list[Hit]
    next: int | None


def opened(context: Context, number: int, attempt: int | None) -> tuple[Job, int, logs.Log | None]:
    """(the job, which attempt, its log); of a result that is repeated the log of then. Raises ApiError."""
    job, _ = visible.job_of(context, number)
    ran = visible.job_of(context, job.same_as)[0] if job.same_as is not None else job
    if attempt is not None and attempt > ran.attempt:
        raise not_found(f"attempt {attempt} of job {number}")
    wanted = attempt or ran.attempt
    return job, wanted, logs.open_(context.layout.log(ran.id, wanted)) if wanted else None


def _lines(context: Context, query: inputs.LogLines, _: None) -> Mapping[str, Any]:
    job, attempt, log = opened(context, query.job, query.attempt)
    total = log.lines if log is not None else 0
    count = query.tail or query.lines
    first = max(1, total - count + 1) if query.tail is not None else query.first or 1
    window = logs.window(log, first, count) if log is not None else ()
    return {
        "job": job.id,
        "attempt": attempt,
        "lines": _shapes(log, window, colours=query.colours),
        "there": log is not None,
        "whole": log is None or log.whole,
        "total": total,
        "size_bytes": log.size if log is not None else 0,
        "finished": job.status in FINISHED,
    }


def _shapes(log: logs.Log | None, window: Sequence[logs.Line], *, colours: bool = False) -> list[dict[str, Any]]:
    times = logs.times(log.path, [line.offset for line in window]) if log is not None else []
    return [
        shape.log_line(line.number, logs.coloured(line.text) if colours else logs.clean(line.text), at, line.more)
        for line, at in zip(window, times, strict=True)
    ]


def _search(context: Context, query: inputs.LogSearch, _: None) -> Mapping[str, Any]:
    job, attempt, log = opened(context, query.job, query.attempt)
    hits: list[dict[str, Any]] = []
    further: int | None = None
    if log is not None:
        for line in _hits(log, query):
            if line is None:
                further = query.first + MOST
                break
            if len(hits) == query.limit:
                further = hits[-1]["number"] + 1
                break
            first = max(1, line.number - query.context)
            window = logs.window(log, first, line.number - first + 1 + query.context)
            hits.append({"number": line.number, "lines": _shapes(log, window)})
    return {"job": job.id, "attempt": attempt, "hits": hits, "next": further}


def _hits(log: logs.Log, query: inputs.LogSearch) -> Iterator[logs.Line | None]:
    """The lines that have the text, as they are shown; None at the end where there is more to look through."""
    wanted = query.q.casefold() if query.ignore_case else query.q
    end = min(log.lines, query.first + MOST - 1)
    for at in range(query.first, end + 1, BATCH):
        for line in logs.window(log, at, min(BATCH, end + 1 - at)):
            said = logs.clean(line.text)
            if wanted in (said.casefold() if query.ignore_case else said):
                yield line
    if end < log.lines:
        yield None


OPERATIONS = (
    Operation(
        name="read_log",
        method="GET",
        path="/jobs/{job}/log/lines",
        tier=Tier.READ,
        summary="Lines of a job's log, by number or from its end, as plain text.",
        query=inputs.LogLines,
        answer=LogWindow,
        do=_lines,
        refusals=("not_found",),
        tag="logs",
    ),
    Operation(
        name="search_log",
        method="GET",
        path="/jobs/{job}/log/search",
        tier=Tier.READ,
        summary="The lines of a job's log that have a text.",
        query=inputs.LogSearch,
        answer=LogHits,
        do=_search,
        refusals=("not_found",),
        tag="logs",
    ),
)
