"""The server's side of a keeper, with real keepers."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from ctci import clock
from ctci.model import Exit
from ctci.run import keeping, sweeping
from tests.eventually import eventually
from tests.run import jobs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "7" / "1"


def running(folder: Path, script: str, *, grace_s: float = 5.0) -> keeping.Kept:
    """A job that has printed something."""
    kept = jobs.begin(folder, script, grace_s=grace_s)
    eventually(lambda: jobs.said(folder))
    return kept


def kill_keeper(kept: keeping.Kept) -> None:
    signal.pidfd_send_signal(kept.pidfd, signal.SIGKILL)


def bury(kept: keeping.Kept) -> None:
    """What the next life of the server need not do: the keeper is our child."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, kept.pidfd, os.WEXITED)
    os.close(kept.pidfd)


def test_a_wish_cancels_once(folder: Path) -> None:
    kept = running(
        folder, f"trap 'echo term' TERM; echo ready; while :; do sleep {jobs.nap()} & wait; done", grace_s=0.5
    )
    asked: list[None] = []

    def wishes() -> bool:
        asked.append(None)
        return True

    ended = jobs.over(kept, wishes=wishes)

    assert ended.how == "cancelled"
    assert len(asked) == 1
    assert jobs.said(folder).splitlines().count("term") == 1


def test_a_cancel_right_after_the_start_is_no_lost_keeper(tmp_path: Path) -> None:
    ends = []
    for number in range(8):
        kept = jobs.begin(tmp_path / "8" / str(number), f"exec sleep {jobs.nap()}")
        kept.cancel()
        ends.append(jobs.over(kept).how)

    assert ends == ["cancelled"] * 8


def test_a_stop_of_the_server_leaves_the_job_to_the_next_life(folder: Path) -> None:
    nap = jobs.nap()
    kept = running(folder, f"echo ready; sleep {nap}")
    wake, stop = os.pipe()
    answers: list[Exit | None] = []
    waiting = threading.Thread(
        target=lambda: answers.append(keeping.wait(kept, wishes=lambda: False, wake=wake, poll_s=30.0))
    )
    waiting.start()

    os.write(stop, b"stop")
    waiting.join(5)

    assert answers == [None]
    assert eventually(lambda: len(jobs.alive(nap)) == 1)
    assert keeping.holder(folder) is not None
    assert keeping.end(folder, grace_s=1.0).how == "interrupted"
    assert jobs.alive(nap) == []
    os.close(wake)
    os.close(stop)


def test_a_waiter_that_fails_does_not_leave_the_job_running(folder: Path) -> None:
    nap = jobs.nap()
    kept = running(folder, f"echo ready; exec sleep {nap}")

    def broken() -> bool:
        raise RuntimeError("the ledger is gone")

    with pytest.raises(RuntimeError, match="the ledger is gone"):
        keeping.wait(kept, wishes=broken, poll_s=0.01)

    assert eventually(lambda: jobs.alive(nap) == [])
    assert keeping.end(folder, grace_s=1.0).how == "cancelled"


def test_a_killed_keeper_is_lost_and_nothing_of_its_job_lives_on(folder: Path) -> None:
    sweeping.become_subreaper()
    nap = jobs.nap()
    kept = running(folder, f"(setsid sh -c \"trap '' TERM; sleep {nap}; :\" &); echo ready; sleep {nap}")
    eventually(lambda: len(jobs.alive(nap)) >= 3)

    kill_keeper(kept)
    ended = jobs.over(kept)

    assert ended.how == "lost"
    assert jobs.alive(nap) == []
    assert keeping.end(folder).how == "lost"


def test_a_sweep_spares_all_other_jobs(tmp_path: Path) -> None:
    mine, other = jobs.nap(), jobs.nap()
    first = running(tmp_path / "7" / "1", f"echo ready; sleep {mine}")
    second = running(tmp_path / "7" / "2", f"echo ready; sleep {other}")

    kill_keeper(first)
    ended = jobs.over(first)

    assert (ended.how, jobs.alive(mine), len(jobs.alive(other))) == ("lost", [], 1)
    assert jobs.over(second, wishes=lambda: True).how == "cancelled"


def test_what_a_killed_life_fenced_but_did_not_sweep_is_swept(folder: Path) -> None:
    nap = jobs.nap()
    kept = running(folder, f"echo ready; sleep {nap}")
    kill_keeper(kept)
    bury(kept)
    assert keeping.fence(folder)
    # Its shell may have come no farther than the word.
    eventually(lambda: jobs.alive(nap))

    ended = keeping.end(folder)

    assert (ended.how, jobs.alive(nap)) == ("lost", [])


def test_a_fence_keeps_a_late_starter_out(folder: Path) -> None:
    assert keeping.fence(folder)
    (folder / "command").write_text("\0".join(["/", "sh", "-c", f"echo ran > {folder}/ran"]))

    argv = [sys.executable, "-I", "-S", "-B", str(keeping.KEEPER), "1", str(folder), "timeout=9", "grace=1", "cap=99"]
    code = subprocess.run(argv, env=jobs.ENV, check=False).returncode

    assert code == 75
    assert not (folder / "ran").exists()
    assert Exit(how="lost") == keeping.read(folder)


def test_a_fence_yields_to_a_living_keeper_and_changes_no_result(folder: Path) -> None:
    kept = running(folder, f"echo ready; exec sleep {jobs.nap()}")

    yielded = keeping.fence(folder)
    ended = jobs.over(kept, wishes=lambda: True)

    assert not yielded
    assert keeping.fence(folder)
    assert ended == keeping.read(folder) == keeping.end(folder)


def test_the_kernel_names_the_keeper_that_lives_in_a_folder(folder: Path) -> None:
    assert keeping.holder(folder) is None
    kept = running(folder, f"echo $PPID; exec sleep {jobs.nap()}")

    pid = keeping.holder(folder)
    jobs.over(kept, wishes=lambda: True)

    assert int(jobs.said(folder).split()[0]) == pid
    assert keeping.holder(folder) is None


def test_the_end_of_a_job_that_ended_unwatched_is_told_truthfully(folder: Path) -> None:
    kept = jobs.begin(folder, "echo unwatched; exit 7")
    eventually(lambda: keeping.read(folder))
    bury(kept)

    ended = keeping.end(folder)

    assert (ended.how, ended.code) == ("exit", 7)


def test_a_job_that_never_got_a_folder_is_lost(folder: Path) -> None:
    assert Exit(how="lost") == keeping.end(folder)
    with pytest.raises(keeping.KeepingError):
        jobs.begin(folder, "echo late")


def test_a_keeper_that_was_stopped_by_its_job_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "CONTINUE_S", 0.1)

    ended = jobs.over(jobs.begin(folder, "kill -STOP $PPID; exit 4"))

    assert (ended.how, ended.code) == ("exit", 4)


def test_a_keeper_that_is_overdue_is_killed_and_its_job_with_it(folder: Path) -> None:
    nap = jobs.nap()
    kept = running(folder, f"echo ready; sleep {nap}")

    ended = jobs.over(dataclasses.replace(kept, overdue=clock.monotonic() - 1))

    assert (ended.how, jobs.alive(nap)) == ("lost", [])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"how": "exit", "leftovers": [], "survivors": [], "more": 1}'])
def test_a_result_that_no_keeper_wrote_is_lost(folder: Path, content: str) -> None:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(content)

    assert Exit(how="lost") == keeping.read(folder)


@pytest.mark.parametrize(
    "fault",
    [{"env": {"BIG": "x" * 200_000}}, {"env": {"NUL": "a\0b"}}, {"env": {"LONE": "\ud800"}}, {"shell": "sh 'open"}],
)
def test_what_cannot_be_started_is_said(folder: Path, fault: dict[str, Any]) -> None:
    with pytest.raises(keeping.KeepingError, match="cannot be started"):
        jobs.begin(folder, "true", **fault)

    assert keeping.holder(folder) is None


def test_only_the_owner_may_look_into_the_folder(folder: Path) -> None:
    jobs.over(jobs.begin(folder, "true"))

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {0} == {(folder / name).stat().st_mode & 0o077 for name in ("script.sh", "cookie", "log", "result.json")}


# A life of a server that is killed while its job runs.
LIFE = """
import sys, time
from pathlib import Path
from tests.run import jobs
folder = Path(sys.argv[1])
jobs.begin(folder, sys.argv[2], timeout_s=30, grace_s=1)
while "ready" not in jobs.said(folder):
    time.sleep(0.01)
print("ready", flush=True)
time.sleep(30)
"""


def test_a_job_survives_the_kill_of_its_server_and_the_next_life_ends_it(folder: Path) -> None:
    nap = jobs.nap()
    life = subprocess.Popen(
        [sys.executable, "-c", LIFE, str(folder), f"echo ready; setsid sleep {nap} & sleep {nap}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert life.stdout is not None
    assert life.stdout.readline() == "ready\n"
    life.kill()
    life.communicate()

    eventually(lambda: len(jobs.alive(nap)) == 2)
    keeper = keeping.holder(folder)
    ended = keeping.end(folder, grace_s=1.0)

    assert keeper is not None
    assert (ended.how, jobs.alive(nap)) == ("interrupted", [])
    assert json.loads((folder / "result.json").read_text())["how"] == "interrupted"


def test_a_sweep_spares_the_children_that_were_there_before(tmp_path: Path) -> None:
    """As of a shell that started something and then became the server."""
    nap = jobs.nap()
    (tmp_path / "server.py").write_text(
        textwrap.dedent("""
        import sys
        from pathlib import Path
        from ctci.run import keeping, sweeping
        sweeping.become_subreaper(lambda: ())
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True)
        (folder / "cookie").write_text("nobody's")
        print(keeping.end(folder).how)
        """)
    )
    shell = f"sleep {nap} > /dev/null 2>&1 & exec {sys.executable} {tmp_path}/server.py {tmp_path}/7/1"

    done = subprocess.run(
        ["sh", "-c", shell], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    left = jobs.alive(nap)
    for pid in left:
        os.kill(pid, signal.SIGKILL)

    assert (done.stdout.strip(), len(left)) == ("lost", 1)


def test_what_a_job_has_locked_is_opened_by_its_owner() -> None:
    script = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        from ctci.run import keeping
        folder = Path(sys.argv[1]) / "7" / "1"
        lock = f"chmod 000 {folder}/lock {folder}; echo up > {sys.argv[1]}/up; sleep 60"
        env = {"PATH": "/usr/bin:/bin"}
        kept = keeping.start(
            folder, script=lock, shell="sh", cwd=Path("/"), env=env, timeout_s=60, cap=1000, grace_s=1
        )
        while not Path(sys.argv[1], "up").exists():
            pass
        adopted = keeping.adopt(folder, timeout_s=60)
        adopted.cancel()
        print(keeping.wait(kept, wishes=lambda: False).how)
    """)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        python = "/usr/bin/python3" if os.getuid() == 0 and Path("/usr/bin/python3").exists() else sys.executable
        done = subprocess.run(
            [python, "-B", "-c", script, folder],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert (done.stdout.strip(), done.stderr) == ("cancelled", "")
