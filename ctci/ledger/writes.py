"""The verbs of the ledger: one transaction each, plain values in and out.

Every move is a guarded UPDATE, never read-then-write; a move of a running job is guarded by job, attempt and host.
Raises Fenced where no row allowed a move, Away where the ledger cannot be written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exc,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from ctci.ledger import consequences, greens, hunts, readings, rows, totals
from ctci.ledger.engine import Fenced, Ledger, insert_or_ignore, now_ms
from ctci.ledger.tables import attempts, changes, commits, hosts, jobs, needs, refs, runs, sendings, standing
from ctci.ledger.waits import lock_is_free
from ctci.model import FINISHED, MOVES, Exit, Finding, Job, Lines, Reading, Run, Status
from ctci.model.totals import waited

QUEUED, RUNNING = Status.QUEUED, Status.RUNNING

#: One index walk: the queue's order is stored, never computed here.
_next_job = (
    select(jobs.c.id)
    .where(
        jobs.c.status == QUEUED,
        jobs.c.waiting == 0,
        lock_is_free(jobs),
    )
    .order_by(jobs.c.priority, jobs.c.turn, jobs.c.id)
    .limit(1)
)
_claim = (
    update(jobs)
    .where(
        jobs.c.id == _next_job.with_for_update(skip_locked=True, of=jobs).scalar_subquery(),
        jobs.c.status.in_(MOVES["claim"][0]),
    )
    .values(
        status=RUNNING,
        reason=None,
        attempt=jobs.c.attempt + 1,
        host=bindparam("host_"),
        slot=bindparam("slot_"),
        boot_id=bindparam("boot_id_"),
        began_at=None,
    )
    .returning(jobs)
)

_earlier, _needed = attempts.alias("earlier"), jobs.alias("needed")
#: When a job was claimed, and since when it might have been: what it needs had ended, and its commit was there.
_wait = (
    select(
        jobs.c.project,
        jobs.c.queued_at,
        runs.c.prepared_at,
        attempts.c.claimed_at,
        select(func.max(_needed.c.finished_at))
        .join(needs, needs.c.needs == _needed.c.id)
        .where(needs.c.job == jobs.c.id)
        .scalar_subquery()
        .label("needed_at"),
        exists().where(_earlier.c.job == jobs.c.id, _earlier.c.number < attempts.c.number).label("before"),
    )
    .join(runs, runs.c.id == jobs.c.run)
    .join(attempts, attempts.c.job == jobs.c.id)
    .where(jobs.c.id == bindparam("job_"), attempts.c.number == bindparam("attempt_"))
)


def host(db: Ledger, name: str) -> int:
    """The id of this data folder, the first of the hosts, whatever its machine is called now.

    A container has another name each time it is made: what ran under the old one is this folder's all the same.
    """
    with db.write() as connection:
        first = connection.execute(select(func.min(hosts.c.id))).scalar()
        if first is None:
            insert_or_ignore(connection, hosts, ("name",), name=name)
            first = connection.execute(select(hosts.c.id).where(hosts.c.name == name)).scalar_one()
        else:
            connection.execute(update(hosts).where(hosts.c.id == first).values(name=name))
        return int(first)


def claim(db: Ledger, *, host: int, slot: int, boot_id: str) -> tuple[Job, Run] | None:
    """The next job for a free slot, now running as a new attempt; None when nothing may be claimed."""
    with db.read() as connection:
        # An idle slot asks once a second: without the write lock, and without waking the others to ask too.
        if connection.execute(_next_job).first() is None:
            return None
    try:
        with db.write(quiet=True) as connection:
            row = connection.execute(_claim, {"host_": host, "slot_": slot, "boot_id_": boot_id}).one_or_none()
            if row is None:
                return None
            connection.execute(insert(attempts).values(job=row.id, number=row.attempt, host=host, claimed_at=now_ms()))
            consequences.refresh(connection, row.run)
            run = connection.execute(select(runs).where(runs.c.id == row.run)).one()
            return rows.job(row), rows.run(run)
    except exc.IntegrityError:
        # Two servers took two jobs of one lock at once: the other one has it.
        return None


def _ours(job: int, attempt: int, host: int, move: str = "settle") -> Any:
    """The row of a running attempt of ours; the attempt is the fence."""
    allowed = jobs.c.status.in_(MOVES[move][0])
    return and_(jobs.c.id == job, jobs.c.attempt == attempt, jobs.c.host == host, allowed)


def begin(db: Ledger, *, job: int, attempt: int, host: int, facts: Mapping[str, str] | None = None) -> None:
    """The attempt is about to begin: durable before its keeper starts, so that "never begun" is a fact.

    `facts`: what the machine is now.
    """
    with db.write() as connection:
        run = connection.execute(
            update(jobs).where(_ours(job, attempt, host)).values(began_at=now_ms()).returning(jobs.c.run)
        ).scalar()
        if run is None:
            raise Fenced(f"attempt {attempt} of job {job} is not ours any more")
        known = {"facts": dict(facts)} if facts else {}
        connection.execute(
            update(attempts)
            .where(attempts.c.job == job, attempts.c.number == attempt)
            .values(began_at=now_ms(), **known)
        )
        consequences.note(connection, "began", run, job)
        _count_wait(connection, job, attempt)


def _count_wait(connection: Connection, job: int, attempt: int) -> None:
    """Count how long a job that begins for the first time has waited since nothing but its turn was missing."""
    row = connection.execute(_wait, {"job_": job, "attempt_": attempt}).one()
    if not row.before:
        ready = max(filter(None, (row.queued_at, row.prepared_at, row.needed_at)))
        totals.add(connection, waited(row.project, row.claimed_at - ready))


def put_back(db: Ledger, *, job: int, attempt: int, host: int, reason: str) -> None:
    """An attempt that never began goes back to the queue; one that was asked to end, ends."""
    with db.write() as connection:
        row = connection.execute(
            update(jobs)
            .where(_ours(job, attempt, host, "put_back"), jobs.c.began_at.is_(None))
            .values(
                status=case((jobs.c.cancel_as.is_not(None), jobs.c.cancel_as), else_=literal(QUEUED)),
                reason=case((jobs.c.cancel_as.is_not(None), jobs.c.cancel_reason), else_=literal(reason)),
                finished_at=case((jobs.c.cancel_as.is_not(None), now_ms()), else_=None),
                host=None,
                slot=None,
                boot_id=None,
            )
            .returning(jobs)
        ).one_or_none()
        if row is None:
            raise Fenced(f"attempt {attempt} of job {job} is not ours any more, or has begun")
        connection.execute(delete(attempts).where(attempts.c.job == job, attempts.c.number == attempt))
        if row.status in FINISHED:
            consequences.follow_up(connection, [row])
        consequences.refresh(connection, row.run)


def adopt(db: Ledger, *, job: int, attempt: int, host: int) -> None:
    """A job that the last life of this host left running, found alive. Raises Fenced where it is not ours."""
    with db.write() as connection:
        run = connection.execute(
            update(jobs).where(_ours(job, attempt, host)).values(reason=None).returning(jobs.c.run)
        ).scalar()
        if run is None:
            raise Fenced(f"attempt {attempt} of job {job} is not ours any more")
        consequences.note(connection, "adopted", run, job)


def retry(  # the facts of an ending, each by name
    db: Ledger,
    *,
    job: int,
    attempt: int,
    host: int,
    status: Status,
    reason: str,
    exit: Exit | None,  # noqa: A002
    reading: Reading | None = None,
    findings: Sequence[Finding] = (),
    facts: Mapping[str, str] | None = None,
) -> None:
    """Close an attempt, which ended as `status`, and put its job back in the queue for another.

    Raises Fenced for one that is not ours, and for one that was asked to end: that is settled.
    """
    with db.write() as connection:
        run = connection.execute(
            update(jobs)
            .where(_ours(job, attempt, host, "retry"), jobs.c.cancel_as.is_(None))
            .values(status=QUEUED, reason=reason, host=None, slot=None, boot_id=None, began_at=None)
            .returning(jobs.c.run)
        ).scalar()
        if run is None:
            raise Fenced(f"attempt {attempt} of job {job} is not ours any more, or was asked to end")
        _close(connection, job, attempt, status, exit, facts)
        if reading is not None:
            readings.keep(connection, reading, findings)
        consequences.note(connection, "retried", run, job)
        consequences.refresh(connection, run)


def settle(  # the facts of an ending, each by name
    db: Ledger,
    *,
    job: int,
    attempt: int,
    host: int,
    status: Status,
    reason: str | None,
    exit: Exit | None,  # noqa: A002
    reading: Reading | None = None,
    findings: Sequence[Finding] = (),
    facts: Mapping[str, str] | None = None,
    lines: Lines | None = None,
) -> None:
    """A running job's end with what was found in it, and what it means for those that need it.

    `facts`: what its tools said, added to what is known of the machine. `lines`: those of its log; if it is green, they
    are known from now on.
    """
    if status not in MOVES["settle"][1]:
        raise Fenced(f"a running job does not become {status}")
    with db.write() as connection:
        row = connection.execute(
            update(jobs)
            .where(_ours(job, attempt, host))
            .values(status=status, reason=reason, exit=rows.exit_json(exit) if exit else None, finished_at=now_ms())
            .returning(jobs)
        ).one_or_none()
        if row is None:
            raise Fenced(f"attempt {attempt} of job {job} is not ours any more")
        _close(connection, job, attempt, status, exit, facts)
        if reading is not None:
            readings.keep(connection, reading, findings)
        if lines is not None and status is Status.SUCCEEDED:
            greens.learn(connection, row, lines)
        consequences.follow_up(connection, [row])
        consequences.refresh(connection, row.run)


def _close(
    connection: Connection,
    job: int,
    attempt: int,
    status: Status,
    exit: Exit | None,  # noqa: A002
    facts: Mapping[str, str] | None,
) -> None:
    mine = and_(attempts.c.job == job, attempts.c.number == attempt)
    told = {}
    if facts:
        # Beside what the machine was when it began.
        told["facts"] = {**(connection.execute(select(attempts.c.facts).where(mine)).scalar() or {}), **facts}
    connection.execute(
        update(attempts)
        .where(mine)
        .values(status=status, exit=rows.exit_json(exit) if exit else None, finished_at=now_ms(), **told)
    )


def ask_cancel(db: Ledger, *, by: str, reason: str, run: int | None = None, job: int | None = None) -> tuple[int, int]:
    """A person's wish to end a run or one job of it; how many ended at once, and how many are asked to."""
    which = jobs.c.run == run if job is None else jobs.c.id == job
    with db.write() as connection:
        counts = consequences.wish(connection, which, Status.CANCELLED, by=by, reason=reason)
        ids = connection.execute(select(jobs.c.run).where(which).distinct()).scalars().all()
        for id_ in ids:
            consequences.refresh(connection, id_)
        return counts


def forget(db: Ledger, doomed: Sequence[int]) -> tuple[int, ...]:
    """Delete finished runs with all that hangs on them; the ids of their jobs, whose folders may go now."""
    with db.write() as connection:
        ids = (
            connection.execute(select(runs.c.id).where(runs.c.id.in_(doomed), runs.c.finished_at.is_not(None)))
            .scalars()
            .all()
        )
        gone = connection.execute(select(jobs.c.id).where(jobs.c.run.in_(ids))).scalars().all()
        readings.forget(connection, gone)
        hunts.forget(connection, gone)
        connection.execute(delete(attempts).where(attempts.c.job.in_(gone)))
        connection.execute(delete(needs).where(needs.c.job.in_(gone)))
        connection.execute(delete(standing).where(standing.c.last_job.in_(gone)))
        connection.execute(delete(jobs).where(jobs.c.id.in_(gone)))
        greens.forget(connection)
        connection.execute(delete(commits).where(commits.c.run.in_(ids)))
        connection.execute(delete(sendings).where(sendings.c.run.in_(ids)))
        connection.execute(delete(changes).where(changes.c.run.in_(ids)))
        connection.execute(update(refs).where(refs.c.run.in_(ids)).values(run=None))
        connection.execute(delete(runs).where(runs.c.id.in_(ids)))
        return tuple(gone)
