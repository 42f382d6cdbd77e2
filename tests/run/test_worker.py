"""The worker's loop: room on the disk, what a kill left, and one whole job."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ctci import config, git, layout, ledger
from ctci.config.settings import Config, Server
from ctci.model import Job, NewLine, Novel, Run, Status, Tally
from ctci.run import adoption, capacity, keeping, machine, prepare, worker, workspace
from tests import make
from tests.eventually import eventually
from tests.run import jobs
from tests.upstream import Upstream


def current(**server: int) -> config.Current:
    settings = {"disk_floor": 0, **server}
    found = Config(projects={}, notify={}, server=Server(**settings), folder=Path("config"))  # type: ignore[arg-type] # numbers by name
    return config.Current(lambda: found)


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    git.setup()
    return Upstream(tmp_path / "upstream")


@pytest.fixture(autouse=True)
def wake(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pipe that nobody writes to: the server never stops here."""
    reader, writer = os.pipe()
    monkeypatch.setitem(WAKE, "fd", reader)
    yield
    os.close(reader)
    os.close(writer)


WAKE: dict[str, int] = {}


def slot(db: ledger.Ledger, place: layout.Layout, host: int, settings: config.Current | None = None) -> worker.Worker:
    found = settings or current()
    floor = capacity.Floor(place, found)
    return worker.Worker(db, place, found, os.environ, host=host, slot=1, boot_id="boot", floor=floor, wake=WAKE["fd"])


def pushed(db: ledger.Ledger, upstream: Upstream, script: str, **order: object) -> int:
    sha = upstream.push({"test.sh": script})
    recipe = make.recipe(run="sh test.sh", timeout_s=30)
    orders = (make.order(directory=".", recipe=recipe, remote=make.remote(url=str(upstream.path)), **order),)
    return make.recorded(db, trigger=make.trigger(after=sha), orders=orders)


def test_no_job_is_claimed_under_the_disk_floor(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    make.prepared(db)
    full = current(disk_floor=1 << 62)

    took = slot(db, place, host, full).tick()

    assert not took
    assert ledger.counts(db)["queued"] == 1
    assert "under disk-floor" in str(capacity.Floor(place, full).remark())


def test_no_job_is_claimed_while_worktrees_take_too_much(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    make.prepared(db)
    (place.slot(9) / "worktree").mkdir(parents=True)
    (place.slot(9) / "worktree" / "big").write_bytes(b"x" * 100_000)

    took = slot(db, place, host, current(limit_worktrees=50_000)).tick()

    assert not took
    assert ledger.counts(db)["queued"] == 1


def test_a_job_lives_from_its_fetch_to_its_verdict(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream
) -> None:
    run = pushed(db, upstream, "echo hello; exit 7")

    prepare.Prepare(db, place, current(), os.environ).tick()
    took = slot(db, place, host).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert took
    assert (job.status, job.reason) == (Status.FAILED, "exit 7")
    assert place.log(job.id, 1).read_bytes() == b"hello\n"
    assert not place.slot(1).exists() or not any(place.slot(1).glob("worktree*"))


def test_a_report_of_a_failed_test_fails_a_job_that_ended_well(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream
) -> None:
    report = "<testsuite><testcase name='a'><failure message='1 != 2'/></testcase><testcase name='b'/></testsuite>"
    sha = upstream.push({"test.sh": "echo 'a.c:3:1: warning: odd'", "junit.xml": report})
    recipe = make.recipe(run="sh test.sh", junit=("*.xml",))
    orders = (make.order(directory=".", recipe=recipe, remote=make.remote(url=str(upstream.path))),)
    run = make.recorded(db, trigger=make.trigger(after=sha), orders=orders)

    prepare.Prepare(db, place, current(), os.environ).tick()
    slot(db, place, host).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    reading, findings = ledger.found(db, [job.id])[job.id]
    assert (job.status, job.reason) == (Status.FAILED, "exit 0, but 1 of 2 tests failed")
    assert (reading.tests, reading.warnings) == (Tally(total=2, failed=1), 1)
    assert [(each.severity, each.message) for each in findings] == [("failure", "1 != 2"), ("warning", "odd")]


def test_what_a_log_looks_like_changes_no_status(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream
) -> None:
    run = pushed(db, upstream, "echo 'a.c:3:1: error: bad'")

    prepare.Prepare(db, place, current(), os.environ).tick()
    slot(db, place, host).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert job.status is Status.SUCCEEDED
    assert ledger.found(db, [job.id])[job.id][0].errors == 1


def test_lines_that_no_green_log_had_are_told_of_a_red_one(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream
) -> None:
    greens = "date; echo ok $$; echo 'warning: odd'"
    scripts = ("echo early; exit 1", greens, greens, f"{greens}; echo stock is gone; echo giving up; exit 1", greens)
    told = []
    for script in scripts:
        run = pushed(db, upstream, script)
        prepare.Prepare(db, place, current(), os.environ).tick()
        slot(db, place, host).tick()
        (job,) = ledger.jobs_of(db, [run])[run]
        told.append(ledger.found(db, [job.id])[job.id][0].novel)

    red = Novel(count=2, lines=(NewLine(line=4, text="stock is gone"), NewLine(line=5, text="giving up")))
    assert told == [None, None, None, red, None]


def test_a_green_job_that_prints_nothing_teaches_that_too(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream
) -> None:
    for script in ("true", "echo boom; exit 1"):
        run = pushed(db, upstream, script)
        prepare.Prepare(db, place, current(), os.environ).tick()
        slot(db, place, host).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert ledger.found(db, [job.id])[job.id][0].novel == Novel(count=1, lines=(NewLine(line=1, text="boom"),))


def test_a_green_log_that_was_cut_teaches_that_nothing_is_known(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream
) -> None:
    for script in ("yes ok | head -n 50000", "echo boom; exit 1"):
        run = pushed(db, upstream, script, log_cap=65536)
        prepare.Prepare(db, place, current(), os.environ).tick()
        slot(db, place, host).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert ledger.found(db, [job.id])[job.id][0].novel is None
    known = ledger.learnt(db, job.order)
    assert known is not None
    assert (known.words, known.whole) == (None, None)


def test_a_subproject_that_the_commit_lacks_is_errored_and_says_so(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream
) -> None:
    sha = upstream.push({"a": "1"})
    orders = (make.order(directory="nowhere", remote=make.remote(url=str(upstream.path))),)
    run = make.recorded(db, trigger=make.trigger(after=sha), orders=orders)

    prepare.Prepare(db, place, current(), os.environ).tick()
    slot(db, place, host).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert (job.status, "nowhere" in str(job.reason)) == (Status.ERRORED, True)


def test_a_commit_that_the_remote_does_not_have_is_errored(
    db: ledger.Ledger, place: layout.Layout, upstream: Upstream
) -> None:
    upstream.push({"a": "1"})
    orders = (make.order(remote=make.remote(url=str(upstream.path))),)
    run = make.recorded(db, trigger=make.trigger(after="e" * 40), orders=orders)

    prepare.Prepare(db, place, current(), os.environ).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert job.status is Status.ERRORED
    assert "no commit eeeeeeeeeeee" in str(job.reason)


def test_a_remote_that_is_away_is_tried_again(db: ledger.Ledger, place: layout.Layout, tmp_path: Path) -> None:
    orders = (make.order(remote=make.remote(url=str(tmp_path / "not-there.git"))),)
    run = make.recorded(db, orders=orders)

    prepare.Prepare(db, place, current(), os.environ).tick()

    found = ledger.run(db, run)
    assert found is not None
    assert found.status is Status.QUEUED
    assert "trying again" in str(found.reason)
    assert ledger.tries(db, run) == 1


def test_a_late_older_push_is_not_run_and_a_branch_set_back_is(
    db: ledger.Ledger, place: layout.Layout, upstream: Upstream
) -> None:
    fetch = prepare.Prepare(db, place, current(), os.environ)
    older, newer = upstream.push({"a": "1"}), upstream.push({"a": "2"})
    orders = (make.order(remote=make.remote(url=str(upstream.path))),)
    first = make.recorded(db, trigger=make.trigger(after=newer), orders=orders)
    fetch.tick()

    late = make.recorded(db, trigger=make.trigger(after=older), orders=orders)
    fetch.tick()
    upstream.git("push", "--quiet", "--force", "origin", f"{older}:refs/heads/main")
    back = make.recorded(db, trigger=make.trigger(before=newer, after=older), orders=orders)
    fetch.tick()

    statuses = [ledger.jobs_of(db, [run])[run][0] for run in (late, back)]
    assert (statuses[0].status, str(statuses[0].reason).split(",")[0]) == (Status.SKIPPED, f"older than #{first}")
    assert statuses[1].status is Status.QUEUED


def test_a_branch_says_of_its_first_run_where_it_left_the_default_branch(
    db: ledger.Ledger, place: layout.Layout, upstream: Upstream
) -> None:
    fetch = prepare.Prepare(db, place, current(), os.environ)

    def prepared(ref: str, after: str, **trigger: object) -> Run:
        orders = (make.order(ref=ref, remote=make.remote(url=str(upstream.path))),)
        run = make.recorded(db, trigger=make.trigger(ref=ref, after=after, **trigger), orders=orders)
        fetch.tick()
        found = ledger.run(db, run)
        assert found is not None
        return found

    base = upstream.push({"a": "1"})
    main = prepared("refs/heads/main", base)
    upstream.git("checkout", "--quiet", "-b", "topic")
    own = [upstream.commit({"b": "1"}, branch="topic"), upstream.push({"b": "2"}, branch="topic")]
    upstream.push({"a": "2"})
    first = prepared("refs/heads/topic", own[1])
    again = prepared("refs/heads/topic", upstream.push({"b": "3"}, branch="topic"), before=own[1])
    by_hand = prepared("refs/heads/topic", own[0], kind="manual")
    tag = prepared("refs/tags/v1", own[1], kind="tag")
    gone = make.entry(trigger=make.trigger(ref="refs/heads/topic"), orders=())
    ledger.record(db, (replace(gone, trigger=None, ref="refs/heads/topic", deleted=True),))
    anew = prepared("refs/heads/topic", own[1])

    found = [run.merge_base for run in (main, first, again, by_hand, tag, anew)]
    assert found == [None, base, None, None, None, base]
    # And what it brought is what it has and the default branch has not.
    assert [commit.sha for commit in ledger.commits_of(db, first.id)] == own[::-1]


def test_a_nightly_brings_what_came_since_the_last_run_of_its_branch(
    db: ledger.Ledger, place: layout.Layout, upstream: Upstream
) -> None:
    fetch = prepare.Prepare(db, place, current(), os.environ)

    def brought(kind: str, after: str) -> list[str]:
        orders = (make.order(remote=make.remote(url=str(upstream.path))),)
        run = make.recorded(db, trigger=make.trigger(kind=kind, after=after), orders=orders)
        fetch.tick()
        return [commit.sha for commit in ledger.commits_of(db, run)]

    made = [upstream.push({"a": str(number)}) for number in range(5)]

    assert brought("schedule", made[0]) == [made[0]]
    assert brought("schedule", made[2]) == [made[2], made[1]]
    # An older one that a person runs brings nothing new, and what comes after it rather too much than too little.
    assert brought("manual", made[1]) == []
    assert brought("schedule", made[4]) == [made[4], made[3], made[2]]
    assert brought("schedule", made[4]) == []


def test_a_worker_sees_the_adopted_job_to_its_end_before_it_takes_another(
    db: ledger.Ledger, place: layout.Layout, host: int, tmp_path: Path
) -> None:
    make.prepared(db)
    make.prepared(db, trigger=make.trigger(ref="refs/heads/next"))
    job, run = make.running(db, host)
    kept = jobs.begin(place.attempt(job.id, 1), f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; exit 3")
    found = current()
    one = worker.Worker(
        db,
        place,
        found,
        os.environ,
        host=host,
        slot=1,
        boot_id="boot",
        floor=capacity.Floor(place, found),
        wake=WAKE["fd"],
        adopted=adoption.Adopted(job=job, run=run, kept=kept),
    )
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    eventually(lambda: keeping.holder(place.attempt(job.id, 1)) is not None)
    during = ledger.counts(db)
    (tmp_path / "go").touch()

    settled = eventually(lambda: ledger.jobs_of(db, [run.id])[run.id][0].status is Status.FAILED)
    taken = eventually(lambda: ledger.counts(db)["queued"] == 0)
    stop.set()
    db.nudge.ring()
    thread.join(20)

    assert (during["running"], during["queued"]) == (1, 1)
    assert settled
    assert taken


def test_each_attempt_keeps_what_the_machine_and_its_tools_were(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "version").write_text("tool 1.0\n")
    sha = upstream.push({"test.sh": f"echo tool 1.1 >{tmp_path}/version; exit 1", "own.txt": "of the commit\n"})
    recipe = make.recipe(run="sh test.sh", retries=1, facts=(f"cat {tmp_path}/version", "sh -c 'cat own.txt'"))
    orders = (make.order(directory=".", recipe=recipe, remote=make.remote(url=str(upstream.path))),)
    run = make.recorded(db, trigger=make.trigger(after=sha), orders=orders)
    prepare.Prepare(db, place, current(), os.environ).tick()
    one = slot(db, place, host)

    one.tick()
    one.tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    expected = [{**machine.host(), "cat": f"tool 1.{n}", "sh": "of the commit"} for n in (0, 1)]
    assert expected == [each.facts for each in ledger.attempts_of(db, job.id)]
    assert place.log(job.id, 2).read_bytes() == b""


def test_a_recipe_that_may_be_tried_again_is_until_it_succeeds(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream, tmp_path: Path
) -> None:
    sha = upstream.push({"test.sh": f"echo x >> {tmp_path}/tries; [ $(wc -l < {tmp_path}/tries) = 3 ]"})
    recipe = make.recipe(run="sh test.sh", retries=2)
    orders = (make.order(directory=".", recipe=recipe, remote=make.remote(url=str(upstream.path))),)
    run = make.recorded(db, trigger=make.trigger(after=sha), orders=orders)
    prepare.Prepare(db, place, current(), os.environ).tick()
    one = slot(db, place, host)

    one.tick()
    (waiting,) = ledger.jobs_of(db, [run])[run]
    one.tick()
    one.tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert (waiting.status, waiting.reason) == (Status.QUEUED, "attempt 1: exit 1; trying again")
    assert job.status is Status.SUCCEEDED
    assert job.reason == "flaky: attempt 1: exit 1; attempt 2: exit 1; then it succeeded"
    assert [str(each.status) for each in ledger.attempts_of(db, job.id)] == ["failed", "failed", "succeeded"]
    assert all(place.log(job.id, number).exists() for number in (1, 2, 3))


def test_a_recipe_that_fails_more_often_than_it_may_has_failed(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream
) -> None:
    sha = upstream.push({"test.sh": "exit 9"})
    orders = (
        make.order(
            directory=".", recipe=make.recipe(run="sh test.sh", retries=1), remote=make.remote(url=str(upstream.path))
        ),
    )
    run = make.recorded(db, trigger=make.trigger(after=sha), orders=orders)
    prepare.Prepare(db, place, current(), os.environ).tick()
    one = slot(db, place, host)

    ticks = [one.tick() for _ in range(3)]

    (job,) = ledger.jobs_of(db, [run])[run]
    assert (ticks, job.status, job.reason, job.attempt) == ([True, True, False], Status.FAILED, "exit 9", 2)


def test_while_the_server_drains_nothing_is_claimed(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    make.prepared(db)
    found = current()
    pause = threading.Event()
    pause.set()
    floor = capacity.Floor(place, found)
    one = worker.Worker(
        db, place, found, os.environ, host=host, slot=1, boot_id="b", floor=floor, wake=WAKE["fd"], pause=pause
    )

    assert not one.tick()
    assert ledger.counts(db)["queued"] == 1


def test_a_worker_that_fails_leaves_nothing_running(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    nap = jobs.nap()
    run = pushed(db, upstream, f"echo up; sleep {nap}")
    prepare.Prepare(db, place, current(), os.environ).tick()

    def broken(*_: object, **__: object) -> None:
        eventually(lambda: jobs.alive(nap))
        raise RuntimeError("the watch is broken")

    monkeypatch.setattr(keeping, "wait", broken)
    slot(db, place, host).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert (job.status, job.reason) == (Status.ERRORED, "ctci failed: RuntimeError: the watch is broken")
    assert jobs.alive(nap) == []


def test_a_job_that_cannot_be_watched_is_not_left_running(
    db: ledger.Ledger, place: layout.Layout, host: int, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    nap = jobs.nap()
    run = pushed(db, upstream, f"sleep {nap}")
    prepare.Prepare(db, place, current(), os.environ).tick()
    real = os.pidfd_open
    refused: list[int] = []

    def once(pid: int, flags: int = 0) -> int:
        if not refused:
            refused.append(pid)
            # By then the recipe may be at work.
            eventually(lambda: jobs.alive(nap))
            raise OSError(errno.EMFILE, "Too many open files")
        return real(pid, flags)

    monkeypatch.setattr(os, "pidfd_open", once)
    slot(db, place, host).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert (job.status, job.reason) == (
        Status.ERRORED,
        "the command cannot be watched: [Errno 24] Too many open files",
    )
    assert jobs.alive(nap) == []


@pytest.mark.parametrize("who", ["a person", "the server"])
def test_what_is_ended_while_it_is_laid_out_is_given_back(
    db: ledger.Ledger,
    place: layout.Layout,
    host: int,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    who: str,
) -> None:
    run = pushed(db, upstream, "exit 0")
    prepare.Prepare(db, place, current(), os.environ).tick()
    one = slot(db, place, host)

    def stopped(job: Job, _: object) -> None:
        if who == "a person":
            ledger.ask_cancel(db, by="ana", reason="no", job=job.id)
        else:
            one._stop.set()
        raise git.GitError("stopped")

    monkeypatch.setattr(one, "_submodules", stopped)
    one.tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert (job.status, job.reason) == (
        (Status.CANCELLED, "no") if who == "a person" else (Status.QUEUED, "put back: not begun")
    )


@pytest.mark.parametrize("verb", ["wish", "begin"])
def test_while_the_ledger_is_away_a_job_that_did_not_begin_is_queued_again(
    db: ledger.Ledger,
    place: layout.Layout,
    host: int,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    run = pushed(db, upstream, "exit 0")
    prepare.Prepare(db, place, current(), os.environ).tick()

    def away(*_: object, **__: object) -> None:
        raise ledger.Away("the ledger cannot be written: database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, verb, away)
        slot(db, place, host).tick()
    (job,) = ledger.jobs_of(db, [run])[run]
    slot(db, place, host).tick()

    assert (job.status, job.began_at) == (Status.QUEUED, None)
    assert ledger.jobs_of(db, [run])[run][0].status is Status.SUCCEEDED


def test_a_drain_that_begins_while_there_is_room_to_be_looked_for_claims_nothing(
    db: ledger.Ledger, place: layout.Layout, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.prepared(db)
    one = slot(db, place, host)
    monkeypatch.setattr(one._floor, "remark", one._pause.set)

    assert not one.tick()
    assert ledger.counts(db)["running"] == 0


def test_a_slot_outlives_what_goes_wrong_with_the_job_it_took_over(
    db: ledger.Ledger, place: layout.Layout, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.prepared(db)
    job, run = make.running(db, host)
    kept = jobs.begin(place.attempt(job.id, 1), "exit 0")
    one = slot(db, place, host)
    one._adopted = adoption.Adopted(job=job, run=run, kept=kept)
    asked = threading.Event()

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def tick() -> bool:
        asked.set()
        return False

    monkeypatch.setattr(workspace, "clean", broken)
    monkeypatch.setattr(one, "tick", tick)
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()

    assert eventually(asked.is_set)
    stop.set()
    db.nudge.ring()
    thread.join(20)
    found = ledger.job(db, job.id)
    assert found is not None
    assert found.status is Status.SUCCEEDED


def test_the_rooms_are_imported_without_each_other() -> None:
    script = (
        "import ctci.run.worker, sys; print([m for m in sys.modules if m.startswith(('ctci.receive', 'ctci.report'))])"
    )

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "[]"
