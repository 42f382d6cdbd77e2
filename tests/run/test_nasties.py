"""What recipes do to log, disk and pipe, at full size; what is smaller is in test_keeper.py and test_trees.py.

The disks are real ones of 32 MiB, in a mount namespace of their own.
"""

import array
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.run import jobs, observing

ROOT = Path(__file__).parents[2]
GIB, MIB = 1 << 30, 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "7" / "1"


# --- the log


def test_a_line_of_1_gib_keeps_head_and_tail_and_costs_the_keeper_no_memory(folder: Path, tmp_path: Path) -> None:
    script = (
        f"printf begin; head -c {GIB} /dev/zero; printf end; code=$?\n"
        f"grep VmHWM /proc/$PPID/status > {tmp_path}/peak; exit $((code + 6))"
    )

    ended = jobs.over(jobs.begin(folder, script, cap=64 * MIB))

    dropped = len("begin") + GIB + len("end") - 64 * MIB
    mark = b"\n[ctci] %d bytes left out here\n" % dropped
    assert ("exit", 6, dropped) == (ended.how, ended.code, ended.log_dropped)
    assert 64 * MIB + len(mark) == ended.log_bytes == (folder / "log").stat().st_size
    with (folder / "log").open("rb") as log:
        assert log.read(8) == b"begin\0\0\0"
        log.seek(32 * MIB)
        assert mark == log.read(len(mark))
        log.seek(-5, os.SEEK_END)
        assert log.read() == b"\0\0end"
    # Loose, for the disk is the machine's: a reader by lines would need a minute.
    assert ended.seconds < 30
    assert int((tmp_path / "peak").read_text().split()[1]) < 40_000


def test_who_reads_no_further_ends_the_writer_without_a_word(folder: Path) -> None:
    ended = jobs.over(jobs.begin(folder, "yes | head -1; exit 3"))

    # With SIGPIPE ignored, as servers have it, `yes` would live on or complain.
    assert (ended.how, ended.code, jobs.said(folder)) == ("exit", 3, "y\n")
    assert ended.leftovers == ()


def test_a_pipe_handed_to_a_stranger_does_not_delay_the_end(folder: Path, tmp_path: Path) -> None:
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stranger.settimeout(20)
    stranger.bind(str(tmp_path / "stranger"))
    stranger.listen()
    leak = (
        "import array, socket; to = socket.socket(socket.AF_UNIX); to.connect('stranger'); "
        "to.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [1]))]); to.recv(1)"
    )
    kept = jobs.begin(folder, f'"{sys.executable}" -I -S -c "{leak}"; exit 4', cwd=tmp_path)
    friend, _ = stranger.accept()
    _, ancillary, _, _ = friend.recvmsg(1, socket.CMSG_SPACE(array.array("i").itemsize))
    (pipe,) = array.array("i", ancillary[0][2][:4])
    os.write(pipe, b"from a stranger\n")
    friend.send(b"x")

    ended = jobs.over(kept)
    # The pipe's other end is closed by now; ours was open all the time.
    with pytest.raises(BrokenPipeError):
        os.write(pipe, b"late")
    os.close(pipe)
    friend.close()
    stranger.close()

    assert (ended.how, ended.code, ended.leftovers) == ("exit", 4, ())
    assert jobs.said(folder) == "from a stranger\n"
    assert ended.seconds < 5


# --- the disk

#: Runs a job whose folder lies on a small disk; prints its Exit and the log. May cancel it when the disk is full.
ON_A_SMALL_DISK = """
import dataclasses, json, os, subprocess, sys
from pathlib import Path
from tests.run import jobs

disk, options, script, then = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]

def full():
    room = os.statvfs(disk)
    return room.f_bfree == 0 or room.f_ffree == 0

subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk], check=True)
folder = disk / "7" / "1"
kept = jobs.begin(folder, script, cwd=disk, grace_s=1, cap=4_000_000)
ended = jobs.over(kept, wishes=lambda: then == "cancel" and full())
print(json.dumps({**dataclasses.asdict(ended), "log": (folder / "log").read_text(), "full": full()}))
"""


def on_a_small_disk(place: Path, script: str, *, options: str = "size=32m", then: str = "") -> dict[str, Any]:
    """The Exit of a job with a disk of its own; `then` is what to do when it is full: nothing or `cancel`."""
    argv = [*unshare(), sys.executable, "-c", ON_A_SMALL_DISK, str(place), options, script, then]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def unshare() -> list[str]:
    """A mount namespace; as an ordinary user in a user namespace."""
    return ["unshare", "--mount", *([] if observing.WE_ARE_ROOT else ["--user", "--map-root-user"])]


@functools.cache
def may_mount() -> bool:
    with tempfile.TemporaryDirectory() as place:
        argv = [*unshare(), "mount", "-t", "tmpfs", "none", place]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    if not may_mount():
        pytest.skip("no mount namespace to be had")
    return tmp_path


FILL = "head -c 1000000 /dev/zero; cat /dev/zero > fill 2> /dev/null || true\n"


def test_a_job_that_fills_its_disk_has_its_own_code_in_the_verdict(disk: Path) -> None:
    ended = on_a_small_disk(disk, f"{FILL}head -c 300000 /dev/zero; exit 5")

    assert (ended["how"], ended["code"], ended["full"]) == ("exit", 5, True)
    # The last page of the log may have had some room.
    assert 290_000 < ended["log_dropped"] <= 300_200
    assert ended["log"].startswith("\0" * 1_000_000)
    assert len(ended["log"]) == ended["log_bytes"]


@pytest.mark.parametrize(
    ("options", "fill"),
    [
        ("size=32m", FILL),
        ("size=32m,nr_inodes=60", "i=0; while (: > file-$i) 2> /dev/null; do i=$((i + 1)); done"),
    ],
    ids=["bytes", "inodes"],
)
def test_a_job_that_fills_its_disk_can_be_cancelled(disk: Path, options: str, fill: str) -> None:
    ended = on_a_small_disk(disk, f"{fill}\nsleep {jobs.nap()}", options=options, then="cancel")

    assert (ended["how"], ended["signal"]) == ("cancelled", 15)


# --- an ordinary user, whom modes concern

#: Runs a job and then removes what it made; prints its Exit, its log and what is left.
AS_A_USER = """
import dataclasses, json, sys
from pathlib import Path
from ctci.run import keeping, trees

place, script = Path(sys.argv[1]), sys.argv[2]
folder = place / "7" / "1"
kept = keeping.start(
    folder, script=script, shell="sh -e", cwd=place, env={"PATH": sys.argv[3]}, timeout_s=30, cap=1 << 20
)
ended = keeping.wait(kept, wishes=lambda: False, poll_s=0.02)
tree = place / "tree"
there = tree.exists()
print(json.dumps({
    **dataclasses.asdict(ended),
    "log": (folder / "log").read_text(),
    "there": there,
    "removed": trees.remove(tree, place / "trash"),
    "left": sorted(each.name for each in place.iterdir()),
}))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of an ordinary user, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="ctci-nasties-") as place:
        Path(place).chmod(0o755)
        mine = Path(place, "mine")
        mine.mkdir()
        if observing.WE_ARE_ROOT:
            os.chown(mine, observing.NOBODY, observing.NOBODY)
        yield mine


def as_a_user(home: Path, script: str) -> dict[str, Any]:
    library = observing.library(home.parent)
    python = observing.ordinary_python(library)
    if not python:
        pytest.skip("no Python of 3.11 or later that an ordinary user can start")
    done = subprocess.run(
        [python, "-B", "-c", AS_A_USER, str(home), script, observing.PATH],
        env={"PYTHONPATH": str(library)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **observing.as_user(observing.NOBODY if observing.WE_ARE_ROOT else None),
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    "lock",
    [
        "find tree -depth -exec chmod 000 {} +",
        "chmod -R a-w tree",
        "chmod 000 tree/a/b/file; chmod 111 tree/a/b; chmod 444 tree/a; chmod 555 tree",
    ],
)
def test_a_tree_that_a_job_has_locked_is_removed(home: Path, lock: str) -> None:
    made = as_a_user(home, f"mkdir -p tree/a/b tree/c; echo x > tree/a/b/file; echo x > tree/file\n{lock}")

    assert (made["how"], made["code"]) == ("exit", 0)
    assert (made["there"], made["removed"], made["left"]) == (True, True, ["7"])


def test_an_ordinary_user_may_write_to_dev_stdout_and_takes_nothing_from_the_log(home: Path) -> None:
    script = "echo one; echo two > /dev/stdout; echo three | tee /dev/stderr > /dev/null; echo four >> /dev/stdout"

    assert as_a_user(home, script)["log"] == "one\ntwo\nthree\nfour\n"
