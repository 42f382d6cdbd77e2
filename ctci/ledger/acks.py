"""What people have acknowledged: one transaction each way, and never one query per finding.

Of a finding of a project at most one acknowledgement is not lifted: it is in force until its time, and lapsed after.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update

from ctci.ledger import rows
from ctci.ledger.engine import Ledger, now_ms
from ctci.ledger.tables import acks, findings, jobs, standing
from ctci.model import Ack, Finding

#: Findings of one beginning that are told of.
MOST = 20


def ack(db: Ledger, *, project: str, fingerprint: str, said: str, until: int, why: str, by: str) -> Ack:
    """Acknowledge a finding of a project up to a time (Unix ms), in the place of what was acknowledged before."""
    with db.write() as connection:
        connection.execute(update(acks).where(_open(project, fingerprint)).values(lifted_at=now_ms(), lifted_by=by))
        made = connection.execute(
            insert(acks)
            .values(
                project=project,
                fingerprint=fingerprint,
                said=said,
                until=until,
                why=why,
                acked_by=by,
                acked_at=now_ms(),
            )
            .returning(acks)
        ).one()
        return _ack(made)


def lift(db: Ledger, *, project: str, fingerprint: str, by: str) -> bool:
    """Take an acknowledgement back, in force or lapsed; whether there was one."""
    with db.write() as connection:
        lifted = update(acks).where(_open(project, fingerprint)).values(lifted_at=now_ms(), lifted_by=by)
        return connection.execute(lifted).rowcount > 0


def _open(project: str, fingerprint: str) -> ColumnElement[bool]:
    return and_(acks.c.project == project, acks.c.fingerprint == fingerprint, acks.c.lifted_at.is_(None))


def acks_of(db: Ledger, projects: Collection[str]) -> Mapping[str, Mapping[str, Ack]]:
    """By project and fingerprint what is acknowledged, in force or lapsed."""
    query = select(acks).where(acks.c.project.in_(projects), acks.c.lifted_at.is_(None)).order_by(acks.c.id)
    found: dict[str, dict[str, Ack]] = {project: {} for project in projects}
    with db.read() as connection:
        for row in connection.execute(query):
            found[row.project][row.fingerprint] = _ack(row)
    return found


def in_force(connection: Connection, projects: Collection[str]) -> Mapping[str, frozenset[str]]:
    """By project the fingerprints of what is acknowledged now, in the transaction of the caller."""
    query = select(acks.c.project, acks.c.fingerprint).where(
        acks.c.project.in_(projects), acks.c.lifted_at.is_(None), acks.c.until > now_ms()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(query):
        found[row.project].add(row.fingerprint)
    return {project: frozenset(marks) for project, marks in found.items()}


def acks_(db: Ledger, *, project: str | None = None) -> tuple[Ack, ...]:
    """What is acknowledged, in force or lapsed, what ends first first."""
    query = select(acks).where(acks.c.lifted_at.is_(None)).order_by(acks.c.until, acks.c.id)
    if project is not None:
        query = query.where(acks.c.project == project)
    with db.read() as connection:
        return tuple(_ack(row) for row in connection.execute(query))


def lapsed(db: Ledger, since: int, until: int) -> tuple[Ack, ...]:
    """What lapsed after `since` and up to `until` (Unix ms), and was neither lifted nor acknowledged again."""
    ended = (acks.c.lifted_at.is_(None), acks.c.until > since, acks.c.until <= until)
    with db.read() as connection:
        return tuple(
            _ack(row) for row in connection.execute(select(acks).where(*ended).order_by(acks.c.until, acks.c.id))
        )


def still_found(db: Ledger, ids: Collection[int]) -> Mapping[int, tuple[tuple[str, str, str, str], ...]]:
    """By acknowledgement the places (project, ref, subproject, recipe) whose last conclusive job has its finding."""
    ran = jobs.alias("ran")
    read = and_(findings.c.job == ran.c.id, findings.c.attempt == ran.c.attempt)
    query = (
        select(acks.c.id, standing.c.project, standing.c.ref, standing.c.subproject, standing.c.recipe)
        .join(standing, standing.c.project == acks.c.project)
        .join(jobs, jobs.c.id == standing.c.last_job)
        # One that repeats a result has what was found then.
        .join(ran, ran.c.id == func.coalesce(jobs.c.same_as, jobs.c.id))
        .join(findings, and_(read, findings.c.fingerprint == acks.c.fingerprint))
        .where(acks.c.id.in_(ids))
        .distinct()
        .order_by(standing.c.project, standing.c.ref, standing.c.subproject, standing.c.recipe)
    )
    found: dict[int, list[tuple[str, str, str, str]]] = {id_: [] for id_ in ids}
    with db.read() as connection:
        for row in connection.execute(query):
            found[row.id].append((row.project, row.ref, row.subproject, row.recipe))
    return {id_: tuple(places) for id_, places in found.items()}


def findings_named(
    db: Ledger, beginning: str, *, within: Collection[str] | None = None
) -> tuple[tuple[str, Finding], ...]:
    """(project, finding) of what is known again by a fingerprint that begins so, each as it was last seen.

    `beginning` is of lower-case hex digits. The newest first, at most 20 of each project; with `within` only of these.
    """
    # A range, which an index serves in every database; `g` comes after all hex digits.
    begins = [findings.c.fingerprint >= beginning, findings.c.fingerprint < f"{beginning}g"]
    if within is not None:
        begins.append(jobs.c.project.in_(within))
    last = func.max(findings.c.job)
    newest = (
        select(
            jobs.c.project,
            findings.c.fingerprint,
            last.label("job"),
            func.row_number().over(partition_by=jobs.c.project, order_by=last.desc()).label("n"),
        )
        .join(jobs, jobs.c.id == findings.c.job)
        .where(*begins)
        .group_by(jobs.c.project, findings.c.fingerprint)
        .subquery()
    )
    same = and_(findings.c.job == newest.c.job, findings.c.fingerprint == newest.c.fingerprint)
    query = select(newest.c.project, findings).join(newest, same).where(newest.c.n <= MOST)
    query = query.order_by(newest.c.job.desc(), findings.c.fingerprint, findings.c.attempt.desc(), findings.c.position)
    found: dict[tuple[str, str], Finding] = {}
    with db.read() as connection:
        for row in connection.execute(query):
            found.setdefault((row.project, row.fingerprint), rows.finding(row))
    return tuple((project, finding) for (project, _), finding in found.items())


def _ack(row: Row[tuple[object, ...]]) -> Ack:
    return Ack(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
