"""Fixtures, and what is done once before all tests."""

import compileall
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import clock, layout, ledger
from tests import blank
from tests.pushing import SECRET
from tests.serving import Served
from tests.upstream import Upstream

#: Files that take long for how few tests they have. Begun first, so that at the end no worker waits for them.
LONGEST = ("test_unasked", "test_road", "test_kills", "test_restoring", "test_many_jobs", "test_torture")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def pytest_configure(config: pytest.Config) -> None:
    """Compile ctci once: where Python may write no bytecode, each server and command of a test would do it anew."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(layout.__file__).parent, quiet=2)


class StoppedClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.at = 1_795_516_200_000
        self.slept: list[float] = []

    def move(self, seconds: float) -> None:
        self.at += int(seconds * 1000)

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        self.slept.append(timeout_s)
        self.move(timeout_s)
        return event.is_set()


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    """now() and wait() by hand; monotonic() goes on."""
    stopped = StoppedClock()
    monkeypatch.setattr(clock, "now", lambda: stopped.at)
    monkeypatch.setattr(clock, "wait", stopped.wait)
    return stopped


@pytest.fixture
def place(tmp_path: Path) -> layout.Layout:
    """A data folder with its rooms."""
    made = layout.at(tmp_path / "data")
    for folder in (made.data, made.slots, made.jobs, made.mail, made.trash, made.mirrors):
        folder.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
def db(place: layout.Layout) -> Iterator[ledger.Ledger]:
    """A real ledger in a file."""
    opened = blank.opened(place.ledger)
    yield opened
    opened.close()


@pytest.fixture
def host(db: ledger.Ledger) -> int:
    """This data folder among the hosts."""
    return ledger.host(db, "h1")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


@pytest.fixture
def served(tmp_path: Path, upstream: Upstream) -> Iterator[Served]:
    """A server on a project `shop` with one recipe `test` = `sh test.sh`, not started yet."""
    server = Served(tmp_path / "ci")
    server.configure(
        f"""
        [notify.team]
        email = ["team@example.org"]

        [projects.shop]
        git = "{upstream.path}"
        forge = "gitea"
        webhook-secret = {{ file = "secret" }}
        notify = ["team"]
        recipes.test = {{ run = "sh test.sh", timeout = "60s" }}
        """
    )
    server.keep("secret", SECRET)
    yield server
    server.stop()
