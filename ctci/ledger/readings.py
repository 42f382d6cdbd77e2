"""What was found in the attempts of jobs: kept with their end, and read by a fixed number of queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, and_, delete, func, insert, select

from ctci.ledger import rows
from ctci.ledger.engine import Ledger, now_ms
from ctci.ledger.tables import findings, readings
from ctci.model import Finding, Reading


def found(db: Ledger, jobs: Collection[int]) -> Mapping[int, tuple[Reading, Sequence[Finding]]]:
    """By job what was read of its last attempt that was read at all, with its findings in their order."""
    last = select(readings.c.job, func.max(readings.c.attempt).label("attempt")).where(readings.c.job.in_(jobs))
    newest = last.group_by(readings.c.job).subquery()
    mine = and_(newest.c.job == readings.c.job, newest.c.attempt == readings.c.attempt)
    theirs = and_(newest.c.job == findings.c.job, newest.c.attempt == findings.c.attempt)
    told: dict[int, tuple[Reading, list[Finding]]] = {}
    with db.read() as connection:
        for row in connection.execute(select(readings).join(newest, mine).order_by(readings.c.job)):
            told[row.job] = (rows.reading(row), [])
        for row in connection.execute(
            select(findings).join(newest, theirs).order_by(findings.c.job, findings.c.position)
        ):
            told[row.job][1].append(rows.finding(row))
    return told


def keep(connection: Connection, reading: Reading, told: Sequence[Finding]) -> None:
    """Write down what was read of an attempt, in the transaction of its caller; at most once for each."""
    tests = None if reading.tests is None else asdict(reading.tests)
    novel = None if reading.novel is None else asdict(reading.novel)
    plain = {name: getattr(reading, name) for name in ("job", "attempt", "state", "errors", "warnings", "first")}
    connection.execute(insert(readings).values(**plain, tests=tests, novel=novel, at=now_ms()))
    if told:
        here = {"job": reading.job, "attempt": reading.attempt}
        connection.execute(insert(findings), [{**here, "position": at, **asdict(each)} for at, each in enumerate(told)])


def forget(connection: Connection, jobs: Collection[int]) -> None:
    """Forget what was found in jobs, in the transaction of its caller."""
    connection.execute(delete(findings).where(findings.c.job.in_(jobs)))
    connection.execute(delete(readings).where(readings.c.job.in_(jobs)))
