"""prepare: what was learnt of a run's commit, and what it does to other runs of its ref, in one transaction.

Raises Fenced where the run is prepared already, Away where the ledger cannot be written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, exists, insert, literal, select, update

from ctci.ledger import consequences
from ctci.ledger.engine import Fenced, Ledger, now_ms
from ctci.ledger.tables import commits, jobs, projects, refs, runs
from ctci.model import Commit, Repeat, Status, event_of

#: How a ref is here whose first push could not be had.
UNHAD = "unhad"


def prepare(
    db: Ledger,
    run: int,
    *,
    commit: Commit,
    brought: Sequence[Commit],
    older_than: int | None,
    skips: Mapping[int, str],
    repeats: Mapping[int, Repeat] | None = None,
    default_branch: str | None,
    merge_base: str | None = None,
) -> None:
    """Write down the run's commit and what it brought; skip, supersede and release its jobs.

    `older_than`: the run that recorded a descendant of this commit before. `skips`: job -> reason. `repeats`: job ->
    the result that it has without being run. `merge_base`: of a branch's first run, where it left the default branch.
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
                merge_base=merge_base,
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
            for reason in set(skips.values()):
                # All at once: what needs another of them is skipped for this reason too, not for that one's end.
                doomed = [job for job, each in skips.items() if each == reason]
                consequences.drop(connection, jobs.c.id.in_(doomed), Status.SKIPPED, reason)
            for job, repeat in (repeats or {}).items():
                consequences.repeat(connection, job, repeat)
            if set(skips) < _all(connection, run):
                # Who is skipped whole replaces nobody: what came before it would never be tried.
                _make_way(connection, row)
        connection.execute(update(jobs).where(jobs.c.run == run).values(waiting=jobs.c.waiting - 1))
        consequences.note(connection, "prepared", run)
        consequences.refresh(connection, run)


def _all(connection: Connection, run: int) -> set[int]:
    return set(connection.execute(select(jobs.c.id).where(jobs.c.run == run)).scalars())


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
        row = connection.execute(
            update(runs)
            .where(runs.c.id == run, runs.c.prepared_at.is_(None))
            .values(prepared_at=now_ms(), next_try_at=None, reason=reason)
            .returning(runs)
        ).one_or_none()
        if row is None:
            raise Fenced(f"#{run} is prepared already, or gone")
        consequences.drop(connection, jobs.c.run == run, Status.ERRORED, reason)
        # The same push may come again, by another delivery or the sweep: the ref is as if this one had not been.
        _put_ref_back(connection, row)
        consequences.refresh(connection, run)


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
    consequences.drop(
        connection, jobs.c.run == row.id, Status.SKIPPED, f"older than #{newer}, which was recorded before it"
    )
    _put_ref_back(connection, row)


def _put_ref_back(connection: Connection, row: Any) -> None:
    """A run's ref is where it was before it."""
    here = (refs.c.project == row.project, refs.c.ref == row.ref, refs.c.run == row.id)
    # One that was not there before is there all the same: whoever looks finds it moved, and not a ref never heard of.
    before = {"commit": "", "run": None, "via": UNHAD}
    if row.prev_commit is not None:
        before = {"commit": row.prev_commit, "run": row.prev_run, "via": row.prev_via or UNHAD}
    connection.execute(update(refs).where(*here).values(**before))
    # Who came next compares itself with what this one was compared with.
    connection.execute(
        update(runs)
        .where(runs.c.prev_run == row.id)
        .values(prev_commit=row.prev_commit, prev_run=row.prev_run, prev_via=row.prev_via)
    )


def _make_way(connection: Connection, row: Any) -> None:
    """What this push does to the older runs of its ref. Only a push does anything: tags and wishes replace nobody."""
    if event_of(row.kind, row.ref) != "push":
        return
    mode = connection.execute(
        select(jobs.c.order["on_new_push"].as_string()).where(jobs.c.run == row.id).limit(1)
    ).scalar()
    if mode == "parallel":
        return
    older = connection.execute(
        select(runs.c.id, exists().where(jobs.c.run == runs.c.id, jobs.c.attempt > 0).label("claimed"))
        .where(
            runs.c.project == row.project,
            runs.c.ref == row.ref,
            runs.c.id < row.id,
            runs.c.finished_at.is_(None),
            runs.c.kind.in_(("push", "sweep")),
        )
        .order_by(runs.c.id)
    ).all()
    ahead = None
    for id_, claimed in older:
        if mode == "queue" and claimed:
            ahead = id_
            continue
        consequences.wish(
            connection, jobs.c.run == id_, Status.SUPERSEDED, by="ctci", reason=f"superseded by #{row.id}"
        )
    if ahead is not None:
        connection.execute(update(jobs).where(jobs.c.run == row.id).values(waiting=jobs.c.waiting + 1))
        connection.execute(update(runs).where(runs.c.id == row.id).values(behind=ahead))
