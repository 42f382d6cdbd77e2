"""What was before: baselines, standings, strips, and what may be forgotten. Never one query per row."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select, tuple_

from ctci.ledger import rows
from ctci.ledger.engine import Ledger
from ctci.ledger.tables import jobs, refs, runs
from ctci.ledger.tables import standing as standing_
from ctci.model import Job, Run, Status


def standing(db: Ledger, *, within: Collection[str] | None = None) -> tuple[Job, ...]:
    """The last conclusive job of every (project, ref, subproject, recipe), the newest first.

    With `within` only of these projects.
    """
    query = select(jobs).join(standing_, standing_.c.last_job == jobs.c.id).order_by(jobs.c.id.desc())
    if within is not None:
        query = query.where(standing_.c.project.in_(within))
    with db.read() as connection:
        return tuple(rows.job(row) for row in connection.execute(query))


def bases(db: Ledger, project: str, ref: str) -> Mapping[tuple[str, str], tuple[Job, str | None]]:
    """Of each (subproject, recipe) of a ref the last conclusive job, and the commit that it was about."""
    query = (
        select(jobs, runs.c.commit.label("built"))
        .join(standing_, standing_.c.last_job == jobs.c.id)
        .join(runs, runs.c.id == jobs.c.run)
        .where(standing_.c.project == project, standing_.c.ref == ref)
    )
    with db.read() as connection:
        return {(row.subproject, row.recipe): (rows.job(row), row.built) for row in connection.execute(query)}


def branches(db: Ledger, *, within: Collection[str] | None = None, limit: int = 200) -> tuple[tuple[str, str], ...]:
    """(project, ref) that have runs, the one with the newest run first.

    Not those that are gone from the remote, nor those that never were there: all of whose runs are errored. With
    `within` only of these projects.
    """
    here = and_(refs.c.project == runs.c.project, refs.c.ref == runs.c.ref)
    query = (
        select(runs.c.project, runs.c.ref)
        .outerjoin(refs, here)
        .where(
            runs.c.hunted_ref.is_(None),
            func.coalesce(refs.c.via, "") != "deleted",
            or_(refs.c.ref.is_not(None), runs.c.status != Status.ERRORED),
            *(() if within is None else (runs.c.project.in_(within),)),
        )
        .group_by(runs.c.project, runs.c.ref)
        .order_by(func.max(runs.c.id).desc())
        .limit(limit)
    )
    with db.read() as connection:
        return tuple((row.project, row.ref) for row in connection.execute(query))


def red_on(db: Ledger, project: str, ref: str) -> tuple[tuple[Job, int], ...]:
    """The red places of a ref: the last conclusive job, and the run of the first red one since it was green."""
    first = jobs.alias("first")
    query = (
        select(jobs, first.c.run.label("since"))
        .join(standing_, standing_.c.last_job == jobs.c.id)
        .join(first, first.c.id == standing_.c.red_job)
        .where(standing_.c.project == project, standing_.c.ref == ref)
        .order_by(first.c.id)
    )
    with db.read() as connection:
        found = [(rows.job(row), row.since) for row in connection.execute(query)]
    return tuple((job, since) for job, since in found if job.is_red)


def broken_since(db: Ledger) -> Mapping[int, int]:
    """Of each place that is red: its last conclusive job -> the run of its first red one since it was green."""
    query = (
        select(standing_.c.last_job, jobs.c.run)
        .join(jobs, jobs.c.id == standing_.c.red_job)
        .where(standing_.c.red_job.is_not(None))
    )
    with db.read() as connection:
        return {row.last_job: row.run for row in connection.execute(query)}


def strips(
    db: Ledger, places: Sequence[tuple[str, str]], *, length: int = 30
) -> Mapping[tuple[str, str], tuple[Run, ...]]:
    """The last `length` runs of several (project, ref), oldest first, a rerun where its original stood: one query."""
    found: dict[tuple[str, str], list[Run]] = {place: [] for place in places}
    ranked = (
        select(
            runs,
            func.row_number()
            .over(partition_by=(runs.c.project, runs.c.ref), order_by=(runs.c.as_of.desc(), runs.c.id.desc()))
            .label("n"),
        )
        .where(tuple_(runs.c.project, runs.c.ref).in_(places))
        .subquery()
    )
    with db.read() as connection:
        for row in connection.execute(select(ranked).where(ranked.c.n <= length).order_by(ranked.c.as_of, ranked.c.id)):
            found[row.project, row.ref].append(rows.run(row))
    return {place: tuple(each) for place, each in found.items()}


def outdated(db: Ledger, project: str, *, keep_runs: int, before: int) -> tuple[int, ...]:
    """Finished runs of a project beyond the newest `keep_runs` of their ref, or older than `before` (Unix ms).

    Never those of the last job of a place, of its last green one and of its first red one since; nor the one whose
    result they repeat.
    """
    ranked = (
        select(
            runs.c.id,
            runs.c.ref,
            runs.c.finished_at,
            func.row_number().over(partition_by=runs.c.ref, order_by=runs.c.id.desc()).label("n"),
        )
        .where(runs.c.project == project)
        .subquery()
    )
    doomed = select(ranked.c.id).where(
        ranked.c.finished_at.is_not(None), or_(ranked.c.n > keep_runs, ranked.c.finished_at < before)
    )
    kept: set[int] = set()
    with db.read() as connection:
        ids = set(connection.execute(doomed).scalars())
        if ids:
            kept = _precious(connection, project)
    return tuple(sorted(ids - kept))


def _precious(connection: Any, project: str) -> set[int]:
    """The runs of each place's last job, last green one and first red one since."""
    marks = (standing_.c.last_job, standing_.c.green_job, standing_.c.red_job)
    query = select(jobs.c.run, jobs.c.same_as).join(standing_, or_(*(mark == jobs.c.id for mark in marks)))
    found = connection.execute(query.where(standing_.c.project == project)).all()
    repeated = {row.same_as for row in found if row.same_as is not None}
    kept = {row.run for row in found}
    return kept | set(connection.execute(select(jobs.c.run).where(jobs.c.id.in_(repeated))).scalars())
