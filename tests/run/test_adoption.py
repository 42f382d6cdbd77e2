"""What a new life of the server does with what the last one left: real keepers, each way a crash may leave them."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ctci import layout, ledger
from ctci.model import Exit, Job, Status
from ctci.run import adoption, ending, keeping
from tests import make
from tests.eventually import eventually
from tests.run import jobs

BOOT = "boot"


def begun(db: ledger.Ledger, host: int, **recipe: Any) -> Job:
    """A running job whose attempt has begun, as the ledger has it; no keeper yet."""
    make.prepared(db, orders=(make.order(recipe=make.recipe(**recipe), on_new_push="parallel"),))
    return make.running(db, host)[0]


def now(db: ledger.Ledger, job: Job) -> Job:
    found = ledger.job(db, job.id)
    assert found is not None
    return found


def wished(db: ledger.Ledger, job: Job) -> bool:
    return ledger.wish(db, job=job.id, attempt=job.attempt) is not None


def see_out(db: ledger.Ledger, host: int, adopted: tuple[adoption.Adopted, ...]) -> None:
    """What a worker does with an adopted job."""
    for each in adopted:
        ended = keeping.wait(each.kept, wishes=partial(wished, db, each.job), poll_s=0.02)
        assert ended is not None
        ending.conclude(db, each.job, ended, host=host)


def as_stranger(kept: keeping.Kept) -> None:
    """Forget a keeper, as the death of the server that started it does; it stays our child, to be reaped."""
    os.close(kept.pidfd)


class Left:
    """One way in which a crash leaves a job, and how it comes out with and without a wish to end it."""

    def __init__(
        self,
        leave: Callable[[Path, str], Callable[[], None]],
        plain: tuple[Status, str],
        wished: tuple[Status, str],
    ) -> None:
        self.leave, self.plain, self.wished = leave, plain, wished


def lock_held(folder: Path, nap: str) -> Callable[[], None]:
    kept = jobs.begin(
        folder, f"trap 'exit 9' TERM; echo up; until [ -e {folder}.go ]; do sleep 0.1; done; : {nap}; exit 42"
    )
    eventually(lambda: "up" in jobs.said(folder))
    as_stranger(kept)
    return lambda: None


def free_with_result(folder: Path, _: str) -> Callable[[], None]:
    jobs.over(jobs.begin(folder, "exit 42"))
    return lambda: None


def free_without(folder: Path, nap: str) -> Callable[[], None]:
    """Server and keeper killed; the recipe and its daemon live on."""
    kept = jobs.begin(folder, f"setsid sleep {nap} & echo up; sleep {nap}")
    eventually(lambda: len(jobs.alive(nap)) >= 2)
    signal.pidfd_send_signal(kept.pidfd, signal.SIGKILL)
    os.waitid(os.P_PIDFD, kept.pidfd, os.WEXITED)
    as_stranger(kept)
    return lambda: None


def late_starter(folder: Path, nap: str) -> Callable[[], None]:
    """The keeper was forked, and comes to its lock only when all is over."""
    folder.mkdir(parents=True)
    (folder / "cookie").write_text("late")
    (folder / "command").write_text("\0".join(["/", "sh", "-c", f"touch {folder}/ran; sleep {nap}"]))
    keeper = [sys.executable, "-I", "-S", "-B", str(keeping.KEEPER), "1", str(folder), "timeout=9", "grace=1", "cap=99"]
    waiting = subprocess.Popen(["sh", "-c", 'kill -STOP $$; exec "$@"', "late", *keeper], env=jobs.ENV)
    os.waitid(os.P_PID, waiting.pid, os.WSTOPPED | os.WNOWAIT)

    def come() -> None:
        waiting.send_signal(signal.SIGCONT)
        assert waiting.wait(20) == 75
        assert not (folder / "ran").exists()

    return come


REMARK = "the server was restarted while it ran; its keeper vanished"
LEFT = {
    "lock held": Left(lock_held, (Status.FAILED, "exit 42"), (Status.CANCELLED, "enough")),
    # What it said before anybody asked is true.
    "free with result": Left(free_with_result, (Status.FAILED, "exit 42"), (Status.FAILED, "exit 42")),
    "free without": Left(free_without, (Status.ERRORED, REMARK), (Status.CANCELLED, "enough")),
    "late starter": Left(late_starter, (Status.ERRORED, REMARK), (Status.CANCELLED, "enough")),
}


@pytest.mark.parametrize("asked", [False, True], ids=["", "cancel pending"])
@pytest.mark.parametrize("how", LEFT)
def test_boot_matrix(db: ledger.Ledger, place: layout.Layout, host: int, how: str, asked: bool) -> None:
    left = LEFT[how]
    nap = jobs.nap()
    job = begun(db, host)
    afterwards = left.leave(place.attempt(job.id, 1), nap)
    if asked:
        ledger.ask_cancel(db, by="ana", reason="enough", job=job.id)

    adopted = adoption.take_over(db, place, host=host, boot_id=BOOT)
    if not asked:
        # What runs may end by itself now.
        Path(f"{place.attempt(job.id, 1)}.go").touch()
    alive_when_settled = [] if adopted else jobs.alive(nap)
    see_out(db, host, adopted)
    afterwards()

    after = now(db, job)
    assert (after.status, after.reason) == (left.wished if asked else left.plain)
    assert (len(adopted), after.attempt) == (1 if how == "lock held" else 0, 1)
    assert alive_when_settled == jobs.alive(nap) == []


def test_an_adopted_job_keeps_its_true_exit_code_and_log(
    db: ledger.Ledger, place: layout.Layout, host: int, tmp_path: Path
) -> None:
    job = begun(db, host)
    folder = place.attempt(job.id, 1)
    as_stranger(jobs.begin(folder, f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo whole; kill -9 $$"))
    eventually(lambda: keeping.holder(folder) is not None)

    (adopted,) = adoption.take_over(db, place, host=host, boot_id=BOOT)
    kinds = [change.kind for change in ledger.changes_after(db, 0)]
    (tmp_path / "go").touch()
    see_out(db, host, (adopted,))

    after = now(db, job)
    assert kinds[-1] == "adopted"
    assert (after.status, after.exit and after.exit.signal, jobs.said(folder)) == (Status.FAILED, 9, "whole\n")


@pytest.mark.parametrize("boot", [BOOT, "another"])
def test_what_ended_while_no_server_was_there_tells_of_its_tools(
    db: ledger.Ledger, place: layout.Layout, host: int, boot: str
) -> None:
    facts = ("echo 1.0",)
    job = begun(db, host, facts=facts)
    jobs.over(jobs.begin(place.attempt(job.id, 1), "exit 3", facts=facts))

    adoption.take_over(db, place, host=host, boot_id=boot)

    (attempt,) = ledger.attempts_of(db, job.id)
    assert (now(db, job).reason, attempt.facts) == ("exit 3", {"echo": "1.0"})


def test_a_keeper_that_comes_between_the_looks_is_adopted(
    db: ledger.Ledger, place: layout.Layout, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begun(db, host)
    folder = place.attempt(job.id, 1)
    adopt, looks = keeping.adopt, []

    def look(where: Path, *, timeout_s: float) -> keeping.Kept | None:
        looks.append(where)
        if len(looks) == 1:
            as_stranger(jobs.begin(folder, "sleep 0.2; exit 5"))
            eventually(lambda: keeping.holder(folder) is not None)
            return None
        return adopt(where, timeout_s=timeout_s)

    monkeypatch.setattr(keeping, "adopt", look)
    see_out(db, host, adoption.take_over(db, place, host=host, boot_id=BOOT))

    assert (now(db, job).status, now(db, job).reason, len(looks)) == (Status.FAILED, "exit 5", 2)


def test_what_never_began_goes_back_to_the_queue_or_ends_as_it_was_wished(
    db: ledger.Ledger, place: layout.Layout, host: int
) -> None:
    for ref in ("refs/heads/a", "refs/heads/b"):
        make.prepared(db, trigger=make.trigger(ref=ref))
    first, second = (ledger.claim(db, host=host, slot=slot, boot_id=BOOT) for slot in (1, 2))
    assert first is not None
    assert second is not None
    ledger.ask_cancel(db, by="ana", reason="enough", job=second[0].id)

    adopted = adoption.take_over(db, place, host=host, boot_id=BOOT)

    assert adopted == ()
    assert [now(db, each[0]).status for each in (first, second)] == [Status.QUEUED, Status.CANCELLED]


def test_nothing_of_another_boot_is_looked_for(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    """Its numbers are other processes' now; a lock that is held there is not its keeper's."""
    job = begun(db, host)
    folder = place.attempt(job.id, 1)

    adopted = adoption.take_over(db, place, host=host, boot_id="the boot after")

    after = now(db, job)
    assert adopted == ()
    assert (after.status, after.reason) == (
        Status.ERRORED,
        "the machine was restarted while it ran; its keeper vanished",
    )
    assert keeping.read(folder) == Exit(how="lost")


def test_a_result_that_a_power_cut_left_is_believed(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    job = begun(db, host)
    jobs.over(jobs.begin(place.attempt(job.id, 1), "exit 0"))

    adoption.take_over(db, place, host=host, boot_id="the boot after")

    assert now(db, job).status is Status.SUCCEEDED


def test_a_lost_job_is_tried_again_where_its_recipe_says_so_but_not_for_ever(
    db: ledger.Ledger, place: layout.Layout, host: int
) -> None:
    job = begun(db, host, on_interrupt="retry")
    seen = []

    for _ in range(4):
        adoption.take_over(db, place, host=host, boot_id="another")
        seen.append((str(now(db, job).status), now(db, job).reason))
        if now(db, job).status is Status.QUEUED:
            make.running(db, host)

    lost = "the machine was restarted while it ran; its keeper vanished"
    assert seen == [
        ("queued", f"attempt 1: {lost}; trying again"),
        ("queued", f"attempt 2: {lost}; trying again"),
        ("queued", f"attempt 3: {lost}; trying again"),
        ("errored", lost),
    ]


def test_a_keeper_told_to_stop_by_nobody_of_ours_is_an_interruption(
    db: ledger.Ledger, place: layout.Layout, host: int
) -> None:
    """As systemd does to all processes of a unit, unless it is told not to."""
    plain, again = begun(db, host), begun(db, host, on_interrupt="retry")
    for job in (plain, again):
        folder = place.attempt(job.id, 1)
        kept = jobs.begin(folder, f"echo up; sleep {jobs.nap()}")
        eventually(lambda folder=folder: "up" in jobs.said(folder))  # type: ignore[misc] # mypy sees no default
        signal.pidfd_send_signal(kept.pidfd, signal.SIGTERM)
        poller = select.poll()
        poller.register(kept.pidfd, select.POLLIN)
        poller.poll(20_000)
        as_stranger(kept)

    adoption.take_over(db, place, host=host, boot_id=BOOT)

    assert now(db, plain).status is Status.ERRORED
    assert "interrupted" in str(now(db, plain).reason)
    assert now(db, again).status is Status.QUEUED


def test_a_stopped_keeper_is_adopted_and_set_going_again(
    db: ledger.Ledger, place: layout.Layout, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "CONTINUE_S", 0.1)
    job = begun(db, host)
    folder = place.attempt(job.id, 1)
    as_stranger(jobs.begin(folder, "kill -STOP $PPID; echo up; exit 6"))
    eventually(lambda: "T" in Path("/proc", str(keeping.holder(folder)), "stat").read_text().split()[2])

    see_out(db, host, adoption.take_over(db, place, host=host, boot_id=BOOT))

    assert now(db, job).reason == "exit 6"


def test_a_keeper_that_is_overdue_is_killed_and_its_job_swept(
    db: ledger.Ledger, place: layout.Layout, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SLACK_S", 0.2)
    monkeypatch.setattr(keeping, "GRACE_S", 0.1)
    monkeypatch.setattr(keeping, "CONTINUE_S", 60.0)
    nap = jobs.nap()
    job = begun(db, host, timeout_s=0)
    folder = place.attempt(job.id, 1)
    as_stranger(jobs.begin(folder, f"kill -STOP $PPID; sleep {nap}"))
    eventually(lambda: jobs.alive(nap))

    see_out(db, host, adoption.take_over(db, place, host=host, boot_id=BOOT))

    assert (now(db, job).status, jobs.alive(nap)) == (Status.ERRORED, [])


def test_all_that_runs_without_a_server_is_ended(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    nap = jobs.nap()
    make.prepared(db)
    claimed = ledger.claim(db, host=host, slot=1, boot_id=adoption.boot())
    assert claimed is not None
    job = claimed[0]
    ledger.begin(db, job=job.id, attempt=1, host=host)
    folder = place.attempt(job.id, 1)
    as_stranger(jobs.begin(folder, f"echo up; sleep {nap}"))
    eventually(lambda: "up" in jobs.said(folder))
    ledger.ask_cancel(db, by="ana", reason="ctci stop --jobs", job=job.id)

    adoption.end_all(db, place)

    assert (now(db, job).status, now(db, job).reason) == (Status.CANCELLED, "ctci stop --jobs")
    assert jobs.alive(nap) == []


def test_jobs_without_a_server_are_ended_together(
    db: ledger.Ledger, place: layout.Layout, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    folders = []
    for number in range(3):
        ref = f"refs/heads/{number}"
        make.prepared(db, trigger=make.trigger(ref=ref), orders=(make.order(ref=ref),))
        claimed = ledger.claim(db, host=host, slot=number + 1, boot_id=adoption.boot())
        assert claimed is not None
        job = claimed[0]
        ledger.begin(db, job=job.id, attempt=1, host=host)
        folders.append(place.attempt(job.id, 1))
        as_stranger(jobs.begin(folders[-1], f"echo up; sleep {jobs.nap()}"))
        ledger.ask_cancel(db, by="ana", reason="ctci stop --jobs", job=job.id)
    for folder in folders:
        eventually(lambda folder=folder: "up" in jobs.said(folder))  # type: ignore[misc] # mypy sees no default
    cancel, wait = keeping.Kept.cancel, keeping.wait

    def cancelling(kept: keeping.Kept) -> None:
        told.append("cancel")
        cancel(kept)

    def waiting(kept: keeping.Kept, **options: Any) -> Exit | None:
        told.append("wait")
        return wait(kept, **options)

    monkeypatch.setattr(keeping.Kept, "cancel", cancelling)
    monkeypatch.setattr(keeping, "wait", waiting)

    adoption.end_all(db, place)

    assert told[:4] == ["cancel", "cancel", "cancel", "wait"]
    assert {job.status for each in ledger.jobs_of(db, [1, 2, 3]).values() for job in each} == {Status.CANCELLED}


def test_a_folder_that_its_job_has_locked_is_opened_again(db: ledger.Ledger, place: layout.Layout, host: int) -> None:
    """Root is locked out of nothing; the tests of keeping play it as an ordinary user."""
    job = begun(db, host)
    folder = place.attempt(job.id, 1)
    as_stranger(jobs.begin(folder, f"chmod 000 {folder}/lock {folder}; sleep 0.2; exit 3"))
    eventually(lambda: folder.stat().st_mode & 0o777 == 0)

    see_out(db, host, adoption.take_over(db, place, host=host, boot_id=BOOT))

    assert (now(db, job).reason, folder.stat().st_mode & 0o777) == ("exit 3", 0o700)


def test_one_job_that_cannot_be_looked_at_does_not_keep_the_others(
    db: ledger.Ledger, place: layout.Layout, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = begun(db, host), begun(db, host)
    adopt = keeping.adopt

    def broken(folder: Path, *, timeout_s: float) -> keeping.Kept | None:
        if folder == place.attempt(first.id, 1):
            raise PermissionError(13, "Permission denied")
        return adopt(folder, timeout_s=timeout_s)

    monkeypatch.setattr(keeping, "adopt", broken)

    assert adoption.take_over(db, place, host=host, boot_id=BOOT) == ()
    assert (now(db, first).status, now(db, second).status) == (Status.RUNNING, Status.ERRORED)
