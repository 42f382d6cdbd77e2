"""What is worth a letter: tables of what was and what is."""

from dataclasses import replace

import pytest

from ctci.model import Job, Status
from ctci.report import verdict
from tests import make

GREEN, RED, LATE, OURS = Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.ERRORED


def job(status: Status | None) -> Job | None:
    return None if status is None else ended(status)


def ended(status: Status) -> Job:
    return Job(
        **dict.fromkeys(("host", "began_at", "finished_at", "cancel_asked_at", "cancel_by", "cancel_as")),
        **dict.fromkeys(("cancel_reason", "exit", "reason")),
        id=1,
        run=1,
        order=make.order(),
        status=status,
        attempt=1,
        queued_at=0,
    )


@pytest.mark.parametrize(
    ("was", "is_", "word"),
    [
        (None, GREEN, None),
        (None, RED, "failed"),
        (None, LATE, "failed"),
        (None, OURS, "errored"),
        (GREEN, GREEN, None),
        (GREEN, RED, "broke"),
        (GREEN, LATE, "broke"),
        (GREEN, OURS, "errored"),
        (RED, GREEN, "fixed"),
        (RED, RED, None),
        (RED, LATE, None),
        (RED, OURS, None),
        (LATE, GREEN, "fixed"),
        (LATE, RED, None),
    ],
)
def test_a_change_is_told_and_what_stays_is_not(was: Status | None, is_: Status, word: str | None) -> None:
    assert word == verdict.worth(ended(is_), job(was), job(was))


@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.CANCELLED, Status.SKIPPED, Status.QUEUED, Status.RUNNING])
@pytest.mark.parametrize("was", [None, GREEN, RED])
def test_what_is_no_result_is_never_told(status: Status, was: Status | None) -> None:
    assert verdict.worth(ended(status), job(was), job(was)) is None


@pytest.mark.parametrize(("last", "word"), [(OURS, None), (GREEN, "errored"), (None, "errored")])
def test_an_outage_is_told_once(last: Status | None, word: str | None) -> None:
    assert word == verdict.worth(ended(OURS), job(GREEN), job(last))


def test_a_break_after_an_outage_is_told() -> None:
    assert verdict.worth(ended(RED), job(GREEN), job(OURS)) == "broke"


def test_a_summary_counts_the_worst_first() -> None:
    assert verdict.summary(["fixed", "broke", "errored", "broke"]) == "2 broke, 1 errored, 1 fixed"


def test_suspects_touch_the_subproject_or_are_all() -> None:
    mine, other = make.commit(touches=("api", "web")), make.commit(touches=("web",))

    api = verdict.suspects(ended(RED), (other, mine))
    docs = verdict.suspects(replace(ended(RED), order=make.order(subproject="docs")), (other, mine))

    assert (mine,) == api
    assert (other, mine) == docs
