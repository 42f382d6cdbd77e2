"""`/queue`: what runs, what waits and for what, and who holds which lock."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ctci import ledger
from ctci.model import Job, Run
from ctci.web import overviews, render, sentences

#: Waiting jobs on the page.
ROWS = 200


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock that is held, and by whom."""

    name: str
    holder: Job
    #: How many jobs of the page wait for it.
    waiting: int


def queue(request: Request) -> Response:
    """The whole page."""
    doors = render.doors(request)
    running = ledger.running(doors.db, within=doors.within)
    waiting = doors.masked(ledger.queue(doors.db, within=doors.within, limit=ROWS))
    counts = ledger.counts(doors.db, within=doors.within)
    reasons = doors.ready()["reasons"] if doors.visitor.sees_all else ()
    return render.page(
        request,
        "queue.html",
        verdict=overviews.queue(counts["running"], counts["queued"], waiting),
        title="Queue",
        state=sentences.state([job.status for job, _ in (*running, *waiting)]),
        nav="queue",
        live=bool(running or waiting),
        running=running,
        waiting=waiting,
        more=max(0, counts["queued"] - len(waiting)),
        slots=doors.current.get().server.max_jobs,
        locks=_locks(running, waiting),
        reasons=reasons if isinstance(reasons, Sequence) else (),
    )


def _locks(running: Sequence[tuple[Job, Run]], waiting: Sequence[tuple[Job, Run]]) -> tuple[Lock, ...]:
    held = [(job.order.recipe.lock, job) for job, _ in running]
    return tuple(
        Lock(name=name, holder=job, waiting=sum(each.order.recipe.lock == name for each, _ in waiting))
        for name, job in sorted((name, job) for name, job in held if name is not None)
    )
