"""Acknowledgements: at most one holds for a finding of a project, and who gave and took it is kept."""

from sqlalchemy import event, select

from ctci import ledger
from ctci.ledger.tables import acks
from ctci.model import Ack, Finding, Reading, Repeat, Status
from tests import make
from tests.conftest import StoppedClock

A = "a" * 32


def acked(db: ledger.Ledger, **fields: object) -> Ack:
    defaults = {"project": "shop", "fingerprint": A, "said": "x.py:1: odd", "until": 5000, "why": "known", "by": "ana"}
    return ledger.ack(db, **{**defaults, **fields})  # type: ignore[arg-type] # a test's own fields


def found_in(db: ledger.Ledger, host: int, *told: Finding, project: str = "shop", ref: str = "refs/heads/main") -> int:
    """The run of a job that has ended with these findings."""
    run = make.prepared(db, trigger=make.trigger(project=project, ref=ref))
    job, _ = make.running(db, host)
    reading = Reading(job=job.id, attempt=1, errors=len(told), first=0)
    facts = {"reason": None, "exit": make.exit_(), "reading": reading, "findings": told}
    ledger.settle(db, job=job.id, attempt=1, host=host, status=Status.FAILED, **facts)  # type: ignore[arg-type]
    return run


def test_an_acknowledgement_says_who_when_why_and_until_when(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    made = acked(db)

    assert ledger.acks_(db) == (made,)
    assert ledger.acks_of(db, ["shop", "blog"]) == {"shop": {A: made}, "blog": {}}
    assert (made.acked_by, made.acked_at, made.until, made.why, made.said, made.lifted_at) == (
        "ana",
        stopped_clock.at,
        5000,
        "known",
        "x.py:1: odd",
        None,
    )


def test_another_takes_its_place_and_the_old_one_is_kept(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    first = acked(db)
    stopped_clock.move(60)

    second = acked(db, until=9000, by="ben")

    assert ledger.acks_(db) == (second,)
    with db.read() as connection:
        kept = {row.id: (row.lifted_by, row.lifted_at) for row in connection.execute(select(acks))}
    assert kept == {first.id: ("ben", stopped_clock.at), second.id: (None, None)}


def test_it_is_of_one_project_only(db: ledger.Ledger) -> None:
    acked(db)
    acked(db, project="blog")

    assert ledger.lift(db, project="shop", fingerprint=A, by="ana")
    assert [each.project for each in ledger.acks_(db)] == ["blog"]
    assert ledger.acks_(db, project="shop") == ()


def test_what_is_not_acknowledged_cannot_be_lifted(db: ledger.Ledger) -> None:
    acked(db)
    ledger.lift(db, project="shop", fingerprint=A, by="ana")

    assert not ledger.lift(db, project="shop", fingerprint=A, by="ana")
    assert not ledger.lift(db, project="shop", fingerprint="b" * 32, by="ana")


def test_what_lapsed_in_a_window_is_told_once(db: ledger.Ledger) -> None:
    later, sooner = acked(db, until=3000), acked(db, until=2000, fingerprint="b" * 32)
    acked(db, until=2500, fingerprint="c" * 32)
    ledger.lift(db, project="shop", fingerprint="c" * 32, by="ana")
    again = acked(db, until=2600, fingerprint="d" * 32)
    acked(db, until=9000, fingerprint=again.fingerprint)

    assert ledger.lapsed(db, 1999, 3000) == (sooner, later)
    assert (ledger.lapsed(db, 2000, 2999), ledger.lapsed(db, 3000, 4000)) == ((), ())


def test_findings_are_named_by_the_beginning_of_their_fingerprint(db: ledger.Ledger, host: int) -> None:
    low, high = f"3f2a91bc{'0' * 24}", f"3f2a91bc{'f' * 24}"
    other = make.finding(fingerprint=f"3f2a91bd{'0' * 24}")
    found_in(db, host, make.finding(fingerprint=low, message="as it was"), other)
    found_in(db, host, make.finding(fingerprint=high), project="blog")
    now = make.finding(fingerprint=low, message="as it is", line=90)
    found_in(db, host, now, make.finding(fingerprint=low, message="twice"))

    named = ledger.findings_named(db, "3f2a91bc")

    assert [(project, finding.fingerprint) for project, finding in named] == [("shop", low), ("blog", high)]
    assert named[0][1] == now
    assert [finding for _, finding in ledger.findings_named(db, other.fingerprint)] == [other]
    assert ledger.findings_named(db, "3f2a91be") == ()


def test_very_many_findings_of_one_beginning_are_not_all_told(db: ledger.Ledger, host: int) -> None:
    found_in(db, host, *(make.finding(fingerprint=f"{number:032x}") for number in range(30)))

    assert len(ledger.findings_named(db, "0000")) == 20


def test_what_lapsed_is_found_still_where_the_last_job_has_it(db: ledger.Ledger, host: int) -> None:
    finding, other = make.finding(fingerprint=A), make.finding(fingerprint="b" * 32)
    first = found_in(db, host, finding)
    (job,) = ledger.jobs_of(db, [first])[first]
    again = make.recorded(db)
    (repeated,) = ledger.jobs_of(db, [again])[again]
    make.prepare(db, again, repeats={repeated.id: Repeat(job=job.id, status=Status.FAILED, reason="unchanged")})
    found_in(db, host, finding, other, ref="refs/heads/side")
    found_in(db, host, other, ref="refs/heads/side")
    found_in(db, host, finding, project="blog")
    one, two = acked(db), acked(db, fingerprint=other.fingerprint)

    found = ledger.still_found(db, [one.id, two.id, 99])

    assert found == {
        one.id: (("shop", "refs/heads/main", "api", "test"),),
        two.id: (("shop", "refs/heads/side", "api", "test"),),
        99: (),
    }


def test_acknowledgements_of_many_projects_are_one_query(db: ledger.Ledger) -> None:
    projects = [f"p{number}" for number in range(9)]
    for project in projects:
        acked(db, project=project)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    found = ledger.acks_of(db, projects)

    assert [len(each) for each in found.values()] == [1] * 9
    assert sum("SELECT" in statement for statement in asked) == 1


def test_an_acknowledgement_outlives_the_runs_that_had_the_finding(db: ledger.Ledger, host: int) -> None:
    run = found_in(db, host, make.finding(fingerprint=A))
    made = acked(db)

    ledger.forget(db, [run])

    assert ledger.acks_(db) == (made,)
