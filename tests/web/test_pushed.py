"""What a pusher who waits reads: each step once, and a sign of life between them."""

import pytest

from ctci import clock, ledger
from ctci.model import Status
from ctci.web import pushed, sentences
from tests import make
from tests.conftest import StoppedClock

PUBLIC = "https://ci.example.org/"


def news(db: ledger.Ledger, progress: pushed.Progress) -> list[str]:
    """What is new of all runs, oldest first."""
    runs = ledger.runs_(db)[::-1]
    now = clock.now()
    jobs = ledger.jobs_of(db, [run.id for run in runs])
    return progress.news(runs, jobs, lambda run, its: sentences.run_(run, its, now, judged={}), now).splitlines()


@pytest.mark.usefixtures("stopped_clock")
def test_each_step_of_a_job_is_told_once(db: ledger.Ledger, host: int) -> None:
    progress = pushed.Progress(PUBLIC)
    number = make.recorded(db)
    steps = [news(db, progress)]
    make.prepare(db, number)
    steps.append(news(db, progress))
    job, _ = make.running(db, host)
    steps += [news(db, progress), news(db, progress)]
    ledger.settle(
        db,
        job=job.id,
        attempt=job.attempt,
        host=host,
        status=Status.FAILED,
        reason="exit 3\x1b[2J\n" + "x" * 100,
        exit=make.exit_(code=3),
    )
    assert not progress.over
    steps += [news(db, progress), news(db, progress)]

    assert [len(step) for step in steps] == [1, 1, 1, 0, 5, 0]
    assert steps[0] == ["ctci: api:test waits for its commit to be fetched"]
    assert steps[1] == ["ctci: api:test waits for a free slot"]
    assert steps[2] == ["ctci: api:test runs"]
    assert steps[4][0].startswith("ctci: api:test failed after 2 s: exit 3")
    # The verdict is not cut; `exit` has one too.
    assert steps[4][1].startswith("ctci: api:test failed on main just now: exit 3")
    assert "".join(steps[4][1:4]).count("x") == 101
    assert steps[4][4] == f"ctci: {PUBLIC}runs/{number}"
    assert all(len(line) <= 72 and line.isprintable() for step in steps for line in step)
    assert progress.over


def test_of_several_refs_each_line_names_its_own(db: ledger.Ledger) -> None:
    for number, branch in enumerate(("main", "fix"), 1):
        make.recorded(db, trigger=make.trigger(key=f"hook:{number}", ref=f"refs/heads/{branch}"))

    said = news(db, pushed.Progress(PUBLIC))

    assert [line.partition(" waits")[0] for line in said] == ["ctci: main  api:test", "ctci: fix  api:test"]


def test_in_a_long_silence_what_runs_is_said_again(db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    progress = pushed.Progress(PUBLIC)
    make.prepared(db)
    make.running(db, host)
    first = news(db, progress)
    stopped_clock.move(29)
    before = news(db, progress)
    stopped_clock.move(1)

    after = news(db, progress)

    assert (len(first), before) == (1, [])
    assert after == ["ctci: 0 of 1 job have ended; api:test has been running for 30 s"]
    assert news(db, progress) == []
