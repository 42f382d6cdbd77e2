"""The worker's loop: room on the disk, what a kill left, and one whole job."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import config, git, layout, ledger
from ctci.config.settings import Config, Server
from ctci.model import Status
from ctci.run import prepare, worker
from tests import make
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
    floor = worker.Floor(place, found)
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
    assert "under disk-floor" in str(worker.Floor(place, full).remark())


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


def test_what_ended_while_the_server_was_down_is_settled_truthfully(
    db: ledger.Ledger, place: layout.Layout, host: int
) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    folder = place.attempt(job.id, 1)
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(
        '{"how": "exit", "code": 4, "signal": null, "seconds": 1.0, "cpu_s": 0.1, "peak_memory": 1, '
        '"leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}\n'
    )

    count = worker.settle_remains(db, place, host=host)

    settled = ledger.job(db, job.id)
    assert settled is not None
    assert (count, settled.status, settled.reason) == (1, Status.FAILED, "exit 4")


def test_what_never_began_is_put_back(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    make.prepared(db)
    claimed = ledger.claim(db, host=host, slot=1, boot_id="boot")
    assert claimed is not None

    worker.settle_remains(db, place, host=host)

    found = ledger.job(db, claimed[0].id)
    assert found is not None
    assert found.status is Status.QUEUED


def test_what_began_and_was_lost_is_errored(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)

    worker.settle_remains(db, place, host=host)

    found = ledger.job(db, job.id)
    assert found is not None
    assert found.status is Status.ERRORED
    assert str(found.reason).startswith("the server was restarted while it ran")


def test_the_rooms_are_imported_without_each_other() -> None:
    script = (
        "import ctci.run.worker, sys; print([m for m in sys.modules if m.startswith(('ctci.receive', 'ctci.report'))])"
    )

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "[]"
