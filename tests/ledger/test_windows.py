"""What happened at each place between two times, by the order of history and not by that of the clock."""

from sqlalchemy import event

from ctci import ledger
from ctci.model import BISECT, Status
from tests import make
from tests.conftest import StoppedClock

GREEN, RED, OURS = Status.SUCCEEDED, Status.FAILED, Status.ERRORED
DAY = 86_400


def only(db: ledger.Ledger, since: int, until: int) -> ledger.Window:
    (found,) = ledger.windows(db, since, until).values()
    return found


def job_of(db: ledger.Ledger, run: int) -> int:
    return ledger.jobs_of(db, [run])[run][0].id


def test_a_rerun_of_a_run_before_the_last_one_changes_nothing(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    old = make.settled(db, host, GREEN)
    last = make.settled(db, host, GREEN)
    stopped_clock.move(60)
    since = stopped_clock.at
    stopped_clock.move(60)
    again = make.settled(db, host, RED, trigger=make.trigger(kind="rerun"), rerun_of=old)

    found = ledger.windows(db, since, stopped_clock.at)
    (window,) = found.values()

    assert (window.results, window.again, window.late) == ((), (again,), ())
    assert window.before is not None
    assert (window.before.run, window.last) == (last, job_of(db, last))


def test_a_push_that_ends_after_a_newer_one_changes_nothing_and_is_no_rerun(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    parallel = (make.order(on_new_push="parallel"),)
    slow = make.prepared(db, orders=parallel)
    job, _ = make.running(db, host)
    make.settled(db, host, GREEN, orders=parallel)
    stopped_clock.move(60)
    since = stopped_clock.at
    stopped_clock.move(60)
    make.settle(db, job, host, RED)

    window = only(db, since, stopped_clock.at)

    assert (window.results, window.again, window.late) == ((), (), (slow,))


def test_a_rerun_of_the_last_one_is_the_present(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    last = make.settled(db, host, RED)
    stopped_clock.move(60)
    since = stopped_clock.at
    stopped_clock.move(60)
    again = make.settled(db, host, GREEN, trigger=make.trigger(kind="rerun"), rerun_of=last)

    window = only(db, since, stopped_clock.at)

    assert [(seen.run, seen.status) for seen in window.results] == [(again, GREEN)]
    assert window.last == job_of(db, again)


def test_what_ends_after_the_window_is_not_its_last(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    red = make.settled(db, host, RED)
    until = stopped_clock.at
    stopped_clock.move(1)
    make.settled(db, host, RED)

    assert only(db, until - 60_000, until).last == job_of(db, red)


def test_a_branch_took_what_its_jobs_took_and_not_what_they_waited(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    since = stopped_clock.at - 1
    make.prepared(db)
    stopped_clock.move(3600)
    job, _ = make.running(db, host)
    make.settle(db, job, host)

    (branch,) = ledger.ran(db, since, stopped_clock.at)

    assert (branch.runs, branch.green, branch.seconds) == (1, 1, 1.5)


def test_a_run_that_is_green_by_a_second_try_is_known(db: ledger.Ledger, host: int) -> None:
    clean = make.settled(db, host, GREEN)
    run = make.prepared(db)
    job, _ = make.running(db, host)
    ledger.retry(
        db, job=job.id, attempt=1, host=host, status=RED, reason="exit 1", exit=make.exit_(code=1, seconds=1.0)
    )
    again, _ = make.running(db, host)
    make.settle(db, again, host)

    assert ledger.second_tries(db, [clean, run]) == {run}


def test_a_search_for_a_culprit_is_of_no_branch(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    since = stopped_clock.at
    stopped_clock.move(DAY)
    make.settled(db, host, RED, trigger=make.trigger(kind=BISECT))

    assert ledger.windows(db, since, stopped_clock.at) == {}
    assert ledger.ran(db, since, stopped_clock.at) == ()


def test_what_ran_is_counted_by_branch(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    since = stopped_clock.at
    stopped_clock.move(DAY)
    for status in (GREEN, GREEN, RED, OURS, Status.CANCELLED):
        make.settled(db, host, status)
    make.settled(db, host, GREEN, trigger=make.trigger(ref="refs/heads/dev"))
    make.prepared(db)

    found = sorted(ledger.ran(db, since, stopped_clock.at), key=lambda branch: branch.ref)

    told = [(branch.project, branch.ref, branch.runs, branch.green) for branch in found]
    assert told == [("shop", "refs/heads/dev", 1, 1), ("shop", "refs/heads/main", 4, 2)]


def test_many_places_are_asked_for_by_as_many_queries_as_one(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    counts = []
    statements: list[object] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given))
    for names in ("a", "abcdefgh"):
        since = stopped_clock.at
        stopped_clock.move(DAY)
        make.settled(db, host, RED, orders=tuple(make.order(subproject=name) for name in names))
        statements.clear()
        assert len(ledger.windows(db, since, stopped_clock.at)) == len(names)
        counts.append(len(statements))

    assert counts[0] == counts[1]
