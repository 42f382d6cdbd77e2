"""What can be asked: history, retention, letters."""

from ctci import ledger
from ctci.model import Entry, Job, Past, Status
from tests import make
from tests.conftest import StoppedClock


def only_job(db: ledger.Ledger, run: int) -> Job:
    (job,) = ledger.jobs_of(db, [run])[run]
    return job


def past(db: ledger.Ledger, run: int) -> Past:
    job = only_job(db, run)
    return ledger.pasts(db, [job.id])[job.id]


def test_the_baseline_is_the_last_conclusive_job_of_the_same_place(db: ledger.Ledger, host: int) -> None:
    green = make.settled(db, host, Status.SUCCEEDED)
    make.settled(db, host, Status.ERRORED)
    make.settled(db, host, Status.FAILED, trigger=make.trigger(ref="refs/heads/other"))
    red = make.settled(db, host, Status.FAILED)

    found = past(db, red).baseline

    assert found is not None
    assert found.run == green
    assert past(db, green).baseline is None


def test_a_rerun_stands_where_its_original_stood(db: ledger.Ledger, host: int) -> None:
    old = make.settled(db, host, Status.FAILED)
    new = make.settled(db, host, Status.SUCCEEDED)
    make.settled(db, host, Status.FAILED, trigger=make.trigger(kind="rerun"), rerun_of=old)

    standing = ledger.standing(db)

    assert [job.run for job in standing] == [new]


def test_since_tells_the_last_green_and_the_first_red(db: ledger.Ledger, host: int) -> None:
    green = make.settled(db, host, Status.SUCCEEDED)
    first = make.settled(db, host, Status.FAILED)
    last = make.settled(db, host, Status.TIMED_OUT)

    found = past(db, last)

    assert found.green is not None
    assert found.red is not None
    assert (found.green.run, found.red.run) == (green, first)


def test_a_strip_has_the_last_runs_oldest_first(db: ledger.Ledger, host: int) -> None:
    runs = [make.settled(db, host, Status.SUCCEEDED) for _ in range(5)]

    strip = ledger.strips(db, [("shop", "refs/heads/main")], length=3)["shop", "refs/heads/main"]

    assert [run.id for run in strip] == runs[2:]
    assert ledger.branches(db) == (("shop", "refs/heads/main"),)


def test_a_rerun_of_an_old_run_stands_in_the_strip_where_that_stood(db: ledger.Ledger, host: int) -> None:
    first, second = make.settled(db, host), make.settled(db, host, Status.FAILED)
    again = make.settled(db, host, trigger=make.trigger(kind="rerun"), rerun_of=first)
    once_more = make.settled(db, host, trigger=make.trigger(kind="rerun"), rerun_of=again)

    strip = ledger.strips(db, [("shop", "refs/heads/main")])["shop", "refs/heads/main"]

    assert [run.id for run in strip] == [first, again, once_more, second]


def test_a_break_is_told_by_the_run_that_broke_it(db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    broke = make.settled(db, host, Status.FAILED)
    last = make.settled(db, host, Status.TIMED_OUT)
    make.settled(db, host, trigger=make.trigger(ref="refs/heads/green"))

    (job,) = ledger.jobs_of(db, [last])[last]
    assert ledger.broken_since(db) == {job.id: broke}


def test_a_branch_that_is_gone_or_never_was_is_no_branch_and_red_for_nobody(db: ledger.Ledger, host: int) -> None:
    ref, typo = "refs/heads/gone", "refs/heads/typo"
    make.settled(db, host, Status.FAILED, trigger=make.trigger(ref=ref), orders=(make.order(ref=ref),))
    make.settled(db, host, Status.ERRORED, trigger=make.trigger(kind="manual", ref=typo))
    before = (ledger.branches(db), [job.order.ref for job in ledger.standing(db)])

    entry = Entry(project="shop", forge="gitea", event="push", key="k", ref=ref, reason="gone", deleted=True)
    ledger.record(db, (entry,))

    assert before == ((("shop", ref),), [ref])
    assert (ledger.branches(db), ledger.standing(db)) == ((), ())
    again = make.settled(db, host, trigger=make.trigger(ref=ref), orders=(make.order(ref=ref),))
    found = ledger.run(db, again)
    assert found is not None
    assert found.prev_commit is None
    assert ledger.branches(db) == (("shop", ref),)


def test_retention_keeps_the_last_green_and_the_first_red_of_a_break(db: ledger.Ledger, host: int) -> None:
    old = make.settled(db, host, Status.SUCCEEDED)
    green = make.settled(db, host, Status.SUCCEEDED)
    first = make.settled(db, host, Status.FAILED)
    red = make.settled(db, host, Status.FAILED)
    last = make.settled(db, host, Status.FAILED)

    doomed = ledger.outdated(db, "shop", keep_runs=1, before=0)

    assert doomed == (old, red)
    assert {green, first, last}.isdisjoint(doomed)


def test_what_is_older_than_its_days_goes(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    old = make.settled(db, host, Status.SUCCEEDED)
    stopped_clock.move(1000)
    make.settled(db, host, Status.SUCCEEDED)

    assert ledger.outdated(db, "shop", keep_runs=100, before=stopped_clock.at - 500_000) == (old,)


def test_forgetting_takes_all_that_hangs_on_a_run(db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.SUCCEEDED)
    job = only_job(db, run)

    gone = ledger.forget(db, [run])

    assert gone == (job.id,)
    assert ledger.run(db, run) is None
    assert ledger.attempts_of(db, job.id) == ()
    assert ledger.commits_of(db, run) == ()


def test_a_running_run_is_never_forgotten(db: ledger.Ledger, host: int) -> None:
    run = make.prepared(db)
    make.running(db, host)

    assert ledger.forget(db, [run]) == ()
    assert ledger.run(db, run) is not None


def test_the_changes_are_read_in_order_and_once(db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.SUCCEEDED)

    kinds = [change.kind for change in ledger.changes_after(db, 0)]

    assert kinds == ["recorded", "prepared", "began", "settled"]
    assert ledger.changes_after(db, 4) == ()
