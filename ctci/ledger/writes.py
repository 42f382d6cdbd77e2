"""The verbs of the ledger: one transaction each, plain values in and out.

Every move is a guarded UPDATE, never read-then-write; a move of a running job is guarded by job, attempt and host.
Raises Fenced where no row allowed a move, Away where the ledger cannot be written.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, literal, select, update

from ctci.ledger import rows
from ctci.ledger.engine import Fenced, Ledger, insert, now_ms
from ctci.ledger.tables import attempts, changes, commits, cursors, hosts, jobs, projects, refs, runs, sendings
from ctci.model import FINISHED, MOVES, WORST_FIRST, Commit, Exit, Job, Letter, Run, Status

QUEUED, RUNNING = Status.QUEUED, Status.RUNNING

_note = insert(changes)
#: One index walk: the queue's order is stored, never computed here.
_next_job = (
    select(jobs.c.id)
    .where(jobs.c.status == QUEUED, jobs.c.waiting == 0)
    .order_by(jobs.c.priority, jobs.c.turn)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)


def note(connection: Connection, kind: str, run: int, job: int | None = None) -> None:
    """Append to the changes, in the caller's transaction."""
    connection.execute(_note.values(kind=kind, run=run, job=job, at=now_ms()))


def host(db: Ledger, name: str) -> int:
    """The id of this data folder among the hosts, a new one at first sight."""
    with db.write() as connection:
        connection.execute(
            insert(hosts).values(name=name, first_seen=now_ms()).on_conflict_do_nothing(index_elements=["name"])
        )
        return int(connection.execute(select(hosts.c.id).where(hosts.c.name == name)).scalar_one())


# --- prepare ---------------------------------------------------------------------------------------------------------


def prepare(
    db: Ledger,
    run: int,
    *,
    commit: Commit,
    brought: Sequence[Commit],
    older_than: int | None,
    skips: Mapping[int, str],
    default_branch: str | None,
) -> None:
    """Write down the run's commit and what it brought; skip, supersede and release its jobs.

    `older_than`: the run that recorded a descendant of this commit before. `skips`: job -> reason.
    Raises Fenced when the run is prepared already.
    """
    with db.write() as connection:
        row = connection.execute(
            update(runs)
            .where(runs.c.id == run, runs.c.prepared_at.is_(None))
            .values(
                commit=commit.sha,
                subject=commit.subject,
                author=commit.author,
                author_email=commit.email,
                prepared_at=now_ms(),
                next_try_at=None,
                reason=None,
            )
            .returning(runs)
        ).one_or_none()
        if row is None:
            raise Fenced(f"#{run} is prepared already, or gone")
        _bring(connection, run, brought)
        if default_branch:
            connection.execute(
                update(projects).where(projects.c.name == row.project).values(default_branch=default_branch)
            )
        if older_than is not None:
            _step_back(connection, row, older_than)
        else:
            for job, reason in skips.items():
                _drop(connection, jobs.c.id == job, Status.SKIPPED, reason)
            _make_way(connection, row)
        connection.execute(update(jobs).where(jobs.c.run == run).values(waiting=jobs.c.waiting - 1))
        note(connection, "prepared", run)
        refresh(connection, run)


def postpone(db: Ledger, run: int, reason: str, delay_ms: int) -> None:
    """A fetch failed and is tried again after `delay_ms`: for every unprepared run of the project, which share it."""
    with db.write() as connection:
        project = select(runs.c.project).where(runs.c.id == run).scalar_subquery()
        connection.execute(
            update(runs)
            .where(runs.c.project == project, runs.c.prepared_at.is_(None))
            .values(tries=runs.c.tries + 1, next_try_at=now_ms() + literal(delay_ms), reason=reason)
        )


def give_up(db: Ledger, run: int, reason: str) -> None:
    """The commit cannot be had: the run's jobs are errored. Raises Fenced when the run is prepared already."""
    with db.write() as connection:
        moved = connection.execute(
            update(runs)
            .where(runs.c.id == run, runs.c.prepared_at.is_(None))
            .values(prepared_at=now_ms(), next_try_at=None, reason=reason)
        )
        if not moved.rowcount:
            raise Fenced(f"#{run} is prepared already, or gone")
        _drop(connection, jobs.c.run == run, Status.ERRORED, reason)
        # The same push may come again, by another delivery or the sweep: the ref is as if this one had not been.
        connection.execute(delete(refs).where(refs.c.run == run))
        refresh(connection, run)


def _bring(connection: Connection, run: int, brought: Sequence[Commit]) -> None:
    if brought:
        connection.execute(
            insert(commits),
            [
                {
                    "run": run,
                    "position": position,
                    "sha": commit.sha,
                    "author": commit.author,
                    "email": commit.email,
                    "subject": commit.subject,
                    "at": commit.at,
                    "touches": list(commit.touches),
                }
                for position, commit in enumerate(brought)
            ],
        )


def _step_back(connection: Connection, row: Any, newer: int) -> None:
    """A push that came out of order: recorded, not run; the ref is where it was."""
    _drop(connection, jobs.c.run == row.id, Status.SKIPPED, f"older than #{newer}, which was recorded before it")
    connection.execute(
        update(refs)
        .where(refs.c.project == row.project, refs.c.ref == row.ref, refs.c.run == row.id)
        .values(commit=row.prev_commit, run=row.prev_run)
    )
    # Who came next compares itself with what this one was compared with.
    connection.execute(
        update(runs).where(runs.c.prev_run == row.id).values(prev_commit=row.prev_commit, prev_run=row.prev_run)
    )


def _make_way(connection: Connection, row: Any) -> None:
    """What this push does to the older runs of its ref. Only a push does anything: tags and wishes replace nobody."""
    if row.kind != "push":
        return
    mode = connection.execute(
        select(jobs.c.order["on_new_push"].as_string()).where(jobs.c.run == row.id).limit(1)
    ).scalar()
    older = connection.execute(
        select(runs.c.id, runs.c.status)
        .where(
            runs.c.project == row.project,
            runs.c.ref == row.ref,
            runs.c.id < row.id,
            runs.c.finished_at.is_(None),
            runs.c.kind == "push",
        )
        .order_by(runs.c.id)
    ).all()
    ahead = None
    for id_, _ in older:
        claimed = connection.execute(
            select(func.count()).select_from(jobs).where(jobs.c.run == id_, jobs.c.attempt > 0)
        ).scalar_one()
        if mode == "queue" and claimed:
            ahead = id_
            continue
        wish(connection, jobs.c.run == id_, Status.SUPERSEDED, by="ctci", reason=f"superseded by #{row.id}")
    if ahead is not None:
        connection.execute(update(jobs).where(jobs.c.run == row.id).values(waiting=jobs.c.waiting + 1))
        connection.execute(update(runs).where(runs.c.id == row.id).values(behind=ahead))


# --- a job's life ----------------------------------------------------------------------------------------------------


def claim(db: Ledger, *, host: int, slot: int, boot_id: str) -> tuple[Job, Run] | None:
    """The next job for a free slot, now running as a new attempt; None when nothing may be claimed."""
    with db.write() as connection:
        row = connection.execute(
            update(jobs)
            .where(jobs.c.id == _next_job, jobs.c.status.in_(MOVES["claim"][0]))
            .values(
                status=RUNNING,
                reason=None,
                attempt=jobs.c.attempt + 1,
                host=host,
                slot=slot,
                boot_id=boot_id,
                began_at=None,
            )
            .returning(jobs)
        ).one_or_none()
        if row is None:
            return None
        connection.execute(insert(attempts).values(job=row.id, number=row.attempt, host=host, claimed_at=now_ms()))
        refresh(connection, row.run)
        run = connection.execute(select(runs).where(runs.c.id == row.run)).one()
        return rows.job(row), rows.run(run)


def _ours(job: int, attempt: int, host: int) -> Any:
    return and_(jobs.c.id == job, jobs.c.attempt == attempt, jobs.c.host == host, jobs.c.status == RUNNING)


def begin(db: Ledger, *, job: int, attempt: int, host: int) -> None:
    """The attempt is about to begin: durable before its keeper starts, so that "never begun" is a fact."""
    with db.write() as connection:
        run = connection.execute(
            update(jobs).where(_ours(job, attempt, host)).values(began_at=now_ms()).returning(jobs.c.run)
        ).scalar()
        if run is None:
            raise Fenced(f"attempt {attempt} of job {job} is not ours any more")
        connection.execute(
            update(attempts).where(attempts.c.job == job, attempts.c.number == attempt).values(began_at=now_ms())
        )
        note(connection, "began", run, job)


def put_back(db: Ledger, *, job: int, attempt: int, host: int, reason: str) -> None:
    """An attempt that never began goes back to the queue; one that was asked to end, ends."""
    with db.write() as connection:
        row = connection.execute(
            update(jobs)
            .where(_ours(job, attempt, host), jobs.c.began_at.is_(None))
            .values(
                status=case((jobs.c.cancel_as.is_not(None), jobs.c.cancel_as), else_=literal(QUEUED)),
                reason=case((jobs.c.cancel_as.is_not(None), jobs.c.cancel_reason), else_=literal(reason)),
                finished_at=case((jobs.c.cancel_as.is_not(None), now_ms()), else_=None),
                host=None,
                slot=None,
                boot_id=None,
            )
            .returning(jobs.c.run)
        ).one_or_none()
        if row is None:
            raise Fenced(f"attempt {attempt} of job {job} is not ours any more, or has begun")
        connection.execute(delete(attempts).where(attempts.c.job == job, attempts.c.number == attempt))
        refresh(connection, row.run)


def settle(  # the facts of an ending, each by name
    db: Ledger,
    *,
    job: int,
    attempt: int,
    host: int,
    status: Status,
    reason: str | None,
    exit: Exit | None,  # noqa: A002
) -> None:
    """A running job's end."""
    if status not in MOVES["settle"][1]:
        raise Fenced(f"a running job does not become {status}")
    ended = rows.exit_json(exit) if exit else None
    with db.write() as connection:
        run = connection.execute(
            update(jobs)
            .where(_ours(job, attempt, host))
            .values(status=status, reason=reason, exit=ended, finished_at=now_ms())
            .returning(jobs.c.run)
        ).scalar()
        if run is None:
            raise Fenced(f"attempt {attempt} of job {job} is not ours any more")
        connection.execute(
            update(attempts)
            .where(attempts.c.job == job, attempts.c.number == attempt)
            .values(status=status, exit=ended, finished_at=now_ms())
        )
        note(connection, "settled", run, job)
        refresh(connection, run)


def ask_cancel(db: Ledger, *, by: str, reason: str, run: int | None = None, job: int | None = None) -> tuple[int, int]:
    """A person's wish to end a run or one job of it; how many ended at once, and how many are asked to."""
    which = jobs.c.run == run if job is None else jobs.c.id == job
    with db.write() as connection:
        counts = wish(connection, which, Status.CANCELLED, by=by, reason=reason)
        ids = connection.execute(select(jobs.c.run).where(which).distinct()).scalars().all()
        for id_ in ids:
            refresh(connection, id_)
        return counts


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
        .returning(jobs.c.id, jobs.c.run)
    ).all()
    asked = connection.execute(
        update(jobs)
        .where(which, jobs.c.status == RUNNING, jobs.c.cancel_asked_at.is_(None))
        .values(cancel_asked_at=now_ms(), cancel_by=by, cancel_as=become, cancel_reason=reason)
    ).rowcount
    for job, run in dropped:
        note(connection, "settled", run, job)
    for run in {run for _, run in dropped}:
        refresh(connection, run)
    return len(dropped), asked


def _drop(connection: Connection, which: Any, status: Status, reason: str) -> None:
    """End queued jobs that never ran."""
    ended = connection.execute(
        update(jobs)
        .where(which, jobs.c.status.in_(MOVES["drop"][0]))
        .values(status=status, reason=reason, finished_at=now_ms())
        .returning(jobs.c.id, jobs.c.run)
    ).all()
    for job, run in ended:
        note(connection, "settled", run, job)


def refresh(connection: Connection, run: int) -> None:
    """The run's status is the worst of its jobs'; with the last one ended it is finished, and who waited may go."""
    present = {
        Status(status)
        for status in connection.execute(select(jobs.c.status).where(jobs.c.run == run).distinct()).scalars()
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
    if over:
        behind = (
            connection.execute(update(runs).where(runs.c.behind == run).values(behind=None).returning(runs.c.id))
            .scalars()
            .all()
        )
        if behind:
            connection.execute(update(jobs).where(jobs.c.run.in_(behind)).values(waiting=jobs.c.waiting - 1))


# --- letters ---------------------------------------------------------------------------------------------------------


def owe(db: Ledger, *, cursor: str, seq: int, letters: Iterable[Letter]) -> None:
    """Write down which letters are owed and how far the changes were read, together.

    A letter to the same `[notify.N]` about the same run that is still due takes the job in instead.
    """
    with db.write() as connection:
        for letter in letters:
            open_ = connection.execute(
                select(sendings.c.id, sendings.c.jobs).where(
                    sendings.c.sink == cursor,
                    sendings.c.to == letter.to,
                    sendings.c.run == letter.run,
                    sendings.c.state == "due",
                    sendings.c.tries == 0,
                )
            ).one_or_none()
            if open_ is not None:
                told = [*open_.jobs, *([] if letter.job in open_.jobs else [letter.job])]
                earlier = case((sendings.c.due < letter.due, sendings.c.due), else_=letter.due)
                connection.execute(update(sendings).where(sendings.c.id == open_.id).values(jobs=told, due=earlier))
                continue
            connection.execute(
                insert(sendings)
                .values(
                    sink=cursor,
                    key=letter.key,
                    to=letter.to,
                    run=letter.run,
                    jobs=[letter.job],
                    due=letter.due,
                    tries=0,
                    message_id=letter.message_id,
                    state="due",
                )
                .on_conflict_do_nothing(index_elements=["key"])
            )
        connection.execute(
            insert(cursors)
            .values(name=cursor, seq=seq)
            .on_conflict_do_update(index_elements=["name"], set_={"seq": seq})
        )


def hasten(db: Ledger, *, cursor: str, run: int) -> None:
    """The run is over: its letters that wait for more to come are due now."""
    with db.write() as connection:
        connection.execute(
            update(sendings)
            .where(
                sendings.c.sink == cursor,
                sendings.c.run == run,
                sendings.c.state == "due",
                sendings.c.tries == 0,
                sendings.c.due > now_ms(),
            )
            .values(due=now_ms())
        )


def sent(db: Ledger, sending: int) -> None:
    """The letter is out."""
    with db.write() as connection:
        connection.execute(
            update(sendings)
            .where(sendings.c.id == sending)
            .values(state="sent", sent_at=now_ms(), tries=sendings.c.tries + 1, last_error=None)
        )


def failed(db: Ledger, sending: int, *, error: str, delay_ms: int | None) -> None:
    """The letter did not go: due again after `delay_ms`, or given up with None."""
    again = {"state": "given_up"} if delay_ms is None else {"due": now_ms() + literal(delay_ms)}
    with db.write() as connection:
        connection.execute(
            update(sendings)
            .where(sendings.c.id == sending)
            .values(tries=sendings.c.tries + 1, last_error=error, **again)
        )


# --- retention -------------------------------------------------------------------------------------------------------


def forget(db: Ledger, doomed: Sequence[int]) -> tuple[int, ...]:
    """Delete finished runs with all that hangs on them; the ids of their jobs, whose folders may go now."""
    with db.write() as connection:
        ids = (
            connection.execute(select(runs.c.id).where(runs.c.id.in_(doomed), runs.c.finished_at.is_not(None)))
            .scalars()
            .all()
        )
        gone = connection.execute(select(jobs.c.id).where(jobs.c.run.in_(ids))).scalars().all()
        connection.execute(delete(attempts).where(attempts.c.job.in_(gone)))
        connection.execute(delete(jobs).where(jobs.c.id.in_(gone)))
        connection.execute(delete(commits).where(commits.c.run.in_(ids)))
        connection.execute(delete(sendings).where(sendings.c.run.in_(ids)))
        connection.execute(delete(changes).where(changes.c.run.in_(ids)))
        connection.execute(update(refs).where(refs.c.run.in_(ids)).values(run=None))
        connection.execute(delete(runs).where(runs.c.id.in_(ids)))
        return tuple(gone)
