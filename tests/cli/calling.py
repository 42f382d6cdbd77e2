"""Calls the command line: in this process where that is enough, else as a process of its own, or on a terminal."""

import fcntl
import json
import os
import pty
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ctci import layout, ledger
from ctci.cli import root
from ctci.model import Status
from tests import make


@dataclass(frozen=True)
class Said:
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Caller:
    """One configuration and data folder."""

    def __init__(self, folder: Path, place: layout.Layout, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.config.mkdir()
        self.place = place
        self._capsys = capsys

    def configure(self, projects: str) -> None:
        (self.config / "projects.toml").write_text(textwrap.dedent(projects))

    def __call__(self, *arguments: str) -> Said:
        """In this process."""
        self._capsys.readouterr()
        code = root.call(["--data-dir", str(self.place.data), *arguments])
        said = self._capsys.readouterr()
        return Said(code, said.out, said.err)

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        """As a process of its own."""
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environ(), **options)

    def process(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
        """As a process of its own, to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
        )

    def on_terminal(
        self,
        *arguments: str,
        columns: int = 80,
        when: str = "",
        then: Callable[[], object] | None = None,
        **environ: str,
    ) -> str:
        """What a person sees on a terminal of that width; at the sight of `when`, `then` is called once."""
        main, side = pty.openpty()
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environ(COLUMNS=str(columns), TERM="xterm", **environ),
            stdin=side,
            stdout=side,
            stderr=side,
        )
        os.close(side)
        seen = bytearray()
        # The end of a terminal is an error on Linux.
        try:
            while piece := os.read(main, 65536):
                seen += piece
                if then is not None and when.encode() in seen:
                    then()
                    then = None
        except OSError:
            pass
        os.close(main)
        process.wait(20)
        return seen.decode().replace("\r\n", "\n")

    def command(self, *arguments: str) -> list[str]:
        return self.module("--data-dir", str(self.place.data), *arguments)

    @staticmethod
    def module(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "ctci", *arguments]

    @staticmethod
    def isolated() -> dict[str, str]:
        """An environment in which git reads nobody's own configuration."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CTCI_", "GIT_"))}
        return {**kept, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}

    def environ(self, **more: str) -> dict[str, str]:
        return {**self.around(), **more}

    @classmethod
    def around(cls) -> dict[str, str]:
        """The environment of a call: warnings are errors, and this ctci is the one that is called."""
        return {**cls.isolated(), "PYTHONWARNINGS": "error", "PYTHONPATH": str(Path(root.__file__).parents[2])}


@contextmanager
def serving(place: layout.Layout) -> Iterator[None]:
    """The data folder is held as a server holds it."""
    file = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    try:
        yield
    finally:
        os.close(file)


@contextmanager
def worked(
    db: ledger.Ledger, host: int, status: Status, *, log: Callable[[int], object] = lambda _: None
) -> Iterator[None]:
    """Somebody prepares each run and settles its jobs as `status` while the block lasts; `log` writes a job's log."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            for run in ledger.unprepared(db):
                make.prepare(db, run.id)
            claimed = ledger.claim(db, host=host, slot=1, boot_id="boot")
            if claimed is None:
                continue
            job, _ = claimed
            ledger.begin(db, job=job.id, attempt=job.attempt, host=host)
            log(job.id)
            ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=status, reason=None, exit=make.exit_())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def write_log(place: layout.Layout, job: int, content: bytes, attempt: int = 1) -> Path:
    """What a keeper would have written."""
    path = place.log(job, attempt)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
