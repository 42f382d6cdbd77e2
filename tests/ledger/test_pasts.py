"""What is known of a job's place: results, marks, commits, twins, and what its branch had seen before."""

import importlib
from typing import Any

import pytest
from sqlalchemy import event

from ctci import ledger
from ctci.model import AGAINST, TRY, Past, Repeat, Status
from tests import make
from tests.conftest import StoppedClock

GREEN, RED, OURS = Status.SUCCEEDED, Status.FAILED, Status.ERRORED
DAY_S = 24 * 3600


def past(db: ledger.Ledger, run: int, **fields: Any) -> Past:
    """Of the first job of a run."""
    job = ledger.jobs_of(db, [run])[run][0].id
    return ledger.pasts(db, [job], **fields)[job]


def test_the_first_result_of_a_place_has_no_past_but_its_own_commits(db: ledger.Ledger, host: int) -> None:
    commit = make.commit(sha=make.sha(5))
    run = make.settled(db, host, RED, brought=(commit,))

    found = past(db, run)

    assert (found.job.run, found.run.id, found.baseline, found.green, found.last) == (run, run, None, None, None)
    assert (found.results, found.commits, found.recipe_changed, found.overtaken) == ((), (commit,), False, False)
    assert found.red is not None
    assert found.red.run == run


def test_the_marks_are_the_last_green_before_and_the_first_red_after(db: ledger.Ledger, host: int) -> None:
    statuses = (RED, GREEN, GREEN, OURS, RED, Status.CANCELLED, RED, GREEN, GREEN)
    runs = [make.settled(db, host, status) for status in statuses]

    def marks(number: int) -> tuple[Any, ...]:
        found = past(db, runs[number])
        of = [None if each is None else runs.index(each.run) for each in (found.baseline, found.green, found.red)]
        return (*of, found.last, [runs.index(each.run) for each in found.results])

    assert marks(1) == (0, None, 0, RED, [0])
    assert marks(3) == (2, 2, None, GREEN, [2, 1, 0])
    assert marks(4) == (2, 2, 4, OURS, [2, 1, 0])
    assert marks(6) == (4, 2, 4, RED, [4, 2, 1, 0])
    assert marks(7) == (6, 2, 4, RED, [6, 4, 2, 1, 0])
    assert marks(8) == (7, 7, None, GREEN, [7, 6, 4, 2, 1, 0])


def test_of_a_long_history_the_last_results_are_known(
    db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The package has a function of the module's name.
    monkeypatch.setattr(importlib.import_module("ctci.ledger.pasts"), "RESULTS", 3)
    runs = [make.settled(db, host, status) for status in (RED, GREEN, RED, Status.CANCELLED, GREEN, GREEN)]

    early, late = past(db, runs[2]), past(db, runs[5])

    assert [each.run for each in early.results] == [runs[1], runs[0]]
    assert [each.run for each in late.results] == [runs[4], runs[2], runs[1]]


def test_other_places_are_none_of_it(db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, GREEN, trigger=make.trigger(ref="refs/heads/dev"))
    make.settled(db, host, GREEN, orders=(make.order(subproject="web"),))
    make.settled(db, host, GREEN, orders=(make.order(recipe=make.recipe(name="lint")),))
    make.settled(db, host, GREEN, trigger=make.trigger(project="blog"), orders=(make.order(project="blog"),))

    found = past(db, make.settled(db, host, RED))

    assert (found.results, found.green) == ((), None)


def test_a_rerun_stands_where_its_original_stood(db: ledger.Ledger, host: int) -> None:
    first = make.settled(db, host, RED)
    second = make.settled(db, host, GREEN)
    again = make.settled(db, host, GREEN, trigger=make.trigger(kind="rerun"), rerun_of=first)

    found = past(db, again)

    assert (found.baseline.run if found.baseline else None, found.overtaken) == (first, True)
    assert past(db, second).baseline == found.results[0] or past(db, second).results[0].run == again


def test_the_commits_are_those_of_the_pushes_from_green_to_red(db: ledger.Ledger, host: int) -> None:
    shas = iter(range(10, 99))

    def brought() -> dict[str, Any]:
        return {"brought": tuple(make.commit(sha=make.sha(next(shas))) for _ in range(2))}

    make.settled(db, host, GREEN, **brought())
    make.settled(db, host, Status.SUPERSEDED, **brought())
    make.settled(db, host, OURS, trigger=make.trigger(kind="manual"), **brought())
    red = make.settled(db, host, RED, **brought())
    make.settled(db, host, Status.CANCELLED, **brought())
    still = make.settled(db, host, RED, **brought())
    fixed = make.settled(db, host, GREEN, **brought())

    told = [[int(commit.sha, 16) for commit in past(db, run).commits] for run in (red, still, fixed)]

    assert told == [[16, 17, 12, 13]] * 3


def test_a_changed_recipe_is_one_that_runs_something_else(db: ledger.Ledger, host: int) -> None:
    def of(**fields: Any) -> dict[str, Any]:
        return {"orders": (make.order(recipe=make.recipe(**fields)),)}

    make.settled(db, host, GREEN, **of())
    same = make.settled(db, host, RED, **of(nice=5, retries=2, slow_s=9))
    make.settled(db, host, GREEN, **of())
    other = make.settled(db, host, RED, **of(run="make check"))
    later = make.settled(db, host, RED, **of())

    assert [past(db, run).recipe_changed for run in (same, other, later)] == [False, True, True]


def test_results_of_the_same_commit_with_the_same_recipe_are_twins(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    make.settled(db, host, GREEN, trigger=make.trigger(after=make.sha(7), ref="refs/heads/dev", key="a"))
    stopped_clock.move(15 * DAY_S)
    near = make.settled(db, host, GREEN, trigger=make.trigger(after=make.sha(7), ref="refs/heads/x", key="b"))
    changed = (make.order(recipe=make.recipe(run="make check")),)
    make.settled(db, host, GREEN, orders=changed, trigger=make.trigger(after=make.sha(7), ref="refs/heads/y", key="c"))

    found = past(db, make.settled(db, host, RED, trigger=make.trigger(after=make.sha(7), key="d")))

    assert [(each.run, each.status) for each in found.twins] == [(near, GREEN)]


def test_a_retry_and_tests_that_passed_at_last_are_known(db: ledger.Ledger, host: int) -> None:
    order = make.order(recipe=make.recipe(retries=1))
    run = make.prepared(db, orders=(order,))
    job, _ = make.running(db, host)
    facts: dict[str, Any] = {"job": job.id, "host": host, "exit": make.exit_()}
    ledger.retry(db, **facts, attempt=1, status=RED, reason="again")
    job, _ = make.running(db, host)
    warned = make.finding(severity="warning", test="t::a")
    reading = make.reading(job=job.id, attempt=2)
    ledger.settle(db, **facts, attempt=2, status=GREEN, reason=None, reading=reading, findings=[warned, warned])

    own, later = past(db, run), past(db, make.settled(db, host, GREEN))

    assert (own.retried, own.reading is not None, own.findings) == (True, True, (warned, warned))
    seen = later.results[0]
    assert (seen.was_red, seen.attempt, seen.flaky_tests, later.retried) == (True, 2, ("t::a",), False)


def told(db: ledger.Ledger, host: int, *fingerprints: str, **fields: Any) -> int:
    """A red run that said so."""
    run = make.prepared(db, **fields)
    job, _ = make.running(db, host)
    found = [make.finding(fingerprint=each) for each in fingerprints]
    reading = make.reading(job=job.id, attempt=1, first=0)
    ledger.settle(
        db,
        job=job.id,
        attempt=1,
        host=host,
        status=RED,
        reason=None,
        exit=make.exit_(),
        reading=reading,
        findings=found,
    )
    return run


def test_what_the_branch_has_seen_in_21_days_is_known(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    told(db, host, "old")
    stopped_clock.move(22 * DAY_S)
    told(db, host, "seen", "other")
    told(db, host, "elsewhere", trigger=make.trigger(ref="refs/heads/dev"))
    stopped_clock.move(20 * DAY_S)

    found = past(db, told(db, host, "old", "seen", "elsewhere", "new"))

    assert found.known == {"seen"}
    assert [each.fingerprint for each in found.findings] == ["old", "seen", "elsewhere", "new"]


def test_what_a_tool_has_said_in_every_run_is_found_without_reading_them_all(db: ledger.Ledger, host: int) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("its steps are counted")
    marks = tuple(f"mark {number}" for number in range(20))
    history = importlib.import_module("ctci.ledger.pasts")

    def steps(more: int) -> int:
        run = [told(db, host, *marks) for _ in range(more)][-1]
        counted: list[None] = []
        with db.read() as connection:
            places = history._places(connection, [job.id for job in ledger.jobs_of(db, [run])[run]])
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.set_progress_handler(lambda: counted.append(None), 10)
            history._known(connection, places, {})
            raw.set_progress_handler(None, 0)
        assert [each.known for each in places.values()] == [set(marks)]
        return len(counted)

    few, many = steps(8), steps(24)

    assert many < 1.5 * few


def test_what_is_known_of_many_jobs_is_asked_in_parts(
    db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [make.settled(db, host, status) for status in (GREEN, RED, GREEN, RED)]
    whole = [past(db, run) for run in runs]
    monkeypatch.setattr(importlib.import_module("ctci.ledger.seen"), "AT_ONCE", 1)

    assert [past(db, run) for run in runs] == whole


def test_what_is_acknowledged_in_the_project_is_until_its_time(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    run = told(db, host, "a", "b")
    for project, mark in (("shop", "a"), ("shop", "b"), ("blog", "c")):
        until = stopped_clock.at + 60_000
        ledger.ack(db, project=project, fingerprint=mark, said="x", until=until, why="known", by="ana")
    ledger.lift(db, project="shop", fingerprint="b", by="ana")

    now = past(db, run).acked
    stopped_clock.move(60)

    assert now == {"a"}
    assert past(db, run).acked == set()


def test_a_repeat_tells_what_was_found_then(db: ledger.Ledger, host: int) -> None:
    first = told(db, host, "a")
    job = ledger.jobs_of(db, [first])[first][0].id
    run = make.recorded(db)
    mine = ledger.jobs_of(db, [run])[run][0].id
    commit = make.commit(sha=make.sha(run))
    repeat = Repeat(job=job, status=RED, reason="unchanged")
    ledger.prepare(
        db,
        run,
        commit=commit,
        brought=(),
        older_than=None,
        skips={},
        repeats={mine: repeat},
        default_branch="main",
    )

    found = past(db, run)

    assert (found.job.same_as, [each.fingerprint for each in found.findings]) == (job, ["a"])
    assert found.baseline is not None
    assert found.baseline.run == first


def test_a_branch_has_left_where_it_did_however_often_that_is_built_again(db: ledger.Ledger, host: int) -> None:
    left = make.settled(db, host, GREEN, trigger=make.trigger(after=make.sha(1)))
    first, second = (make.commit(sha=make.sha(n)) for n in (90, 91))
    branch = {"merge_base": make.sha(1)}
    trigger = make.trigger(ref="refs/heads/a", after=make.sha(90))
    make.settled(db, host, Status.SUPERSEDED, trigger=trigger, brought=(first,), **branch)
    trigger = make.trigger(ref="refs/heads/a", after=make.sha(91))
    run = make.settled(db, host, RED, trigger=trigger, brought=(second,), **branch)
    make.settled(db, host, GREEN, trigger=make.trigger(kind="manual", after=make.sha(1)))

    found = past(db, run, defaults={"shop": "refs/heads/main"})

    assert found.green is not None
    assert (found.forked, found.green.run) == (True, left)
    # What was replaced before it came to a result may have broken it as well.
    assert found.commits == (second, first)


def test_a_branch_without_a_result_has_that_of_where_it_left_the_default_branch(db: ledger.Ledger, host: int) -> None:
    green = make.settled(db, host, GREEN, trigger=make.trigger(after=make.sha(1)))
    make.settled(db, host, RED, trigger=make.trigger(after=make.sha(2)))
    left = make.settled(db, host, Status.SUPERSEDED, trigger=make.trigger(after=make.sha(3)))
    make.settled(db, host, GREEN, trigger=make.trigger(after=make.sha(4)))
    defaults = {"shop": "refs/heads/main"}

    def branch(name: str, base: int | None, **fields: Any) -> Past:
        trigger = make.trigger(ref=f"refs/heads/{name}", after=make.sha(90))
        merge_base = None if base is None else make.sha(base)
        run = make.settled(db, host, RED, trigger=trigger, merge_base=merge_base, **fields)
        return past(db, run, defaults=defaults)

    at_green, at_red, unknown = branch("a", 1), branch("b", 3), branch("c", 9)
    other = branch("d", 3, orders=(make.order(subproject="web", ref="refs/heads/d"),))
    on_main = past(db, left, defaults=defaults)

    assert at_green.baseline == at_green.green
    assert (at_green.forked, at_green.baseline.run if at_green.baseline else None) == (True, green)
    assert at_red.baseline is not None
    assert at_red.green is not None
    assert (at_red.baseline.status, at_red.green.run, at_red.results) == (RED, green, ())
    assert (unknown.forked, unknown.baseline, other.baseline) == (False, None, None)
    assert on_main.forked is False


def test_the_facts_of_the_last_green_are_held_against_those_of_the_first_red(db: ledger.Ledger, host: int) -> None:
    def told_of(status: Status, **facts: str) -> int:
        run = make.prepared(db)
        job, _ = make.running(db, host)
        end: dict[str, Any] = {"job": job.id, "attempt": 1, "host": host, "status": status, "reason": None}
        ledger.settle(db, **end, exit=make.exit_(), facts=facts)
        return run

    told_of(GREEN, gcc="12")
    told_of(GREEN, gcc="13")
    told_of(RED, gcc="14")
    found = past(db, told_of(RED, gcc="15"))

    assert (found.facts_before, found.facts_now) == ({"gcc": "13"}, {"gcc": "14"})


def test_many_jobs_are_asked_for_by_as_many_queries_as_one(db: ledger.Ledger, host: int) -> None:
    for status in (GREEN, RED, RED, GREEN):
        for name in "abcde":
            make.settled(db, host, status, orders=(make.order(subproject=name),), brought=(make.commit(),))
    ids = [job.id for job in ledger.standing(db)]

    counts = []
    for some in (ids[:1], ids):
        with counted(db) as statements:
            assert len(ledger.pasts(db, some, {"shop": "refs/heads/main"})) == len(some)
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 20
    assert ledger.pasts(db, []) == {}


class counted:  # noqa: N801 - reads as a verb
    """The statements that are executed within."""

    def __init__(self, db: ledger.Ledger) -> None:
        self._engine = db.engine
        self.statements: list[str] = []

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self.statements

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.statements.append(statement)


def test_a_try_is_held_against_a_branch_and_changes_nothing_of_it(db: ledger.Ledger, host: int) -> None:
    def tried(status: Status, against: str = "refs/heads/main", **fields: Any) -> Past:
        trigger = make.trigger(kind=TRY, ref="refs/heads/login", options=(f"{AGAINST}{against}",))
        number = make.prepared(db, trigger=trigger, brought=(make.commit(sha=make.sha(99)),))
        ((job, _),) = (make.running(db, host),)
        make.settle(db, job, host, status, **fields)
        return past(db, number)

    old, new = make.finding(), make.finding()
    green = make.settled(db, host, GREEN)
    broke = tried(RED, told=(old, new))
    red = make.prepared(db)
    make.settle(db, make.running(db, host)[0], host, RED, told=(old,))
    still, fixed = tried(RED, told=(old, new)), tried(GREEN)
    elsewhere = tried(GREEN, against="refs/heads/release")

    def runs(found: Past) -> tuple[int | None, ...]:
        return tuple(None if each is None else each.run for each in (found.baseline, found.green, found.red))

    # Of what it breaks itself, what it brings is to blame; other tries are no history of anything.
    assert (runs(broke), [each.sha for each in broke.commits]) == ((green, green, broke.run.id), [make.sha(99)])
    assert (runs(still), still.commits, still.known) == ((red, green, red), (), frozenset({old.fingerprint}))
    assert runs(fixed) == (red, green, red)
    assert runs(elsewhere) == (None, None, None)
    assert (broke.run.ref, broke.run.against) == ("refs/heads/login", "refs/heads/main")
    assert [job.run for job, _ in ledger.bases(db, "shop", "refs/heads/main").values()] == [red]
    assert ledger.bases(db, "shop", "refs/heads/login") == {}
    assert {each.run for each in ledger.changes_after(db, 0)} == {green, red}
