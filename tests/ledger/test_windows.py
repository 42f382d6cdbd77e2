"""What happened between two times: which places, their results, what was before them; on both databases."""

from sqlalchemy import event

from ctci import ledger
from ctci.ledger import Window
from ctci.model import BISECT, Branch, Status
from tests import make
from tests.conftest import StoppedClock

GREEN, RED, OURS = Status.SUCCEEDED, Status.FAILED, Status.ERRORED
DAY = 86_400
API, WEB = ("shop", "refs/heads/main", "api", "test"), ("shop", "refs/heads/main", "web", "test")


def runs(window: Window) -> tuple[int | None, list[int], list[int]]:
    """Which runs they are of: what was before, the results, and what was errored."""
    before = window.before.run if window.before is not None else None
    return before, [each.run for each in window.results], [each.run for each in window.errored]


def test_a_window_has_what_ended_in_it_and_what_was_before(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    old = [make.settled(db, host, status) for status in (GREEN, RED, Status.CANCELLED)]
    since = stopped_clock.at
    stopped_clock.move(DAY)
    inside = [make.settled(db, host, status, "no disk" if status is OURS else None) for status in (RED, OURS, GREEN)]
    until = stopped_clock.at
    stopped_clock.move(DAY)
    make.settled(db, host, RED)

    found = ledger.windows(db, since, until)

    assert found.keys() == {API}
    assert runs(found[API]) == (old[1], [inside[0], inside[2]], [inside[1]])
    assert (found[API].errored[0].reason, found[API].errored[0].at) == ("no disk", until)


def test_what_is_red_is_told_though_nothing_ended_there(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    make.settled(db, host, RED)
    make.settled(db, host, GREEN, orders=(make.order(subproject="web"),))
    stopped_clock.move(DAY)

    found = ledger.windows(db, stopped_clock.at - 1000, stopped_clock.at)

    assert found.keys() == {API}
    assert (found[API].results, found[API].before is not None) == ((), True)
    assert found[API].last == ledger.standing(db)[1].id


def test_results_stand_in_the_order_of_history(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    since = stopped_clock.at
    stopped_clock.move(DAY)
    first, second = make.settled(db, host, RED), make.settled(db, host, RED)
    again = make.settled(db, host, GREEN, trigger=make.trigger(kind="rerun"), rerun_of=first)

    found = ledger.windows(db, since, stopped_clock.at)

    assert runs(found[API]) == (None, [first, again, second], [])


def test_a_search_for_a_culprit_is_of_no_branch(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    since = stopped_clock.at
    stopped_clock.move(DAY)
    make.settled(db, host, RED, trigger=make.trigger(kind=BISECT))

    assert ledger.windows(db, since, stopped_clock.at) == {}
    assert ledger.ran(db, since, stopped_clock.at) == ()


def test_what_ran_is_counted_by_branch(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    since = stopped_clock.at
    stopped_clock.move(DAY)
    for status in (GREEN, GREEN, RED, OURS, Status.CANCELLED):
        make.settled(db, host, status)
    make.settled(db, host, GREEN, trigger=make.trigger(ref="refs/heads/dev"))
    make.prepared(db)

    found = sorted(ledger.ran(db, since, stopped_clock.at), key=lambda branch: branch.ref)

    assert found == [
        Branch(project="shop", ref="refs/heads/dev", runs=1, green=1),
        Branch(project="shop", ref="refs/heads/main", runs=4, green=2),
    ]


def test_many_places_are_asked_for_by_as_many_queries_as_one(
    db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    counts = []
    statements: list[object] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given))
    for names in ("a", "abcdefgh"):
        since = stopped_clock.at
        stopped_clock.move(DAY)
        make.settled(db, host, RED, orders=tuple(make.order(subproject=name) for name in names))
        statements.clear()
        assert len(ledger.windows(db, since, stopped_clock.at)) == len(names)
        counts.append(len(statements))

    assert counts[0] == counts[1]
