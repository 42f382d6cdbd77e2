"""What a supervisor hears of a server, on a real socket such as systemd's."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import clock, notify
from ctci.service import Service
from tests import pushing
from tests.serving import Served
from tests.test_service import service  # noqa: F401 - a fixture
from tests.upstream import Upstream


class Listening:
    """A supervisor's socket."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.socket.settimeout(40)

    def hear(self) -> dict[str, str]:
        """The next message, waited for."""
        lines = self.socket.recv(4096).decode().splitlines()
        return dict(line.partition("=")[::2] for line in lines)

    def hear_of(self, name: str) -> dict[str, str]:
        """The next message with this in it."""
        while name not in (said := self.hear()):
            continue
        return said


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    made = Listening(tmp_path)
    yield made
    made.socket.close()


def test_a_supervisor_hears_of_a_servers_whole_life_and_a_recipe_of_no_supervisor(
    served: Served, upstream: Upstream, listening: Listening
) -> None:
    served.configure(
        (served.config / "projects.toml")
        .read_text()
        .replace('timeout = "60s"', 'env-pass = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS"]')
    )
    starting = threading.Thread(
        target=served.start,
        kwargs={"NOTIFY_SOCKET": listening.address, "WATCHDOG_USEC": "600000", "LISTEN_FDS": "1"},
    )

    starting.start()
    first = listening.hear()
    answered = served.get("healthz")[0]
    starting.join()
    alive = listening.hear_of("WATCHDOG")
    pushing.ended(served, pushing.push(served, upstream, "env", delivery="one"))
    passed = {line.partition("=")[0] for line in served.log(1).splitlines()}
    os.kill(served.pid, signal.SIGHUP)
    reloading = listening.hear_of("RELOADING")
    again = listening.hear_of("READY")
    served.stop()
    last = listening.hear_of("STOPPING")

    assert (first["READY"], answered) == ("1", 200)
    assert first["STATUS"] == f"serving {served.url}, 0 of 2 slots busy"
    assert alive["STATUS"].startswith("serving ")
    assert ("CTCI_SHA" in passed, passed & {*notify.OURS}) == (True, set())
    assert 0 < int(reloading["MONOTONIC_USEC"]) <= clock.monotonic() * 1_000_000
    assert again["STATUS"].startswith("serving ")
    assert last == {"STOPPING": "1", "STATUS": "stopping"}


def waits(event: threading.Event) -> None:
    event.wait(20)


def test_a_server_with_a_loop_that_ended_gives_no_sign_of_life(service: Service, listening: Listening) -> None:  # noqa: F811 - the fixture
    supervisor = notify.Supervisor(listening.address, 0.02)
    ended = threading.Event()
    service.begin("courier", waits)
    service.begin("spool", lambda _: waits(ended))
    service.begin("watchdog", lambda stop: service.vouch(supervisor, stop))

    alive = listening.hear()
    ended.set()
    # Some signs of life may have been on their way.
    heard = [listening.hear() for _ in range(60)]
    service.stop.set()

    assert alive["WATCHDOG"] == "1"
    assert heard[-10:] == [{"STATUS": "the spool loop has ended"}] * 10


def test_an_abstract_socket_is_told_too() -> None:
    name = f"ctci-{clock.new_key()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract:
        abstract.bind(f"\0{name}")
        abstract.settimeout(10)

        notify.taken({"NOTIFY_SOCKET": f"@{name}"}).ready("two\nlines")

        assert abstract.recv(100) == b"READY=1\nSTATUS=two lines"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_a_watchdog_is_minded_where_it_is_ours(environ: dict[str, str], expected: float | None) -> None:
    given = {**environ, "NOTIFY_SOCKET": "/run/notify", "LISTEN_FDS": "1", "PATH": "/bin"}

    supervisor = notify.taken(given)

    assert supervisor.watchdog_s == expected
    assert given == {"PATH": "/bin"}


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
def test_a_supervisor_that_cannot_be_told_is_none(address: str) -> None:
    assert not notify.taken({"NOTIFY_SOCKET": address}).listens


def test_a_supervisor_that_has_gone_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = notify.Supervisor(str(tmp_path / "gone"))

    supervisor.ready("serving")
    supervisor.alive("serving")

    assert [each.levelname for each in caplog.records] == ["WARNING"]
