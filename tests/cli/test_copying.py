import os
from pathlib import Path

import pytest

from ctci import ledger
from ctci.cli import session
from ctci.model import Status
from tests import make
from tests.cli.calling import Caller, serving
from tests.eventually import eventually
from tests.run import jobs


def test_a_backup_is_made_with_and_without_a_server_and_replaces_nothing_unasked(
    ctci: Caller, db: ledger.Ledger, tmp_path: Path
) -> None:
    make.recorded(db)
    target = tmp_path / "copy.db"

    with serving(ctci.place):
        made = ctci("backup", str(target))
    again = ctci("backup", str(target))
    forced = ctci("backup", "--force", str(target))

    assert (made.code, made.out.startswith(f"copied {ctci.place.ledger} to {target}: ")) == (0, True)
    assert (again.code, again.err) == (2, f"ctci: {target} is there already; --force replaces it\n")
    assert forced.code == 0
    copy = ledger.open_ledger(target)
    assert [run.id for run in ledger.runs_(copy)] == [1]
    copy.close()


def test_without_a_ledger_there_is_nothing_to_back_up(ctci: Caller, tmp_path: Path) -> None:
    said = ctci("backup", str(tmp_path / "copy.db"))

    assert (said.code, "nothing has been recorded" in said.err) == (5, True)
    assert not (tmp_path / "copy.db").exists()


def test_a_ledger_of_another_version_is_backed_up_all_the_same(ctci: Caller, db: ledger.Ledger, tmp_path: Path) -> None:
    with db.write() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version = 1")

    assert ctci("runs").code == 2
    assert ctci("backup", str(tmp_path / "copy.db")).code == 0


@pytest.fixture
def copy(ctci: Caller, db: ledger.Ledger, host: int, tmp_path: Path) -> Path:
    """A copy in which #1 has succeeded and #2 waits; #3 came later."""
    make.settled(db, host)
    make.prepared(db)
    ctci("backup", str(tmp_path / "copy.db"))
    make.recorded(db)
    db.close()
    return tmp_path / "copy.db"


def test_a_restore_says_what_it_did_and_what_it_did_not(ctci: Caller, copy: Path) -> None:
    said = ctci("restore", str(copy))

    (aside,) = ctci.place.data.glob("ledger.db.before-restore-*")
    assert (said.code, said.err) == (0, "")
    known = "it knows the runs up to #2; the last thing that it knows of happened just now"
    assert said.out.splitlines() == [
        f"put {copy} in the place of {ctci.place.ledger}: {known}",
        f"the ledger of before is kept 30 days, with the logs that only it knows: {aside}",
        "the runs that came later, up to #3, are not in it; the next one is #4",
        "1 job that waited in it: cancelled, for they may have run since; `ctci rerun` runs them again",
        "not brought back: what was answered, run and mailed after the copy was made, and logs that are gone",
    ]
    restored = ledger.open_ledger(ctci.place.ledger)
    (job,) = ledger.jobs_of(restored, [2])[2]
    restored.close()
    assert (job.status, job.cancel_by) == (Status.CANCELLED, session.me())


def test_where_the_ledger_is_lost_a_restore_says_how_numbers_go_on_and_keeps_the_queue_if_asked(
    ctci: Caller, copy: Path
) -> None:
    ctci.place.ledger.write_bytes(b"lost")

    said = ctci("restore", "--keep-queue", str(copy))

    assert said.code == 0
    assert "which runs came later is not known: so that no number means two, the next one is #" in said.out
    assert "1 job that waited in it: will run" in said.out
    assert "cancelled" not in said.out


def test_a_restore_of_what_is_no_ledger_is_refused_in_one_line(ctci: Caller, copy: Path) -> None:
    copy.write_text("not a ledger")

    said = ctci("restore", str(copy))

    assert (said.code, said.out, said.err) == (2, "", f"ctci: {copy} is not a ledger of ctci\n")


def test_a_restore_ends_jobs_of_which_the_copy_does_not_know_only_if_asked(ctci: Caller, copy: Path) -> None:
    nap = jobs.nap()
    # As the death of the server that started it leaves it.
    os.close(jobs.begin(ctci.place.attempt(3, 1), f"sleep {nap}").pidfd)
    eventually(lambda: jobs.alive(nap))

    refused = ctci("restore", str(copy))
    forced = ctci("restore", "--jobs", str(copy))

    assert (refused.code, "or end them with --jobs" in refused.err) == (2, True)
    assert (forced.code, "1 job of which it does not know: ended" in forced.out) == (0, True)
    assert jobs.alive(nap) == []
