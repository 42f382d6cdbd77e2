"""What is told to whoever follows, as the ledger has it."""

from ctci import ledger
from ctci.model import Status
from tests import make
from tests.conftest import StoppedClock


def test_what_happened_after_a_change_has_the_names_and_statuses_of_now(db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    before = ledger.newest_change(db)
    make.settle(db, job, host, Status.FAILED)

    every = ledger.happenings(db, 0)
    (last,) = ledger.happenings(db, before)

    assert [each.kind for each in every] == ["recorded", "prepared", "began", "settled"]
    assert (every[0].job, every[0].place, every[0].run_status) == (None, None, Status.FAILED)
    assert (last.job, last.place, last.job_status) == (job.id, "api:test", Status.FAILED)
    assert (last.project, last.ref, last.seq) == ("shop", "refs/heads/main", ledger.newest_change(db))
    assert ledger.happenings(db, 0, limit=2) == every[:2]


def test_the_last_change_before_a_time_is_found(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    assert ledger.newest_change(db) == 0
    make.prepared(db)
    then = ledger.happenings(db, 0)

    assert ledger.newest_change(db, before=then[0].at) == 0
    assert ledger.newest_change(db, before=then[-1].at + 1) == ledger.newest_change(db) == then[-1].seq
    del stopped_clock


def test_what_waits_and_runs_is_counted_by_project(db: ledger.Ledger, host: int) -> None:
    assert ledger.queues(db) == {}
    make.prepared(db)
    make.running(db, host)
    make.prepared(db, trigger=make.trigger(project="dotfiles"), orders=(make.order(project="dotfiles", subproject=""),))

    assert ledger.queues(db) == {"shop": (0, 1), "dotfiles": (1, 0)}
