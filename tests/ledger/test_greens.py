"""The lines of green logs: known over all branches of a recipe, forgotten after so many greens, never more than fit."""

from collections.abc import Iterable

from sqlalchemy import event, func, select

from ctci import ledger
from ctci.ledger import greens
from ctci.ledger.tables import lines as lines_table
from ctci.model import Job, Lines, NewLine, Novel, Order, Reading, Status
from tests import make


def lines(words: Iterable[int] | None = (), whole: Iterable[int] | None = (), *, way: int = 1) -> Lines:
    kinds = (None if each is None else frozenset(each) for each in (words, whole))
    return Lines(way=way, **dict(zip(("words", "whole"), kinds, strict=True)))


def ended(
    db: ledger.Ledger,
    host: int,
    seen: Lines | None,
    *,
    order: Order | None = None,
    status: Status = Status.SUCCEEDED,
    novel: Novel | None = None,
) -> Job:
    """A job that has ended with these lines in its log."""
    order = order or make.order()
    make.prepared(db, trigger=make.trigger(ref=order.ref), orders=(order,))
    job, _ = make.running(db, host)
    ledger.settle(
        db,
        job=job.id,
        attempt=job.attempt,
        host=host,
        status=status,
        reason=None,
        exit=make.exit_(),
        reading=Reading(job=job.id, attempt=job.attempt, novel=novel),
        lines=seen,
    )
    return job


def test_lines_of_green_logs_are_known_from_then_on(db: ledger.Ledger, host: int) -> None:
    before = ledger.learnt(db, make.order())
    ended(db, host, lines([1, 2**32 - 1], [7]))
    ended(db, host, lines([0, 1], [8]))

    assert before is None
    assert ledger.learnt(db, make.order()) == lines([0, 1, 2**32 - 1], [7, 8])


def test_what_is_not_green_or_was_not_read_teaches_nothing(db: ledger.Ledger, host: int) -> None:
    ended(db, host, lines([1]), status=Status.FAILED)
    ended(db, host, None)

    assert ledger.learnt(db, make.order()) is None


def test_a_green_log_without_a_line_is_a_green_log(db: ledger.Ledger, host: int) -> None:
    ended(db, host, lines())

    assert ledger.learnt(db, make.order()) == lines()


def test_branches_learn_from_each_other_and_recipes_do_not(db: ledger.Ledger, host: int) -> None:
    ended(db, host, lines([1]), order=make.order(ref="refs/heads/side"))
    ended(db, host, lines([2]), order=make.order(recipe=make.recipe(name="lint")))
    ended(db, host, lines([3]), order=make.order(subproject="web"))

    assert ledger.learnt(db, make.order()) == lines([1])


def test_a_line_is_forgotten_after_twenty_green_logs_without_it(db: ledger.Ledger, host: int) -> None:
    ended(db, host, lines([1, 2], [9]))
    for _ in range(greens.GREENS - 1):
        ended(db, host, lines([2]))
    before = ledger.learnt(db, make.order())
    ended(db, host, lines([2]))

    assert before == lines([1, 2], [9])
    assert ledger.learnt(db, make.order()) == lines([2])


def test_after_a_log_that_is_too_various_nothing_is_known_for_twenty_green_ones(db: ledger.Ledger, host: int) -> None:
    ended(db, host, lines(None, [9]))
    told = []
    for _ in range(greens.GREENS):
        told.append(ledger.learnt(db, make.order()))
        ended(db, host, lines([2], [9]))

    assert told == [lines(None, [9])] * greens.GREENS
    assert ledger.learnt(db, make.order()) == lines([2], [9])


def test_more_lines_than_are_kept_are_none(db: ledger.Ledger, host: int) -> None:
    ended(db, host, lines(range(greens.MOST - 10), [9]))
    before = ledger.learnt(db, make.order())
    ended(db, host, lines(range(2 * greens.MOST, 2 * greens.MOST + 20), [9]))

    assert before is not None
    assert before.words is not None
    assert ledger.learnt(db, make.order()) == lines(None, [9])
    with db.read() as connection:
        kept = connection.execute(select(lines_table.c.words)).scalar_one()
    assert len(kept) == 5 * greens.MOST


def test_lines_that_were_told_apart_in_another_way_are_let_go(db: ledger.Ledger, host: int) -> None:
    ended(db, host, lines([1], None, way=1))
    ended(db, host, lines([2], way=2))

    assert ledger.learnt(db, make.order()) == lines([2], way=2)


def test_lines_go_with_the_last_job_of_their_recipe(db: ledger.Ledger, host: int) -> None:
    first, second = ended(db, host, lines([1])), ended(db, host, lines([2]))
    other = make.order(recipe=make.recipe(name="lint"))
    ended(db, host, lines([3]), order=other)

    ledger.forget(db, [first.run])
    between = ledger.learnt(db, make.order())
    ledger.forget(db, [second.run])

    assert between == lines([1, 2])
    assert ledger.learnt(db, make.order()) is None
    assert ledger.learnt(db, other) == lines([3])


def test_learning_asks_a_fixed_number_of_times(db: ledger.Ledger, host: int) -> None:
    ended(db, host, lines(range(100)))
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    ended(db, host, lines(range(1000, 5000)))

    assert sum(" lines" in statement for statement in asked) == 3
    with db.read() as connection:
        assert connection.execute(select(func.count()).select_from(lines_table)).scalar() == 1


def test_what_is_new_in_a_log_is_kept_with_what_was_read(db: ledger.Ledger, host: int) -> None:
    novel = Novel(count=12, lines=(NewLine(line=214, text="boom \"'\u202e"), NewLine(line=300, text="")))

    job = ended(db, host, None, status=Status.FAILED, novel=novel)

    assert ledger.found(db, [job.id])[job.id][0].novel == novel
