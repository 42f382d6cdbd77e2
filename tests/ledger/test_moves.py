"""The moves of jobs and runs: guarded, in order, and what they do to the others."""

import threading

import pytest

from ctci import ledger
from ctci.model import CONCLUSIVE, FINISHED, MOVES, Job, Status
from tests import make
from tests.conftest import StoppedClock


def status_of(db: ledger.Ledger, run: int) -> Status:
    found = ledger.run(db, run)
    assert found is not None
    return found.status


def only_job(db: ledger.Ledger, run: int) -> Job:
    (job,) = ledger.jobs_of(db, [run])[run]
    return job


def test_nothing_follows_a_finished_status() -> None:
    assert all(not froms & FINISHED for froms, _ in MOVES.values())
    assert CONCLUSIVE <= FINISHED


def test_a_job_is_claimed_only_once_its_run_is_prepared(db: ledger.Ledger, host: int) -> None:
    make.recorded(db)

    assert ledger.claim(db, host=host, slot=1, boot_id="b") is None


def test_the_oldest_prepared_job_is_claimed_first_and_a_person_before_a_push(db: ledger.Ledger, host: int) -> None:
    refs = [f"refs/heads/{name}" for name in "abc"]
    first, second = (make.prepared(db, trigger=make.trigger(ref=ref)) for ref in refs[:2])
    wish = make.prepared(db, trigger=make.trigger(kind="manual", ref=refs[2]), priority=0)

    order = [make.running(db, host)[1].id for _ in range(3)]

    assert order == [wish, first, second]


def test_two_workers_never_claim_the_same_job(db: ledger.Ledger, host: int) -> None:
    for number in range(20):
        make.prepared(db, trigger=make.trigger(ref=f"refs/heads/b{number}"))
    claimed: list[int] = []

    def work() -> None:
        while (found := ledger.claim(db, host=host, slot=1, boot_id="b")) is not None:
            claimed.append(found[0].id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claimed) == sorted(set(claimed))
    assert len(claimed) == 20


def test_a_settled_job_gives_its_status_to_the_run(db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.FAILED, "exit 1")

    job = only_job(db, run)
    assert (job.status, job.reason, job.exit) == (Status.FAILED, "exit 1", make.exit_(code=1))
    assert status_of(db, run) is Status.FAILED


@pytest.mark.parametrize(("attempt", "other_host"), [(2, 0), (1, 1)])
def test_a_move_by_another_attempt_or_host_is_fenced(
    db: ledger.Ledger, host: int, attempt: int, other_host: int
) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)

    with pytest.raises(ledger.Fenced):
        ledger.settle(
            db, job=job.id, attempt=attempt, host=host + other_host, status=Status.FAILED, reason=None, exit=None
        )

    assert only_job(db, job.run).status is Status.RUNNING


def test_a_job_is_settled_once(db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.SUCCEEDED)
    job = only_job(db, run)

    with pytest.raises(ledger.Fenced):
        ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=Status.FAILED, reason=None, exit=None)

    assert only_job(db, run).status is Status.SUCCEEDED


def test_what_never_began_goes_back_to_the_queue_as_a_new_attempt(db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    claimed = ledger.claim(db, host=host, slot=1, boot_id="b")
    assert claimed is not None
    ledger.put_back(db, job=claimed[0].id, attempt=1, host=host, reason="restarted")

    again = ledger.claim(db, host=host, slot=1, boot_id="b")

    assert again is not None
    assert (again[0].id, again[0].attempt) == (claimed[0].id, 2)


def test_what_has_begun_is_not_put_back(db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)

    with pytest.raises(ledger.Fenced):
        ledger.put_back(db, job=job.id, attempt=1, host=host, reason="restarted")


def test_a_wish_ends_a_queued_job_at_once_and_waits_on_a_running_one(db: ledger.Ledger, host: int) -> None:
    run = make.prepared(db, orders=(make.order(), make.order(recipe=make.recipe(name="lint"))))
    job, _ = make.running(db, host)

    counts = ledger.ask_cancel(db, by="ana", reason="wrong branch", run=run)

    assert counts == (1, 1)
    first, second = ledger.jobs_of(db, [run])[run]
    assert (first.status, first.cancel_by, first.cancel_as) == (Status.RUNNING, "ana", "cancelled")
    assert (second.status, second.reason) == (Status.CANCELLED, "wrong branch")
    assert ledger.wish(db, job=job.id, attempt=1) == "cancelled"


def test_a_wish_before_the_beginning_is_kept_by_put_back(db: ledger.Ledger, host: int) -> None:
    run = make.prepared(db)
    claimed = ledger.claim(db, host=host, slot=1, boot_id="b")
    assert claimed is not None
    ledger.ask_cancel(db, by="ana", reason="enough", run=run)

    ledger.put_back(db, job=claimed[0].id, attempt=1, host=host, reason="restarted")

    assert (only_job(db, run).status, only_job(db, run).reason) == (Status.CANCELLED, "enough")
    assert status_of(db, run) is Status.CANCELLED


def test_a_run_cancelled_before_its_fetch_needs_none(db: ledger.Ledger) -> None:
    run = make.recorded(db)

    ledger.ask_cancel(db, by="ana", reason="enough", run=run)

    assert ledger.unprepared(db) == ()


def test_supersede_ends_older_queued_and_wishes_older_running(db: ledger.Ledger, host: int) -> None:
    mode = {"orders": (make.order(on_new_push="supersede"),)}
    first = make.prepared(db, **mode)
    running, _ = make.running(db, host)
    second = make.prepared(db, **mode)
    third = make.prepared(db, **mode)

    assert ledger.wish(db, job=running.id, attempt=1) == "superseded"
    assert (only_job(db, second).status, only_job(db, second).reason) == (
        Status.SUPERSEDED,
        f"superseded by #{third}",
    )
    assert only_job(db, first).cancel_reason == f"superseded by #{second}"
    assert make.running(db, host)[1].id == third


def test_queue_lets_the_running_one_end_and_keeps_the_newest_pending(db: ledger.Ledger, host: int) -> None:
    first = make.prepared(db)
    running, _ = make.running(db, host)
    second = make.prepared(db)
    third = make.prepared(db)

    assert status_of(db, first) is Status.RUNNING
    assert only_job(db, second).status is Status.SUPERSEDED
    assert ledger.claim(db, host=host, slot=2, boot_id="b") is None

    ledger.settle(
        db, job=running.id, attempt=1, host=host, status=Status.FAILED, reason="exit 1", exit=make.exit_(code=1)
    )

    assert make.running(db, host)[1].id == third


def test_a_branch_of_its_own_supersedes_nobody(db: ledger.Ledger) -> None:
    order = make.order(on_new_push="supersede")
    first = make.prepared(db, orders=(order,))

    make.prepared(db, trigger=make.trigger(ref="refs/heads/other"), orders=(order,))
    make.prepared(db, trigger=make.trigger(kind="manual"), orders=(order,))

    assert status_of(db, first) is Status.QUEUED


def test_a_push_that_came_out_of_order_is_not_run_and_the_ref_is_put_back(db: ledger.Ledger) -> None:
    newer = make.prepared(db, trigger=make.trigger(after=make.sha(2)))

    late = make.prepared(db, trigger=make.trigger(after=make.sha(1)), older_than=newer)

    assert (only_job(db, late).status, only_job(db, late).reason) == (
        Status.SKIPPED,
        f"older than #{newer}, which was recorded before it",
    )
    assert make.recorded_ref(db, "shop", "refs/heads/main") == (make.sha(2), newer)
    assert status_of(db, newer) is Status.QUEUED


def test_a_commit_that_cannot_be_had_errors_the_run_and_may_come_again(db: ledger.Ledger) -> None:
    trigger = make.trigger(after=make.sha(5))
    run = make.recorded(db, trigger=trigger)

    ledger.give_up(db, run, "the remote has no such commit")

    assert (status_of(db, run), only_job(db, run).reason) == (Status.ERRORED, "the remote has no such commit")
    assert ledger.record(db, (make.entry(trigger=make.trigger(after=make.sha(5))),))[0].decision == "queued"


def test_a_failed_fetch_is_tried_again_when_it_is_due(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    run = make.recorded(db)

    ledger.postpone(db, run, "no route to host", 5000)

    assert ledger.unprepared(db) == ()
    stopped_clock.move(5)
    assert [each.id for each in ledger.unprepared(db)] == [run]


def test_a_run_of_a_schedule_that_was_not_to_be_had_comes_after_the_others_of_its_project(
    db: ledger.Ledger, stopped_clock: StoppedClock
) -> None:
    nightly = make.recorded(db, trigger=make.trigger(kind="schedule", schedule="nightly"))
    push = make.recorded(db)
    other = make.recorded(db, trigger=make.trigger(project="blog"))
    first = [each.id for each in ledger.unprepared(db)]
    ledger.postpone(db, nightly, "no route to host", 5000)
    stopped_clock.move(5)

    then = [each.id for each in ledger.unprepared(db)]
    make.prepare(db, push)
    last = [each.id for each in ledger.unprepared(db)]

    assert (first, then, last) == ([nightly, other], [push, other], [nightly, other])


def test_skipped_jobs_say_why_and_end_the_run(db: ledger.Ledger) -> None:
    run = make.recorded(db)
    (job,) = ledger.jobs_of(db, [run])[run]

    ledger.prepare(
        db, run, commit=make.commit(), brought=(), older_than=None, skips={job.id: "[skip ci]"}, default_branch=None
    )

    assert (status_of(db, run), only_job(db, run).reason) == (Status.SKIPPED, "[skip ci]")
