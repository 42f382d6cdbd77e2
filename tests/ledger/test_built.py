"""Which runs were made of a commit."""

from sqlalchemy import event

from ctci import ledger
from tests import make

A, B = make.sha(0xA), make.sha(0xB)


def test_the_runs_of_a_commit_are_found_newest_first(db: ledger.Ledger) -> None:
    first = make.prepared(db, trigger=make.trigger(after=A))
    make.prepared(db, trigger=make.trigger(after=make.sha(0xC)))
    tag = make.prepared(db, trigger=make.trigger(kind="tag", ref="refs/tags/v1", after=A))
    other = make.prepared(db, trigger=make.trigger(after=B))
    make.prepared(db, trigger=make.trigger(project="blog", after=A))

    found = ledger.built(db, "shop", {A, B})

    assert {sha: [run.id for run in runs] for sha, runs in found.items()} == {A: [tag, first], B: [other]}


def test_before_it_is_fetched_a_branch_stands_for_what_was_pushed_and_a_tag_for_nothing(db: ledger.Ledger) -> None:
    branch = make.recorded(db, trigger=make.trigger(after=A))
    make.recorded(db, trigger=make.trigger(kind="tag", ref="refs/tags/v1", after=A))

    found = ledger.built(db, "shop", {A})

    assert {sha: [run.id for run in runs] for sha, runs in found.items()} == {A: [branch]}


def test_many_commits_are_one_query(db: ledger.Ledger) -> None:
    for number in range(20):
        make.prepared(db, trigger=make.trigger(after=make.sha(0x100 + number)))
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    found = ledger.built(db, "shop", [make.sha(0x100 + number) for number in range(20)])

    assert len(found) == 20
    assert len([each for each in asked if each.startswith("SELECT")]) == 1
