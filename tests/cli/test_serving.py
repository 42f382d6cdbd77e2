import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ctci.cli import serving, session
from tests.cli.calling import Caller
from tests.cli.calling import serving as held
from tests.eventually import eventually

#: Holds the lock as a server does, says which signals came, and ends at TERM.
SERVER = """
import fcntl, os, signal, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(file, fcntl.LOCK_EX)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})
os.pwrite(file, f"{os.getpid()}\\n".encode(), 0)
while True:
    came = signal.sigwait({signal.SIGHUP, signal.SIGTERM})
    print(came.name, flush=True)
    if came == signal.SIGTERM:
        break
"""


@pytest.fixture
def server(ctci: Caller) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(ctci.place.lock)], stdout=subprocess.PIPE, text=True)
    eventually(lambda: session.holder(ctci.place) == process.pid)
    yield process
    process.kill()
    process.communicate(timeout=10)


def test_stop_ends_the_server_and_waits_for_it(ctci: Caller, server: "subprocess.Popen[str]") -> None:
    said = ctci("stop")

    assert (said.code, said.err) == (0, f"the server (pid {server.pid}) has stopped\n")
    assert session.holder(ctci.place) is None
    assert server.communicate(timeout=10)[0] == "SIGTERM\n"


def test_reload_hangs_the_server_up(ctci: Caller, server: "subprocess.Popen[str]") -> None:
    said = ctci("reload")

    assert said.code == 0
    assert f"pid {server.pid}" in said.err
    assert server.stdout is not None
    assert server.stdout.readline() == "SIGHUP\n"


def test_a_reload_of_a_broken_configuration_says_that_nothing_changes_and_exits_2(
    ctci: Caller, server: "subprocess.Popen[str]"
) -> None:
    assert server.pid
    ctci.configure("[projects.shop\n")

    said = ctci("reload")

    assert said.code == 2
    assert "keeps the configuration it has" in said.err


@pytest.mark.parametrize("verb", ["stop", "reload"])
def test_without_a_server_there_is_nothing_to_signal(ctci: Caller, verb: str) -> None:
    never = ctci(verb)
    ctci.place.lock.write_text("1\n")
    left_behind = ctci(verb)

    assert (never.code, left_behind.code) == (3, 3)
    assert f"no server is running on {ctci.place.data}" in left_behind.err


def test_a_server_that_does_not_stop_is_told_of(ctci: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "STOP_S", 0.3)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)

    with held(ctci.place):
        said = ctci("stop")

    signal.signal(signal.SIGTERM, before)
    assert (said.code, "has not stopped" in said.err) == (1, True)


def test_the_holder_is_known_by_the_lock_and_not_by_the_file(ctci: Caller) -> None:
    with held(ctci.place):
        while_held = session.holder(ctci.place)

    assert (while_held, session.holder(ctci.place)) == (os.getpid(), None)


def test_serve_with_a_broken_configuration_exits_2_with_its_errors(ctci: Caller) -> None:
    ctci.configure("[projects.shop\n")

    done = ctci.process("serve")

    assert done.returncode == 2
    assert b"error[C001]" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_json_log_is_one_object_per_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)

    serving.log("json")
    logging.getLogger("ctci.x").warning("two\nlines of %s", "text")
    try:
        raise ValueError("a fault")
    except ValueError:
        logging.getLogger("ctci.x").exception("failed")

    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("warning", "ctci.x", "two\nlines of text")
    assert "ValueError: a fault" in second["exception"]
