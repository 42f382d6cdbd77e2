"""What monitors and feeds look at: who is busy, and what turned; on both databases."""

from sqlalchemy import event

from ctci import ledger
from ctci.model import Status
from tests import make
from tests.conftest import StoppedClock

S, F, T, E, C = Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.ERRORED, Status.CANCELLED


def turns(db: ledger.Ledger, project: str | None = None, limit: int = 100) -> list[int]:
    """The runs of what turned, oldest first."""
    ids = ledger.turned(db, project=project, limit=limit)
    known = ledger.pasts(db, ids)
    return [known[id_].run.id for id_ in reversed(ids)]


def test_who_waits_or_runs_is_busy_until_it_has_ended(db: ledger.Ledger, host: int) -> None:
    make.prepared(db, orders=(make.order(), make.order(subproject="web")))
    make.prepared(db, trigger=make.trigger(ref="refs/heads/dev"))
    waiting = ledger.busy(db)
    for _ in range(3):
        job, _ = make.running(db, host)
        make.settle(db, job, host)

    main, dev = "refs/heads/main", "refs/heads/dev"
    assert waiting == {("shop", main, "api"), ("shop", main, "web"), ("shop", dev, "api")}
    assert ledger.busy(db) == frozenset()


def test_what_may_have_turned_is_told(db: ledger.Ledger, host: int) -> None:
    made = [make.settled(db, host, status) for status in (S, S, F, T, C, S, E, E, F)]

    assert turns(db) == [made[2], made[5], made[6], made[7], made[8]]


def test_a_first_green_result_turns_nothing_and_a_first_red_one_does(db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    red = make.settled(db, host, F, trigger=make.trigger(ref="refs/heads/dev"))

    assert turns(db) == [red]


def test_each_place_turns_for_itself(db: ledger.Ledger, host: int) -> None:
    both = (make.order(), make.order(recipe=make.recipe(name="lint")))
    make.settled(db, host, orders=both)
    second = make.settled(db, host, F, orders=both[:1])
    third = make.settled(db, host, F, trigger=make.trigger(project="tools"), orders=(make.order(project="tools"),))

    assert turns(db) == [second, third]
    assert turns(db, "tools") == [third]


def test_a_rerun_of_what_newer_runs_left_behind_is_no_news(db: ledger.Ledger, host: int) -> None:
    red = make.settled(db, host, F)
    green = make.settled(db, host)
    make.settled(db, host, trigger=make.trigger(kind="rerun"), rerun_of=red)

    assert turns(db) == [red, green]


def test_a_rerun_of_the_newest_run_is_news(db: ledger.Ledger, host: int) -> None:
    red = make.settled(db, host, F)
    again = make.settled(db, host, trigger=make.trigger(kind="rerun"), rerun_of=red)

    assert turns(db) == [red, again]


def test_the_newest_are_told_when_there_are_many(db: ledger.Ledger, host: int) -> None:
    made = [make.settled(db, host, status) for status in (S, F, S, F)]

    assert turns(db, limit=2) == [made[2], made[3]]


def test_many_jobs_are_as_many_questions_as_one(db: ledger.Ledger, host: int) -> None:
    for status in (S, F) * 10:
        make.settled(db, host, status)
    asked: list[object] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given))

    one, first = len(ledger.turned(db, limit=1)), len(asked)
    many, then = len(ledger.turned(db)), len(asked) - first

    assert (one, many) == (1, 19)
    assert first == then


def test_what_did_not_go_is_told_what_was_given_up_for_a_while(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    run = make.recorded(db)
    old = make.unsent(db, run, delay_ms=None)
    stopped_clock.move(8 * 86400)
    lost, again = make.unsent(db, run, delay_ms=None), make.unsent(db, run)
    make.unsent(db, run, delay_ms=0)
    ledger.sent(db, ledger.take(db, "mail", holder="me", hold_ms=1), holder="me")
    week = stopped_clock.at - 7 * 86400 * 1000

    found = ledger.unsent(db, since=week)

    assert [(each.id, each.state, each.tries) for each in found] == [(again.id, "due", 1), (lost.id, "given_up", 1)]
    assert old.id not in {each.id for each in found}
    assert [each.id for each in ledger.unsent(db, since=week, limit=1)] == [again.id]
