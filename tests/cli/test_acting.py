import signal

import pytest

from ctci import ledger
from ctci.model import Status
from tests import make
from tests.cli.calling import Caller, serving, worked, write_log
from tests.eventually import eventually


def test_a_run_is_recorded_at_the_desk_and_its_address_printed(ctci: Caller, db: ledger.Ledger) -> None:
    with serving(ctci.place):
        said = ctci("run", "shop/api:test", "--ref", "feature/x", "--commit", make.sha(7))

    run = ledger.run(db, 1)
    assert run is not None
    assert (said.code, said.out) == (0, "http://127.0.0.1:8484/runs/1\n")
    assert (run.kind, run.ref, run.after) == ("manual", "refs/heads/feature/x", make.sha(7))
    assert [job.place for job in ledger.jobs_of(db, [1])[1]] == ["api:test"]


def test_without_a_server_a_run_is_recorded_and_waits(ctci: Caller, db: ledger.Ledger) -> None:
    said, waited = ctci("run", "shop"), ctci("run", "shop", "--wait")

    assert (said.code, waited.code) == (0, 3)
    assert f"recorded; no server is running on {ctci.place.data}: it runs when `ctci serve` starts" in said.err
    assert len(ledger.runs_(db)) == 2


def test_where_nothing_was_ever_served_nothing_is_recorded(ctci: Caller) -> None:
    said = ctci("run", "shop")

    assert (said.code, ctci.place.ledger.exists()) == (3, False)
    assert "start `ctci serve`" in said.err


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.SUCCEEDED, 0),
        (Status.FAILED, 1),
        (Status.TIMED_OUT, 124),
        (Status.ERRORED, 125),
        (Status.CANCELLED, 130),
        (Status.SUPERSEDED, 130),
    ],
)
def test_the_exit_code_of_a_wait_is_what_became_of_the_run(
    ctci: Caller, db: ledger.Ledger, host: int, status: Status, code: int
) -> None:
    with serving(ctci.place), worked(db, host, status):
        said = ctci("run", "shop", "--wait")

    assert said.code == code
    assert f"#1 {status.replace('_', ' ')}" in said.err


def test_a_followed_run_prints_its_logs(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    with serving(ctci.place), worked(db, host, Status.FAILED, log=lambda job: write_log(ctci.place, job, b"so\n")):
        said = ctci("run", "shop/api:test", "--follow")

    assert (said.code, said.out) == (1, "http://127.0.0.1:8484/runs/1\nso\n")


def test_a_person_at_a_terminal_sees_what_is_waited_for_and_a_script_does_not(ctci: Caller, db: ledger.Ledger) -> None:
    def end() -> None:
        ledger.ask_cancel(db, by="test", reason="", run=1)

    with serving(ctci.place):
        seen = ctci.on_terminal("run", "shop", "--wait", when="waits for its commit", then=end)
        process = ctci.start("run", "shop", "--wait", stdout=-1, stderr=-1)
        eventually(lambda: ledger.run(db, 2), 20)
        ledger.ask_cancel(db, by="test", reason="", run=2)
        _, err = process.communicate(timeout=20)

    assert "#1 waits for its commit to be fetched" in seen
    assert b"waits" not in err
    assert b"\x1b" not in err


def test_a_script_that_waits_reads_why_its_commit_does_not_come(ctci: Caller, db: ledger.Ledger) -> None:
    with serving(ctci.place):
        process = ctci.start("run", "shop", "--wait", stdout=-1, stderr=-1)
        eventually(lambda: ledger.run(db, 1), 20)
        ledger.postpone(db, 1, "the remote does not answer; trying again", 60_000)
        assert process.stderr is not None
        told = [process.stderr.readline().decode() for _ in range(2)]
        ledger.give_up(db, 1, "the remote does not answer")
        _, rest = process.communicate(timeout=20)

    assert told[1] == "#1 waits for its commit to be fetched: the remote does not answer; trying again\n"
    assert b"waits for" not in rest


def test_ctrl_c_ends_the_wait_and_not_the_run(ctci: Caller, db: ledger.Ledger) -> None:
    with serving(ctci.place):
        process = ctci.start("run", "shop", "--wait", stdout=-1, stderr=-1)
        eventually(lambda: ledger.runs_(db), 20)
        # It waits once it has said so.
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert b"#1 goes on; `ctci cancel 1` ends it" in err
    assert b"Traceback" not in err
    assert ledger.runs_(db)[0].status is Status.QUEUED


@pytest.mark.parametrize("asked", ["nobody", "shop/web", "shop:lint"])
def test_what_is_not_configured_is_not_found_and_what_is_is_named(ctci: Caller, db: ledger.Ledger, asked: str) -> None:
    said = ctci("run", asked)

    assert said.code == 5
    assert ("configured: shop" in said.err) or ("there is shop/api:build, shop/api:test" in said.err)
    assert ledger.runs_(db) == ()


@pytest.mark.parametrize(
    "arguments", [("shop:",), ("shop", "--commit", "abc"), ("shop", "--here", "--ref", "main"), (), ("shop", "--no")]
)
def test_what_makes_no_sense_is_a_usage_error(ctci: Caller, db: ledger.Ledger, arguments: tuple[str, ...]) -> None:
    said = ctci("run", *arguments)

    assert said.code == 2
    assert "`ctci run --help`" in said.err
    assert ledger.runs_(db) == ()


def test_a_broken_configuration_runs_nothing_and_shows_its_errors(ctci: Caller, db: ledger.Ledger) -> None:
    ctci.configure("[projects.shop\n")

    said = ctci("run", "shop")

    assert said.code == 2
    assert "error[C001]" in said.err
    assert ledger.runs_(db) == ()


def test_a_rerun_of_what_failed_or_by_the_recipes_of_now(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED)

    failed, current = ctci("rerun", "1", "--failed"), ctci("rerun", "1", "--current")

    assert "#2: #1 again, what failed, with the same recipes: asked for by" in failed.err
    assert "#3: #1 again, by the recipes of now: asked for by" in current.err
    assert [job.order.recipe.name for job in ledger.jobs_of(db, [3])[3]] == ["build", "test"]


def test_where_nothing_failed_a_rerun_of_what_failed_is_refused(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)

    said = ctci("rerun", "1", "--failed")

    assert (said.code, "nothing failed in #1; without --failed all of it is run again" in said.err) == (5, True)


def test_a_rerun_is_a_new_run_of_the_same_recipes(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED)

    said = ctci("rerun", "1")

    run = ledger.run(db, 2)
    assert run is not None
    assert (said.code, said.out, run.rerun_of) == (0, "http://127.0.0.1:8484/runs/2\n", 1)


def test_a_cancelled_run_ends_at_once_where_it_waits(ctci: Caller, db: ledger.Ledger) -> None:
    make.recorded(db, orders=(make.order(recipe=make.recipe(name="build")), make.order()))

    said = ctci("cancel", "1", "--reason", "wrong branch")

    jobs = ledger.jobs_of(db, [1])[1]
    assert (said.code, said.err) == (0, "#1: 2 jobs ended\n")
    assert {(job.status, job.cancel_reason) for job in jobs} == {(Status.CANCELLED, "wrong branch")}


def test_one_job_is_cancelled_and_the_others_go_on(ctci: Caller, db: ledger.Ledger) -> None:
    make.recorded(db, orders=(make.order(recipe=make.recipe(name="build")), make.order()))

    ctci("cancel", "1/api/test")

    assert [job.status for job in ledger.jobs_of(db, [1])[1]] == [Status.QUEUED, Status.CANCELLED]


def test_a_running_job_carries_the_wish_and_asking_again_changes_nothing(
    ctci: Caller, db: ledger.Ledger, host: int
) -> None:
    make.prepared(db)
    make.running(db, host)

    with serving(ctci.place):
        first, again = ctci("cancel", "1"), ctci("cancel", "1")

    (job,) = ledger.jobs_of(db, [1])[1]
    assert (first.code, first.err) == (0, "#1: 1 running job asked to end\n")
    assert (again.code, "asked for that before" in again.err) == (0, True)
    assert (job.status, job.cancel_as) == (Status.RUNNING, "cancelled")


def test_what_has_ended_cannot_be_cancelled(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)

    said = ctci("cancel", "1")

    assert (said.code, said.err) == (1, "#1 had ended before: succeeded\n")
