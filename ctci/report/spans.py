"""A run as a trace: the run is a span, and each execution of a job one below it. JSON as OTLP has it. Pure.

The names are those of OpenTelemetry's conventions for CI/CD and version control (`cicd.*`, `vcs.*`); they are still in
development there, and what has no name there begins with `ctci.`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ctci.forges import hosting
from ctci.model import HEADS, TAGS, Attempt, Exit, Job, Run, Status, tracing
from ctci.report import saying

#: How the conventions call what became of a run or a job.
RESULTS = {
    Status.SUCCEEDED: "success",
    Status.FAILED: "failure",
    Status.TIMED_OUT: "timeout",
    Status.CANCELLED: "cancellation",
    Status.SUPERSEDED: "cancellation",
    Status.SKIPPED: "skip",
    Status.ERRORED: "error",
}
#: What makes a span's status an error, with its `error.type`.
_WRONG = ("failure", "timeout", "error")
#: Kinds of spans, and the code of a status, as OTLP numbers them.
INTERNAL, SERVER = 1, 2
ERROR = 2
#: Characters of a value: long addresses and names of branches stay whole.
MOST = 4096


def of_run(
    run: Run, jobs: Sequence[Job], attempts: Sequence[Attempt], *, public_url: str, version: str
) -> dict[str, Any]:
    """The body of an ExportTraceServiceRequest for a run that has ended."""
    root = public_url.rstrip("/")
    executed: Mapping[int, list[Attempt]] = defaultdict(list)
    for each in attempts:
        executed[each.job].append(each)
    found = [_run(run)]
    for job in jobs:
        found += _job(run, job, executed[job.id], root)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(_about(run, jobs, root, version))},
                "scopeSpans": [{"scope": {"name": "ctci", "version": version}, "spans": found}],
            }
        ]
    }


def _about(run: Run, jobs: Sequence[Job], root: str, version: str) -> dict[str, str | int | None]:
    """What all spans of a run share: their resource."""
    place = _place(jobs[0].order.remote.url) if jobs else None
    kinds = {HEADS: "branch", TAGS: "tag"}
    return {
        "service.name": "ctci",
        "service.version": version,
        "cicd.pipeline.name": run.project,
        "cicd.pipeline.run.id": str(run.id),
        "cicd.pipeline.run.url.full": f"{root}/runs/{run.id}",
        "vcs.repository.name": place.path.rpartition("/")[2] if place else None,
        "vcs.repository.url.full": f"{place.origin}/{place.path}" if place else None,
        "vcs.ref.head.name": run.branch,
        "vcs.ref.head.revision": run.commit,
        "vcs.ref.type": next((kind for prefix, kind in kinds.items() if run.ref.startswith(prefix)), None),
    }


def _place(address: str) -> hosting.Place | None:
    """Where it is hosted, as far as a browser finds it there: what is fetched by ssh alone need have no page."""
    try:
        found = hosting.place(address)
    except ValueError:
        return None
    known = found is not None and (address.startswith("http") or hosting.forge_of(found.host) is not None)
    return found if known else None


def _run(run: Run) -> dict[str, Any]:
    """From when the push was recorded, so that what was waited for is seen."""
    result = RESULTS[run.status]
    about = {
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.result": result,
        "error.type": _error(run.status, None),
        "ctci.event": run.event,
        "ctci.pushed_by": run.pusher,
        "ctci.reason": run.reason,
    }
    ended = run.finished_at if run.finished_at is not None else run.created_at
    return {
        "traceId": tracing.trace_id(run),
        "spanId": tracing.span_id(run),
        "name": f"RUN {saying.plain(run.project)}",
        "kind": SERVER,
        **_lasted(run.created_at, ended),
        "attributes": _attributes(about),
        "status": _status(result, run.reason),
    }


def _job(run: Run, job: Job, attempts: Sequence[Attempt], root: str) -> Iterator[dict[str, Any]]:
    """A span for each execution; an end that is not that of one, such as a skip, has one of no length."""
    page = f"{root}/{job.page}"
    status = None
    for each in attempts:
        status = each.status or job.status
        # Why it ended is known of the last alone.
        reason = job.reason if each.number == attempts[-1].number and status is job.status else None
        yield _span(run, job, each, status, reason, _times(run, job, each), page)
    if status is not job.status:
        ended = job.finished_at if job.finished_at is not None else run.created_at
        yield _span(run, job, None, job.status, job.reason, (ended, ended), page)


def _times(run: Run, job: Job, attempt: Attempt) -> tuple[int, int]:
    """From and until, Unix milliseconds; as its keeper measured: it may have been settled long after."""
    settled = next((at for at in (attempt.finished_at, job.finished_at, run.finished_at) if at is not None), 0)
    if attempt.began_at is None:
        return settled, settled
    if attempt.exit is not None and attempt.exit.how != "lost":
        return attempt.began_at, attempt.began_at + round(attempt.exit.seconds * 1000)
    return attempt.began_at, max(settled, attempt.began_at)


def _span(
    run: Run, job: Job, attempt: Attempt | None, status: Status, reason: str | None, times: tuple[int, int], page: str
) -> dict[str, Any]:
    result, number = RESULTS[status], attempt.number if attempt is not None else 0
    exit_ = attempt.exit if attempt is not None else None
    about = {
        "cicd.pipeline.task.name": job.place,
        "cicd.pipeline.task.run.id": f"{job.id}.{number}" if number > 1 else str(job.id),
        "cicd.pipeline.task.run.url.full": page,
        "cicd.pipeline.task.run.result": result,
        "error.type": _error(status, exit_),
        "process.exit.code": exit_.code if exit_ else None,
        "ctci.attempt": number or None,
        "ctci.same_as": job.same_as,
        "ctci.reason": reason,
    }
    return {
        "traceId": tracing.trace_id(run),
        "spanId": tracing.span_id(run, job.id, number),
        "parentSpanId": tracing.span_id(run),
        "name": saying.plain(job.place),
        "kind": INTERNAL,
        **_lasted(*times),
        "attributes": _attributes(about),
        "status": _status(result, reason),
    }


def _error(status: Status, exit_: Exit | None) -> str | None:
    """A word of few: the status, or how an execution ended that ctci could not see through."""
    if RESULTS[status] not in _WRONG:
        return None
    return exit_.how if status is Status.ERRORED and exit_ is not None else str(status)


def _status(result: str, reason: str | None) -> dict[str, Any]:
    if result not in _WRONG:
        return {}
    return {"code": ERROR, **({"message": saying.plain(reason)} if reason else {})}


def _lasted(began: int, ended: int) -> dict[str, str]:
    """Whole numbers of 64 bits are texts there."""
    return {
        "startTimeUnixNano": str(began * 1_000_000),
        "endTimeUnixNano": str(max(began, ended) * 1_000_000),
    }


def _attributes(about: Mapping[str, str | int | None]) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": saying.plain(value, MOST)},
        }
        for key, value in about.items()
        if value is not None
    ]
