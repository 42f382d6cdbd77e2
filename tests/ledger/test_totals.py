"""What is counted: by whom, how often, and that it is exact whoever else counts at that moment; on both databases."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from ctci import ledger
from ctci.ledger import totals
from ctci.model import LONGER, UNTIMED, Owed, Repeat, Status, Total
from ctci.model.totals import bucket, waited
from tests import make
from tests.conftest import StoppedClock


def told(db: ledger.Ledger, name: str) -> dict[tuple[Any, ...], int]:
    """(label, ..., bucket) -> how often."""
    return {(*each.labels, each.bucket): each.times for each in ledger.totals_(db) if each.name == name}


def test_a_time_falls_into_the_first_bucket_that_it_does_not_pass() -> None:
    assert [bucket(seconds) for seconds in (0, 1, 1.001, 3600, 14400, 14400.1)] == [1, 1, 2, 3600, 14400, LONGER]


def test_each_end_of_a_job_and_of_a_run_is_counted_once_however_it_came(db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    make.settled(db, host, Status.FAILED)
    make.settled(db, host, Status.ERRORED)
    lint, test = make.recipe(name="lint"), make.recipe(needs=("lint",))
    both = make.prepared(db, orders=(make.order(recipe=lint), make.order(recipe=test)))
    job, _ = make.running(db, host)
    make.settle(db, job, host, Status.FAILED)
    cancelled = make.prepared(db)
    ledger.ask_cancel(db, by="ana", reason="no", run=cancelled)
    unhad = make.recorded(db, trigger=make.trigger(kind="schedule", schedule="nightly"))
    ledger.give_up(db, unhad, "the remote is away")

    run = ledger.run(db, both)
    assert run is not None
    assert run.finished_at is not None
    assert told(db, "jobs") == {
        ("shop", "api", "test", "succeeded", 2): 1,
        ("shop", "api", "test", "failed", 2): 1,
        ("shop", "api", "test", "errored", UNTIMED): 2,
        ("shop", "api", "lint", "failed", 2): 1,
        ("shop", "api", "test", "skipped", UNTIMED): 1,
        ("shop", "api", "test", "cancelled", UNTIMED): 1,
    }
    assert told(db, "runs") == {
        ("shop", "push", "succeeded", UNTIMED): 1,
        ("shop", "push", "failed", UNTIMED): 2,
        ("shop", "push", "errored", UNTIMED): 1,
        ("shop", "push", "cancelled", UNTIMED): 1,
        ("shop", "schedule", "errored", UNTIMED): 1,
    }


def test_what_is_forgotten_stays_counted(db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host)
    before = ledger.totals_(db)

    ledger.forget(db, [run])

    assert before
    assert ledger.totals_(db) == before


def test_a_repeated_result_counts_and_tells_of_no_time(db: ledger.Ledger, host: int) -> None:
    first = make.settled(db, host)
    second = make.recorded(db)
    ((job,), (same,)) = ledger.jobs_of(db, [second])[second], ledger.jobs_of(db, [first])[first]
    repeat = Repeat(job=same.id, status=Status.SUCCEEDED, reason="unchanged")

    make.prepare(db, second, repeats={job.id: repeat})

    assert told(db, "jobs") == {
        ("shop", "api", "test", "succeeded", 2): 1,
        ("shop", "api", "test", "succeeded", UNTIMED): 1,
    }


def test_a_wait_begins_when_nothing_but_a_turn_is_missing_and_is_counted_once(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    needing = make.recipe(needs=("lint",), retries=1)
    run = make.recorded(db, orders=(make.order(recipe=make.recipe(name="lint")), make.order(recipe=needing)))
    stopped_clock.move(1000)
    make.prepare(db, run)
    stopped_clock.move(4)
    lint, _ = make.running(db, host)
    stopped_clock.move(500)
    make.settle(db, lint, host)
    stopped_clock.move(20)
    job, _ = make.running(db, host)
    fence: dict[str, Any] = {"job": job.id, "attempt": job.attempt, "host": host}
    ledger.retry(db, **fence, status=Status.FAILED, reason="again", exit=make.exit_(code=1))
    stopped_clock.move(900)
    make.running(db, host)

    assert [(each.bucket, each.times, each.ms) for each in ledger.totals_(db) if each.name == "waits"] == [
        (5, 1, 4000),
        (30, 1, 20_000),
    ]


def test_calls_are_counted_by_what_was_decided_and_a_stranger_s_name_is_no_label(db: ledger.Ledger) -> None:
    entry = make.entry()
    for _ in range(2):
        ledger.record(db, [entry])
    ledger.record(db, [make.entry(trigger=make.trigger(kind="manual"), forge="ctci")])
    for name in ("shop", *(f"guess-{number}" for number in range(9)), ""):
        ledger.refuse(db, project=name, forge="github", event="push", key="k", reason="signature does not match")

    assert told(db, "calls") == {
        ("shop", "gitea", "queued", UNTIMED): 1,
        ("shop", "gitea", "duplicate", UNTIMED): 1,
        ("shop", "github", "refused", UNTIMED): 1,
        ("", "github", "refused", UNTIMED): 10,
    }


def test_times_that_were_missed_are_counted_by_schedule(db: ledger.Ledger) -> None:
    lost = replace(make.entry(forge="ctci", event="missed", orders=()), trigger=None, missed=("nightly", 3))

    ledger.record(db, [lost])
    ledger.record(db, [lost])

    assert told(db, "missed") == {("shop", "nightly", UNTIMED): 6}
    assert told(db, "calls") == {}


@pytest.mark.parametrize(
    ("sink", "to", "label"), [("mail", "team:ana@example.org", ""), ("status", "shop/3f2a/ctci/api:test", "shop")]
)
def test_each_try_to_tell_somebody_is_counted_and_no_address_with_it(
    db: ledger.Ledger, sink: str, to: str, label: str
) -> None:
    ledger.owe(db, sink=sink, owed=[Owed(key=f"{sink}/1", to=to, run=0, due=1)])
    for delay_ms, tried in ((0, False), (0, True), (None, True)):
        taken = ledger.take(db, sink, holder="me", hold_ms=1000)
        ledger.failed(db, taken, holder="me", error="no", delay_ms=delay_ms, tried=tried)
    ledger.owe(db, sink=sink, owed=[Owed(key=f"{sink}/2", to=to, run=0, due=1)])
    ledger.sent(db, ledger.take(db, sink, holder="me", hold_ms=1000), holder="me")

    assert told(db, "tries") == {
        (sink, label, "failed", UNTIMED): 1,
        (sink, label, "given_up", UNTIMED): 1,
        (sink, label, "sent", UNTIMED): 1,
    }


def test_what_is_counted_in_a_transaction_that_is_given_up_is_not_counted(db: ledger.Ledger) -> None:
    def fail(connection: Connection) -> None:
        totals.add(connection, waited("shop", 1))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        db.writer.do(fail)
    with db.write() as connection:
        totals.add(connection, waited("tools", 1))

    assert told(db, "waits") == {("tools", 1): 1}


def test_who_counts_the_same_at_once_loses_nothing_and_waits_for_nobody_s_turn(db: ledger.Ledger) -> None:
    failed: list[BaseException] = []

    def count(projects: tuple[str, ...]) -> None:
        try:
            for _ in range(25):
                with db.write() as connection:
                    for project in projects:
                        totals.add(connection, Total(name="waits", labels=(project,), ms=5))
        except BaseException as error:  # noqa: BLE001 - told by the assertion
            failed.append(error)

    orders = (("a", "b", "c"), ("c", "b", "a"), ("b", "a", "c"))
    threads = [threading.Thread(target=count, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failed == []
    assert [(each.labels, each.times, each.ms) for each in ledger.totals_(db)] == [((name,), 75, 375) for name in "abc"]
