"""Searches for what broke a place: begun once, read by a fixed number of queries, and counted nowhere else."""

from typing import Any

from sqlalchemy import event

from ctci import ledger
from ctci.model import BISECT, Entry, Hunting, Status
from tests import make

NIGHTLY = ("shop", "nightly")
LOOKING: dict[str, Any] = {"doubtful": False, "until": None, "word": "looking", "sentence": "looking"}


def nightly(db: ledger.Ledger, host: int, status: Status, **order: Any) -> int:
    trigger = make.trigger(kind="schedule", schedule="nightly")
    return make.settled(db, host, status, trigger=trigger, orders=(make.order(**order),))


def begun(db: ledger.Ledger, host: int, **order: Any) -> Hunting:
    quarry = make.broken(db, host, **order)
    assert ledger.hunt(db, quarry, commits=[make.sha(1), make.sha(2)], **LOOKING)
    return next(each for each in ledger.hunting(db) if each.quarry.red.id == quarry.red.id)


def another(each: Hunting, number: int) -> Entry:
    order = each.quarry.red.order
    trigger = make.trigger(kind=BISECT, key=f"bisect:{each.id}:{number}", ref=order.ref, after=make.sha(7))
    return make.entry(trigger=trigger, orders=(order,), forge="ctci", event=BISECT, priority=30)


def tried(db: ledger.Ledger, host: int, each: Hunting, status: Status, number: int = 1) -> int:
    made = ledger.probe(db, each.id, number=number, position=2, entry=another(each, number))
    assert made.run is not None
    make.prepare(db, made.run)
    job, run = make.running(db, host)
    assert run.id == made.run
    ledger.settle(db, job=job.id, attempt=1, host=host, status=status, reason=None, exit=make.exit_())
    return made.run


def test_a_place_that_a_schedule_turned_red_is_looked_into_once(db: ledger.Ledger, host: int) -> None:
    quarry = make.broken(db, host)

    first = ledger.hunt(db, quarry, commits=[make.sha(1)], **LOOKING)
    second = ledger.hunt(db, quarry, commits=[make.sha(2)], **LOOKING)

    (each,) = ledger.hunting(db)
    assert (first, second, each.commits) == (True, False, (make.sha(1),))
    assert (each.quarry, each.schedule, each.broken, each.probes) == (quarry, "nightly", True, ())
    assert (quarry.green.run, quarry.red.run) == (quarry.green_run.id, quarry.run.id)
    assert ledger.unhunted(db, [NIGHTLY]) == ()


def test_only_what_such_a_schedule_turned_red_is_looked_into(db: ledger.Ledger, host: int) -> None:
    nightly(db, host, Status.FAILED, subproject="never-green")
    make.settled(db, host, Status.SUCCEEDED, orders=(make.order(subproject="pushed"),))
    make.settled(db, host, Status.FAILED, orders=(make.order(subproject="pushed"),))
    nightly(db, host, Status.FAILED, subproject="pushed")
    spared = make.recipe(allow_failure=True)
    nightly(db, host, Status.SUCCEEDED, subproject="spared", recipe=spared)
    nightly(db, host, Status.FAILED, subproject="spared", recipe=spared)
    nightly(db, host, Status.SUCCEEDED, subproject="mended")
    nightly(db, host, Status.FAILED, subproject="mended")
    nightly(db, host, Status.SUCCEEDED, subproject="mended")
    found = make.broken(db, host, subproject="broken")

    assert ledger.unhunted(db, [NIGHTLY]) == (found,)
    assert ledger.unhunted(db, [("shop", "weekly"), ("other", "nightly")]) == ()


def test_a_run_of_a_search_is_recorded_once_and_counts_nowhere(db: ledger.Ledger, host: int) -> None:
    each = begun(db, host)
    place = ("shop", each.quarry.red.order.ref)

    def seen() -> tuple[object, ...]:
        red = each.quarry.red
        past = ledger.pasts(db, [red.id])[red.id]
        return (
            ledger.standing(db),
            ledger.broken_since(db),
            ledger.strips(db, [place]),
            ledger.branches(db),
            ledger.refs_(db, "shop"),
            ledger.changes_after(db, 0, limit=999),
            (past.green, past.red),
            past.baseline,
            ledger.took(db),
            ledger.runs_(db, ref=place[1]),
            ledger.last_built(db, *place, before=1000),
        )

    before = seen()
    run = tried(db, host, each, Status.SUCCEEDED)
    again = ledger.probe(db, each.id, number=1, position=2, entry=another(each, 1))

    found = ledger.run(db, run)
    (job,) = ledger.jobs_of(db, [run])[run]
    (now,) = ledger.hunting(db)
    assert before == seen()
    assert found is not None
    assert (found.kind, found.ref, job.order.ref, job.status) == (BISECT, place[1], place[1], Status.SUCCEEDED)
    assert (again.decision, again.run) == ("duplicate", run)
    assert [(probe.run, probe.position, probe.ended) for probe in now.probes] == [(run, 2, True)]


def test_what_is_known_is_read_by_the_first_red_job(db: ledger.Ledger, host: int) -> None:
    each = begun(db, host)
    tried(db, host, each, Status.FAILED)
    red = each.quarry.red.id
    ledger.probe(db, each.id, number=2, position=1, entry=another(each, 2))
    ledger.tell(db, each.id, word="looking", commit=None, sentence="among 2", over=False)
    during = ledger.hunts_of(db, [red, 999])[red]
    ledger.tell(db, each.id, word="found", commit=make.sha(1), sentence="it was this", over=True)
    ledger.tell(db, each.id, word="flaky", commit=None, sentence="too late", over=True)

    after = ledger.hunts_of(db, [red, 999])

    # Only what has ended is counted.
    assert (during.word, during.sentence, during.reruns, during.open) == ("looking", "among 2", 1, True)
    assert (after[red].word, after[red].commit, after[red].sentence) == ("found", make.sha(1), "it was this")
    assert (set(after), after[red].open, ledger.hunting(db)) == ({red}, False, ())
    assert ledger.hunts_of(db, []) == {}


def test_what_is_over_at_once_is_said_and_not_taken_up_again(db: ledger.Ledger, host: int) -> None:
    quarry = make.broken(db, host)

    ledger.hunt(db, quarry, commits=[], **{**LOOKING, "word": "unknown", "sentence": "no way"}, over=True)

    assert (ledger.hunting(db), ledger.unhunted(db, [NIGHTLY])) == ((), ())
    assert ledger.hunts_of(db, [quarry.red.id])[quarry.red.id].sentence == "no way"


def test_many_searches_are_read_as_one(db: ledger.Ledger, host: int) -> None:
    for number in range(8):
        each = begun(db, host, subproject=f"s{number}")
        tried(db, host, each, Status.FAILED, number=1)
    reds = [each.quarry.red.id for each in ledger.hunting(db)]
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    ledger.hunting(db)
    ledger.hunts_of(db, reds)

    assert len(reds) == 8
    assert sum("SELECT" in statement for statement in asked) == 5


def test_a_run_of_a_search_takes_no_room_from_others_and_goes_with_time(db: ledger.Ledger, host: int) -> None:
    each = begun(db, host)
    runs = [tried(db, host, each, Status.FAILED, number=number) for number in (1, 2, 3)]

    beyond = ledger.outdated(db, "shop", keep_runs=2, before=0)

    # Of two runs of the branch both are kept, and of the search's the newest two.
    assert beyond == (runs[0],)


def test_a_search_is_forgotten_with_its_jobs_and_outlives_its_runs(db: ledger.Ledger, host: int) -> None:
    each = begun(db, host)
    run = tried(db, host, each, Status.FAILED)

    ledger.forget(db, [run])
    without = ledger.hunts_of(db, [each.quarry.red.id])[each.quarry.red.id]
    (left,) = ledger.hunting(db)
    ledger.forget(db, [each.quarry.green_run.id])

    assert (without.reruns, [probe.status for probe in left.probes]) == (1, [Status.ERRORED])
    assert (ledger.hunting(db), ledger.hunts_of(db, [each.quarry.red.id])) == ((), {})
