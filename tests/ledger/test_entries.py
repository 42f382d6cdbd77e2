"""record: what a hook told is written down once, with its decision."""

from dataclasses import replace

import pytest

from ctci import ledger
from ctci.model import Entry, Status
from tests import make
from tests.conftest import StoppedClock


def test_a_push_becomes_a_run_with_its_jobs(db: ledger.Ledger) -> None:
    entry = make.entry(orders=(make.order(), make.order(recipe=make.recipe(name="lint"))))

    made = ledger.record(db, (entry,))[0]

    assert made.decision == "queued"
    assert made.run is not None
    assert [place for _, place in made.jobs] == ["api:test", "api:lint"]
    assert [job.order for job in ledger.jobs_of(db, [made.run])[made.run]] == list(entry.orders)


def test_redelivery_changes_nothing(db: ledger.Ledger) -> None:
    entry = make.entry()
    first = ledger.record(db, (entry,))[0]

    again = ledger.record(db, (entry,))[0]

    assert (again.decision, again.run) == ("duplicate", first.run)
    assert len(ledger.runs_(db)) == 1
    assert [each.decision for each in ledger.deliveries_(db)] == ["duplicate", "queued"]


def test_two_hooks_on_one_push_make_one_run(db: ledger.Ledger) -> None:
    first = ledger.record(db, (make.entry(trigger=make.trigger(after=make.sha(7))),))[0]

    second = ledger.record(db, (make.entry(trigger=make.trigger(after=make.sha(7))),))[0]

    assert (second.decision, second.run) == ("duplicate", first.run)


def test_a_force_push_back_and_forth_is_built_each_time(db: ledger.Ledger) -> None:
    commits = (make.sha(1), make.sha(2), make.sha(1))

    decisions = [ledger.record(db, (make.entry(trigger=make.trigger(after=after)),))[0].decision for after in commits]

    assert decisions == ["queued", "queued", "queued"]


def test_a_deleted_branch_pushed_again_is_news(db: ledger.Ledger) -> None:
    make.recorded(db, trigger=make.trigger(after=make.sha(1)))
    gone = Entry(
        project="shop", forge="gitea", event="delete", key="k", ref="refs/heads/main", reason="gone", deleted=True
    )
    ledger.record(db, (gone,))

    again = ledger.record(db, (make.entry(trigger=make.trigger(after=make.sha(1))),))[0]

    assert again.decision == "queued"


def test_a_deletion_that_is_told_twice_is_told_once(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    ref = "refs/heads/main"
    make.recorded(db)
    gone = Entry(project="shop", forge="gitea", event="delete", key="k", ref=ref, reason="gone", deleted=True)
    ledger.record(db, (gone,))
    first = ledger.gone(db, {"shop"})
    stopped_clock.move(3600)

    again = ledger.record(db, (gone, replace(gone, key="of another hook")))

    assert [each.decision for each in again] == ["duplicate", "ignored"]
    assert ledger.gone(db, {"shop"}) == first


def test_a_deletion_that_is_told_again_leaves_what_was_pushed_since(db: ledger.Ledger, host: int) -> None:
    ref = "refs/heads/main"
    gone = Entry(project="shop", forge="gitea", event="delete", key="k", ref=ref, reason="gone", deleted=True)
    ledger.record(db, (gone,))
    pushed = make.trigger()
    run = make.settled(db, host, Status.FAILED, trigger=pushed)

    ledger.record(db, (gone,))

    assert make.recorded_ref(db, "shop", ref) == (pushed.after, run)
    assert [each.run for each in ledger.standing(db)] == [run]


def test_a_branch_that_is_never_built_is_remembered_without_a_run(db: ledger.Ledger) -> None:
    trigger = make.trigger(ref="refs/heads/renovate/x")

    made = ledger.record(db, (make.entry(trigger=trigger, orders=(), reason="never built"),))[0]

    assert (made.decision, made.reason, made.run) == ("ignored", "never built", None)
    assert make.recorded_ref(db, "shop", trigger.ref) == (trigger.after, None)


def test_only_the_newest_refused_calls_are_kept(db: ledger.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctci.ledger.entries.REFUSED_KEPT", 3)

    for number in range(6):
        ledger.refuse(db, project="x", forge="github", event="push", key=str(number), reason="signature")

    assert [each.key for each in ledger.deliveries_(db)] == ["5", "4", "3"]


def test_several_refs_of_one_call_are_each_decided(db: ledger.Ledger) -> None:
    entries = tuple(make.entry(trigger=make.trigger(ref=f"refs/heads/{name}")) for name in ("a", "b", "c"))

    made = ledger.record(db, entries)

    assert [each.ref for each in made] == ["refs/heads/a", "refs/heads/b", "refs/heads/c"]
    assert len({each.run for each in made}) == 3


def test_a_number_is_never_given_out_twice(db: ledger.Ledger, host: int) -> None:
    last = make.settled(db, host, Status.FAILED)
    ledger.forget(db, [last])

    assert make.recorded(db) == last + 1
