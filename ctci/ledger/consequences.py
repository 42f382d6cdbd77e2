"""What follows from the end of a job: its standing, the jobs that need it, its run, and who waits behind that.

Each in the transaction of its caller.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Integer, String, bindparam, case, insert, select, update

from ctci.ledger import standings, totals
from ctci.ledger.engine import now_ms
from ctci.ledger.tables import changes, jobs, needs, runs
from ctci.model import CONCLUSIVE, FINISHED, MOVES, RED, TRY, WORST_FIRST, Repeat, Status, event_of
from ctci.model.totals import job_ended, run_ended

#: Runs of a hunt and tries change nothing that anybody is told of.
_note = insert(changes).from_select(
    ["kind", "run", "job", "at"],
    select(bindparam("kind_", type_=String), runs.c.id, bindparam("job_", type_=Integer), now_ms()).where(
        runs.c.id == bindparam("run_"), runs.c.hunted_ref.is_(None)
    ),
)
#: What is said of a job that did not succeed, to those that need it.
_SAID = {
    Status.FAILED: "failed",
    Status.TIMED_OUT: "timed out",
    Status.CANCELLED: "was cancelled",
    Status.SUPERSEDED: "was superseded",
    Status.SKIPPED: "was skipped",
    Status.ERRORED: "errored",
}


def note(connection: Connection, kind: str, run: int, job: int | None = None) -> None:
    """Append to the changes, in the caller's transaction."""
    connection.execute(_note, {"kind_": kind, "run_": run, "job_": job})


def follow_up(connection: Connection, ended: Sequence[Any]) -> None:
    """What follows from the end of these jobs (rows): standing, changes, and those that need them, transitively."""
    todo = list(ended)
    while todo:
        for row in todo:
            note(connection, "settled", row.run, row.id)
            took = row.exit["seconds"] if row.exit is not None else None
            totals.add(connection, job_ended(row.project, row.subproject, row.recipe, row.status, took))
            if row.status in CONCLUSIVE and row.ref:
                standings.stand(connection, row)
        todo = _release(connection, [row.id for row in todo])


def _release(connection: Connection, ended: Sequence[int]) -> list[Any]:
    """Release the jobs that need these, or skip them; the rows of those that were skipped."""
    skipped: list[Any] = []
    edges = connection.execute(
        select(needs.c.job, jobs.c.status, jobs.c.spared, jobs.c.recipe)
        .join(jobs, jobs.c.id == needs.c.needs)
        .where(needs.c.needs.in_(ended))
        .order_by(needs.c.job)
    ).all()
    for edge in edges:
        mine = (jobs.c.id == edge.job, jobs.c.status.in_(MOVES["drop"][0]))
        if edge.status == Status.SUCCEEDED or (edge.spared and edge.status in RED):
            connection.execute(update(jobs).where(*mine).values(waiting=jobs.c.waiting - 1))
            continue
        reason = f"needs {edge.recipe}, which {_SAID[edge.status]}"
        skipped += connection.execute(
            update(jobs).where(*mine).values(status=Status.SKIPPED, reason=reason, finished_at=now_ms()).returning(jobs)
        ).all()
    return skipped


def wish(connection: Connection, which: Any, become: Status, *, by: str, reason: str) -> tuple[int, int]:
    """Queued jobs end at once; running ones carry the wish, the first of which stays. In the caller's transaction."""
    dropped = connection.execute(
        update(jobs)
        .where(which, jobs.c.status.in_(MOVES["drop"][0]))
        .values(
            status=become,
            reason=reason,
            finished_at=now_ms(),
            cancel_asked_at=now_ms(),
            cancel_by=by,
            cancel_as=become,
            cancel_reason=reason,
        )
        .returning(jobs)
    ).all()
    asked = connection.execute(
        update(jobs)
        .where(which, jobs.c.status == Status.RUNNING, jobs.c.cancel_asked_at.is_(None))
        .values(cancel_asked_at=now_ms(), cancel_by=by, cancel_as=become, cancel_reason=reason)
    ).rowcount
    follow_up(connection, dropped)
    for run in {row.run for row in dropped}:
        refresh(connection, run)
    return len(dropped), asked


def drop(connection: Connection, which: Any, status: Status, reason: str) -> None:
    """End queued jobs that never ran, in the caller's transaction."""
    ended = connection.execute(
        update(jobs)
        .where(which, jobs.c.status.in_(MOVES["drop"][0]))
        .values(status=status, reason=reason, finished_at=now_ms())
        .returning(jobs)
    ).all()
    follow_up(connection, ended)


def repeat(connection: Connection, job: int, result: Repeat) -> None:
    """A queued job has the result of another without being run, in the caller's transaction."""
    assert result.status in MOVES["repeat"][1]  # noqa: S101 - the caller has it from a standing
    ended = connection.execute(
        update(jobs)
        .where(jobs.c.id == job, jobs.c.status.in_(MOVES["repeat"][0]))
        .values(status=result.status, reason=result.reason, same_as=result.job, finished_at=now_ms())
        .returning(jobs)
    ).all()
    follow_up(connection, ended)


def refresh(connection: Connection, run: int) -> None:
    """The run's status is the worst of its jobs'; with the last one ended it is finished, and who waited may go."""
    # Two that settle at once must see each other's.
    of = (runs.c.project, runs.c.kind, runs.c.ref, runs.c.finished_at)
    known = connection.execute(select(*of).where(runs.c.id == run).with_for_update()).one()
    present = {
        # What is allowed to fail is shown, and counts for nothing.
        Status.SUCCEEDED if row.spared and row.status in RED else Status(row.status)
        for row in connection.execute(select(jobs.c.status, jobs.c.spared).where(jobs.c.run == run).distinct())
    }
    status = next((each for each in WORST_FIRST if each in present), Status.SKIPPED)
    over = present <= FINISHED
    connection.execute(
        update(runs)
        .where(runs.c.id == run)
        .values(
            status=status,
            finished_at=case((runs.c.finished_at.is_(None), now_ms()), else_=runs.c.finished_at) if over else None,
            # A run that was cancelled before its fetch needs none any more.
            prepared_at=case((runs.c.prepared_at.is_(None), now_ms()), else_=runs.c.prepared_at)
            if over
            else runs.c.prepared_at,
        )
    )
    if over and known.finished_at is None:
        # What was only tried is no push to whoever counts pushes.
        event = TRY if known.kind == TRY else event_of(known.kind, known.ref)
        totals.add(connection, run_ended(known.project, event, status))
    if over:
        behind = (
            connection.execute(update(runs).where(runs.c.behind == run).values(behind=None).returning(runs.c.id))
            .scalars()
            .all()
        )
        if behind:
            connection.execute(update(jobs).where(jobs.c.run.in_(behind)).values(waiting=jobs.c.waiting - 1))
