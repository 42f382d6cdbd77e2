"""Group commit: what many threads write at once, durable and each by itself."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event, text

from ctci import ledger
from ctci.ledger.writer import Writer
from tests import make


def branch(number: int) -> str:
    return f"refs/heads/b{number}"


def test_every_one_of_many_threads_has_its_own_answer(db: ledger.Ledger) -> None:
    with ThreadPoolExecutor(16) as threads:
        runs = list(threads.map(lambda number: make.recorded(db, trigger=make.trigger(ref=branch(number))), range(64)))

    assert len(set(runs)) == 64
    assert {run.id: run.ref for run in ledger.runs_(db, limit=100)} == {
        run: branch(number) for number, run in enumerate(runs)
    }


def test_those_who_come_while_one_commits_share_the_next_commit(db: ledger.Ledger) -> None:
    commits: list[None] = []
    event.listen(db.engine, "commit", lambda _: commits.append(None))
    entered, go = threading.Event(), threading.Event()

    def slow(_: Connection) -> str:
        entered.set()
        go.wait(10)
        return "slow"

    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(db.writer.do, slow)
        entered.wait(10)
        others = [threads.submit(make.recorded, db, trigger=make.trigger(ref=branch(number))) for number in range(8)]
        while len(db.writer._waiting) < 8:
            pass
        go.set()
        answers = [other.result() for other in others]

    assert first.result() == "slow"
    assert len(set(answers)) == 8
    assert len(commits) == 2


def test_a_bad_one_does_not_fail_its_neighbours(db: ledger.Ledger) -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(_: Connection) -> None:
        entered.set()
        go.wait(10)

    def bad(connection: Connection) -> None:
        connection.execute(text("INSERT INTO projects (name, first_seen) VALUES ('twice', 1)"))
        connection.execute(text("INSERT INTO projects (name, first_seen) VALUES ('twice', 2)"))

    with ThreadPoolExecutor(4) as threads:
        threads.submit(db.writer.do, slow)
        entered.wait(10)
        before = threads.submit(make.recorded, db)
        failing = threads.submit(db.writer.do, bad)
        after = threads.submit(make.recorded, db, trigger=make.trigger(ref=branch(2)))
        while len(db.writer._waiting) < 3:
            pass
        go.set()

        with pytest.raises(Exception, match=r"(?i)unique"):
            failing.result()
        runs = {before.result(), after.result()}

    assert {run.id for run in ledger.runs_(db)} == runs
    with db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM projects WHERE name = 'twice'")).scalar() == 0


def test_without_a_transaction_everybody_is_told_why() -> None:
    """What is no database, and a pool that is exhausted: not Away, and nothing was taken yet."""

    @contextmanager
    def nothing() -> Iterator[Connection]:
        raise ValueError("file is not a database")
        yield

    writer = Writer(nothing, hopeless=ledger.Away)
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(writer.do, lambda _: 1) for _ in range(4)]

        for answer in answers:
            with pytest.raises(ValueError, match="not a database"):
                answer.result(10)
