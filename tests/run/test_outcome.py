"""What an exit means, as a table."""

import pytest

from ctci.model import Exit, Status, Tally
from ctci.run import outcome


@pytest.mark.parametrize(
    ("ended", "status", "reason"),
    [
        (Exit(how="exit", code=0), Status.SUCCEEDED, None),
        (Exit(how="exit", code=3), Status.FAILED, "exit 3"),
        (Exit(how="exit", code=137), Status.FAILED, "exit 137 (KILL)"),
        (Exit(how="exit", code=255), Status.FAILED, "exit 255"),
        (Exit(how="exit", signal=9), Status.FAILED, "ended by signal 9 (KILL)"),
        (Exit(how="exit", signal=40), Status.FAILED, "ended by signal 40"),
        (Exit(how="timeout", seconds=900.2, signal=15), Status.TIMED_OUT, "timed out after 15 m"),
        (Exit(how="timeout", seconds=1.04), Status.TIMED_OUT, "timed out after 1.0 s"),
        (Exit(how="timeout", seconds=61), Status.TIMED_OUT, "timed out after 1 m 1 s"),
        (Exit(how="timeout", seconds=7260), Status.TIMED_OUT, "timed out after 2 h 1 m"),
        (Exit(how="cancelled", signal=15), Status.CANCELLED, None),
        (Exit(how="lost"), Status.ERRORED, "its keeper vanished"),
        (Exit(how="lease"), Status.ERRORED, "ended: the lease of this machine ran out"),
        (
            Exit(how="interrupted"),
            Status.ERRORED,
            "interrupted: its keeper was told to stop by a TERM that nobody had asked for",
        ),
        (
            Exit(how="exit", code=0, leftovers=("sleep",)),
            Status.SUCCEEDED,
            "left 1 process behind: sleep",
        ),
        (
            Exit(how="exit", code=1, leftovers=("sleep", "sleep", "node")),
            Status.FAILED,
            "exit 1; left 3 processes behind: sleep, node",
        ),
        (
            Exit(how="timeout", seconds=2, survivors=(7, 8)),
            Status.TIMED_OUT,
            "timed out after 2.0 s; could not be ended: pid 7, 8",
        ),
    ],
)
def test_an_exit_without_a_wish(ended: Exit, status: Status, reason: str | None) -> None:
    assert (status, reason) == outcome.judge(ended, None, None)


@pytest.mark.parametrize("how", ["cancelled", "interrupted", "lost", "lease"])
@pytest.mark.parametrize("wish", [Status.CANCELLED, Status.SUPERSEDED])
def test_a_wish_says_what_becomes_of_a_job_that_did_not_end_by_itself(how: str, wish: Status) -> None:
    assert (wish, "superseded by #8") == outcome.judge(Exit(how=how), wish, "superseded by #8")


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (Exit(how="exit", code=0), Status.SUCCEEDED),
        (Exit(how="exit", code=1), Status.FAILED),
        (Exit(how="timeout"), Status.TIMED_OUT),
    ],
)
def test_a_wish_that_came_too_late_changes_nothing(ended: Exit, status: Status) -> None:
    assert status == outcome.judge(ended, "cancelled", "not needed")[0]


@pytest.mark.parametrize(
    ("tests", "sarif_errors", "told"),
    [
        (None, 0, None),
        (Tally(total=12, failed=0), 0, None),
        (Tally(total=12, failed=2), 0, "2 of 12 tests failed"),
        (Tally(total=1, failed=1), 0, "1 of 1 test failed"),
        (None, 1, "1 error in SARIF reports"),
        (Tally(total=12, failed=2), 3, "2 of 12 tests failed and 3 errors in SARIF reports"),
    ],
)
def test_what_reports_say_against_a_job(tests: Tally | None, sarif_errors: int, told: str | None) -> None:
    assert told == outcome.reported(tests, sarif_errors)


@pytest.mark.parametrize(
    ("ended", "status", "reason"),
    [
        (Exit(how="exit", code=0), Status.FAILED, "exit 0, but 2 of 12 tests failed"),
        (Exit(how="exit", code=1), Status.FAILED, "exit 1: 2 of 12 tests failed"),
        (Exit(how="timeout", seconds=2), Status.TIMED_OUT, "timed out after 2.0 s"),
        (Exit(how="lost"), Status.ERRORED, "its keeper vanished"),
    ],
)
def test_a_report_counts_beside_the_exit_of_what_ended_by_itself(ended: Exit, status: Status, reason: str) -> None:
    assert (status, reason) == outcome.judge(ended, None, None, "2 of 12 tests failed")
