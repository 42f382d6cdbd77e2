"""What was found in an attempt is kept with its end, read again by a fixed number of queries, and goes with its run."""

import pytest
from sqlalchemy import event, func, select

from ctci import ledger
from ctci.ledger.tables import findings, readings
from ctci.model import Finding, Job, Reading, Status, Tally
from tests import make


def ended(db: ledger.Ledger, host: int, *told: Finding, status: Status = Status.FAILED) -> Job:
    """A job that has ended with these findings."""
    make.prepared(db)
    job, _ = make.running(db, host)
    reading = Reading(job=job.id, attempt=job.attempt, errors=len(told), first=0 if told else None)
    ledger.settle(
        db,
        job=job.id,
        attempt=job.attempt,
        host=host,
        status=status,
        reason="exit 1",
        exit=make.exit_(code=1),
        reading=reading,
        findings=told,
    )
    return job


def test_what_was_found_is_kept_with_the_end_of_the_job(db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    told = (
        make.finding(rule="E501", column=3, log_line=14),
        make.finding(file=None, line=None, test="tests.test_cart::test_total", message="\"'\n\u202e"),
    )
    reading = Reading(job=job.id, attempt=1, tests=Tally(total=12, failed=1, skipped=2), errors=1, warnings=1, first=1)

    ledger.settle(
        db,
        job=job.id,
        attempt=1,
        host=host,
        status=Status.FAILED,
        reason="exit 1",
        exit=make.exit_(code=1),
        reading=reading,
        findings=told,
    )

    read, findings_ = ledger.found(db, [job.id])[job.id]
    assert (read.tests, read.errors, read.warnings, read.first, read.state) == (
        Tally(total=12, failed=1, skipped=2),
        1,
        1,
        1,
        "read",
    )
    assert tuple(findings_) == told


def test_a_fenced_end_keeps_no_findings(db: ledger.Ledger, host: int) -> None:
    job = ended(db, host, make.finding())

    with pytest.raises(ledger.Fenced):
        ledger.settle(
            db,
            job=job.id,
            attempt=1,
            host=host,
            status=Status.FAILED,
            reason="again",
            exit=None,
            reading=Reading(job=job.id, attempt=1),
            findings=[make.finding(), make.finding()],
        )

    assert len(ledger.found(db, [job.id])[job.id][1]) == 1


def test_of_several_attempts_the_last_one_is_read(db: ledger.Ledger, host: int) -> None:
    make.prepared(db, orders=(make.order(recipe=make.recipe(retries=1)),))
    job, _ = make.running(db, host)
    ledger.retry(
        db,
        job=job.id,
        attempt=1,
        host=host,
        status=Status.FAILED,
        reason="exit 1",
        exit=make.exit_(code=1),
        reading=Reading(job=job.id, attempt=1, errors=1, first=0),
        findings=[make.finding(message="of the first attempt")],
    )
    make.running(db, host)
    before = ledger.found(db, [job.id])[job.id][1]
    ledger.settle(
        db,
        job=job.id,
        attempt=2,
        host=host,
        status=Status.SUCCEEDED,
        reason=None,
        exit=make.exit_(),
        reading=Reading(job=job.id, attempt=2),
    )

    reading, now = ledger.found(db, [job.id])[job.id]

    assert [each.message for each in before] == ["of the first attempt"]
    assert (reading.attempt, tuple(now)) == (2, ())


def test_many_jobs_are_read_as_one(db: ledger.Ledger, host: int) -> None:
    jobs = [ended(db, host, make.finding(), make.finding()).id for _ in range(12)]
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    found = ledger.found(db, jobs)

    assert {job: len(told) for job, (_, told) in found.items()} == dict.fromkeys(jobs, 2)
    assert sum("SELECT" in statement for statement in asked) == 2


def test_findings_go_with_their_run(db: ledger.Ledger, host: int) -> None:
    first = ended(db, host, make.finding())
    ended(db, host, status=Status.SUCCEEDED)

    ledger.forget(db, [first.run])

    with db.read() as connection:
        left = [connection.execute(select(func.count()).select_from(table)).scalar() for table in (readings, findings)]
    assert left == [1, 0]
