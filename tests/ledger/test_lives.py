"""The looks at a place, in the order of history, as lives are told from them."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event

from ctci import ledger
from ctci.model import Finding, Job, Look, Reading, Repeat, Status, Tally
from tests import make

GREEN, RED = Status.SUCCEEDED, Status.FAILED
A, B = make.finding(fingerprint="a" * 32), make.finding(fingerprint="b" * 32, test="tests.test_cart::test_total")


def ended(db: ledger.Ledger, host: int, *told: Finding, status: Status = RED, **fields: Any) -> Job:
    """A job of a run of its own that has ended with these findings; `tests`: of its report."""
    tests = fields.pop("tests", None)
    make.prepared(db, **fields)
    job, _ = make.running(db, host)
    close(db, host, job, *told, status=status, tests=tests)
    return job


def close(
    db: ledger.Ledger,
    host: int,
    job: Job,
    *told: Finding,
    status: Status = RED,
    tests: Tally | None = None,
    **more: Any,
) -> None:
    """Settle a running job."""
    reading = Reading(job=job.id, attempt=job.attempt, tests=tests, errors=len(told), first=0 if told else None)
    facts: dict[str, Any] = {"reason": None, "exit": make.exit_(), "reading": reading, "findings": told, **more}
    ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=status, **facts)


def seen(looks: Sequence[Look]) -> list[tuple[int, Status, list[str]]]:
    """(run, status, first letters of what was seen) of each."""
    return [(look.run, look.status, [each.fingerprint[0] for each in look.sightings]) for look in looks]


def test_the_looks_at_a_place_stand_in_the_order_of_history(db: ledger.Ledger, host: int) -> None:
    jobs = [ended(db, host, A, B), ended(db, host, status=GREEN), ended(db, host, B)]

    found = ledger.looks(db, [jobs[2].id, jobs[1].id])

    assert seen(found[jobs[2].id]) == [(1, RED, ["a", "b"]), (2, GREEN, []), (3, RED, ["b"])]
    assert found[jobs[1].id] == found[jobs[2].id][:2]
    assert [each.test for each in found[jobs[2].id][0].sightings] == [None, B.test]


def test_looks_are_of_one_place_only(db: ledger.Ledger, host: int) -> None:
    ended(db, host, A, orders=(make.order(recipe=make.recipe(name="lint")),))
    ended(db, host, A, trigger=make.trigger(ref="refs/heads/side"))
    ended(db, host, A, trigger=make.trigger(project="blog"))
    mine = ended(db, host, B)

    assert seen(ledger.looks(db, [mine.id])[mine.id]) == [(4, RED, ["b"])]


@pytest.mark.parametrize("status", [Status.ERRORED, Status.CANCELLED, Status.SUPERSEDED])
def test_what_came_to_no_result_is_no_look(db: ledger.Ledger, host: int, status: Status) -> None:
    ended(db, host, A, status=status)
    mine = ended(db, host, B)

    assert [look.run for look in ledger.looks(db, [mine.id])[mine.id]] == [2]


def test_a_result_that_is_only_repeated_is_no_look(db: ledger.Ledger, host: int) -> None:
    first = ended(db, host, A)
    run = make.recorded(db)
    (job,) = ledger.jobs_of(db, [run])[run]
    make.prepare(db, run, repeats={job.id: Repeat(job=first.id, status=RED, reason="unchanged since #1: failed")})

    assert seen(ledger.looks(db, [job.id])[job.id]) == [(1, RED, ["a"])]
    assert seen(list(ledger.looks_of(db, [run])[run].values())) == [(1, RED, ["a"])]


def test_each_attempt_is_a_look_of_its_own(db: ledger.Ledger, host: int) -> None:
    make.prepared(db, orders=(make.order(recipe=make.recipe(retries=1)),))
    job, _ = make.running(db, host)
    facts: dict[str, Any] = {"reading": Reading(job=job.id, attempt=1, errors=1, first=0), "findings": [A]}
    ledger.retry(db, job=job.id, attempt=1, host=host, status=RED, reason="exit 1", exit=make.exit_(code=1), **facts)
    again, _ = make.running(db, host)
    close(db, host, again, status=GREEN)

    looks = ledger.looks(db, [job.id])[job.id]

    assert [(look.attempt, look.status) for look in looks] == [(1, RED), (2, GREEN)]
    assert looks[0].trial == looks[1].trial
    assert ledger.looks_of(db, [1]) == {1: {"api:test": looks[1]}}


def test_a_rerun_stands_where_its_original_stood(db: ledger.Ledger, host: int) -> None:
    first, second = ended(db, host, A), ended(db, host, B)
    trigger = make.trigger(kind="rerun", after=None)
    rerun = ended(db, host, A, trigger=trigger, rerun_of=first.run)

    assert [look.run for look in ledger.looks(db, [second.id])[second.id]] == [first.run, rerun.run, second.run]


def test_looks_at_one_commit_by_one_recipe_are_of_one_trial(db: ledger.Ledger, host: int) -> None:
    one, other = make.order(), make.order(recipe=make.recipe(run="make test-all"))
    jobs = [
        ended(db, host, A, trigger=make.trigger(after=make.sha(commit), kind="manual"), orders=(order,))
        for commit, order in ((7, one), (8, one), (7, other), (7, one), (7, other))
    ]

    trials = [look.trial for look in ledger.looks(db, [jobs[-1].id])[jobs[-1].id]]

    first, second, third, *_ = (job.id for job in jobs)
    assert trials == [first, second, third, first, third]


def test_a_look_says_how_much_was_read(db: ledger.Ledger, host: int) -> None:
    own = make.finding(tool="ctci", severity="warning", message="7 more findings are left out")
    ended(db, host, A, tests=Tally(total=12, failed=1))
    ended(db, host, A, own)
    make.prepared(db)
    job, _ = make.running(db, host)
    close(db, host, job, reading=Reading(job=job.id, attempt=1, state="failed"))
    for written in (0, 900):
        make.prepared(db)
        job, _ = make.running(db, host)
        close(db, host, job, reading=None, exit=make.exit_(log_bytes=written))

    looks = ledger.looks(db, [job.id])[job.id]

    assert [(look.tests, look.whole) for look in looks] == [(12, True), (0, False), (0, False), (0, True), (0, False)]


def test_a_test_that_a_report_only_warns_of_has_recovered(db: ledger.Ledger, host: int) -> None:
    told = (make.finding(severity="warning", test="t"), make.finding(severity="warning"), make.finding(test="u"))
    job = ended(db, host, *told, status=GREEN)

    assert [each.recovered for each in ledger.looks(db, [job.id])[job.id][0].sightings] == [True, False, False]


def test_looks_may_tell_of_some_findings_only_or_of_one_test(db: ledger.Ledger, host: int) -> None:
    job = ended(db, host, A, B)

    (some,) = ledger.looks(db, [job.id], fingerprints=[A.fingerprint])[job.id]
    (one,) = ledger.looks(db, [job.id], test=B.test)[job.id]

    assert ([each.fingerprint[0] for each in some.sightings], [each.test for each in one.sightings]) == (
        ["a"],
        [B.test],
    )


def test_only_the_last_looks_are_told_of(db: ledger.Ledger, host: int) -> None:
    jobs = [ended(db, host, A) for _ in range(5)]

    assert [look.run for look in ledger.looks(db, [jobs[-1].id], limit=2)[jobs[-1].id]] == [4, 5]


def test_two_runs_are_read_place_by_place(db: ledger.Ledger, host: int) -> None:
    orders = (make.order(), make.order(subproject="", directory=".", recipe=make.recipe(name="lint")))
    runs = []
    for told in ((A, B), (B,)):
        runs.append(make.prepared(db, orders=orders))
        for _ in orders:
            job, _ = make.running(db, host)
            close(db, host, job, *told)

    found = ledger.looks_of(db, [*runs, 99])

    assert {place: seen([look]) for place, look in found[runs[0]].items()} == {
        "api:test": [(1, RED, ["a", "b"])],
        "lint": [(1, RED, ["a", "b"])],
    }
    assert (set(found[runs[1]]), found[99]) == ({"api:test", "lint"}, {})


def test_many_places_are_read_as_one(db: ledger.Ledger, host: int) -> None:
    recipes = [make.order(recipe=make.recipe(name=f"r{number}")) for number in range(8)]
    for _ in range(3):
        make.prepared(db, orders=tuple(recipes))
        for _ in recipes:
            job, _ = make.running(db, host)
            close(db, host, job, A, B)
    jobs = [job.id for job in ledger.jobs_of(db, [3])[3]]
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    found = ledger.looks(db, jobs)

    assert [len(each) for each in found.values()] == [3] * 8
    assert sum("SELECT" in statement for statement in asked) == 4


def test_what_is_asked_for_is_found_by_an_index(db: ledger.Ledger, host: int) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL reads small tables whole")
    job = ended(db, host, A)
    asked: list[tuple[str, Any]] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    ledger.looks(db, [job.id], fingerprints=[A.fingerprint])
    told = [each for each in asked if "SELECT" in each[0]]

    with db.read() as connection:
        plans = [
            [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in told
        ]

    used = "\n".join(step for plan in plans for step in plan)
    assert {"jobs_by_place", "findings_by_fingerprint", "findings_of_ctci"} <= set(used.replace("(", " ").split())
    assert "SCAN findings" not in used
