"""ctci as the first process of a container, by a PID namespace where the kernel allows one."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.serving import Served

NEW = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
HAVE = subprocess.run([*NEW, "true"], capture_output=True, check=False).returncode == 0


def children(pid: int) -> dict[int, str]:
    """The state of each child, by its number."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(each): Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[0] for each in listed}


@pytest.fixture
def contained(served: Served) -> Iterator[Served]:
    """A server in a PID namespace of its own; unshare itself ends by no TERM."""
    try:
        served.start(prefix=NEW)
        yield served
    finally:
        served.kill()


@pytest.mark.skipif(not HAVE, reason="no PID namespace is to be had here (unshare --pid)")
def test_the_first_process_buries_orphans_hands_signals_on_and_ends_as_the_server_does(contained: Served) -> None:
    (first,) = children(contained.pid)
    (server,) = children(first)
    # What is called in a container from outside leaves its orphans to the first process.
    enter = ["nsenter", f"--target={first}", "--pid", "--mount", "sh", "-c", "sh -c 'exit 3' & exec true"]
    subprocess.run(enter, check=True)

    eventually(lambda: {*children(first)} == {server})
    healthy = contained.ctci("doctor", "--health")
    os.kill(first, signal.SIGTERM)

    assert (contained.wait(), healthy.stdout) == (0, "")
    away = contained.ctci("doctor", "--health", check=False)
    assert (away.returncode, "does not answer" in away.stderr) == (3, True)
