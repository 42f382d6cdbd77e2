"""A real ctci server as a process of its own, with its folders: started, stopped, killed, asked."""

import email
import email.message
import email.policy
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ctci import demo, layout, ledger
from tests.eventually import eventually


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder in memory where there is such a place: thousands of durable commits would measure the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


class Served:
    """One data folder and the server on it."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config"
        self.config.mkdir(parents=True)
        self.place = layout.at(folder / "data")
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._opened: ledger.Ledger | None = None
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CTCI_", "GIT_"))},
            "HOME": str(folder),
            "PYTHONWARNINGS": "error",
        }
        self.port = demo.free_port()
        self._listen = f"127.0.0.1:{self.port}"
        self.url = f"http://127.0.0.1:{self.port}/"

    @classmethod
    @contextmanager
    def running(cls, projects: str, secret: bytes) -> "Iterator[Served]":
        """One with its folders in memory, that runs; `{folder}` in `projects` is where, `secret` is beside them."""
        with in_memory() as folder:
            server = cls(folder / "ci")
            server.configure(projects.replace("{folder}", str(folder)))
            server.keep("secret", secret)
            server.start()
            yield server
            server.stop()

    def configure(self, projects: str) -> None:
        (self.config / "projects.toml").write_text(textwrap.dedent(projects))

    def keep(self, name: str, secret: bytes) -> None:
        """Put a secret beside the configuration, as it asks for one."""
        (self.config / name).write_bytes(secret)
        (self.config / name).chmod(0o600)

    def start(self, *options: str, prefix: Sequence[str] = (), **environ: str) -> None:
        """Start, as what `prefix` makes of a command, and wait until it answers."""
        command = [*prefix, *self._command(), "serve", "--listen", self._listen, *options]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                env={**self._environ, "CTCI_MAX_JOBS": "2", "CTCI_DISK_FLOOR": "0", **environ},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        process = self._process
        eventually(lambda: process.poll() is not None or self.get("healthz")[0] == 200, 20)
        assert process.poll() is None, self.said()

    def stop(self) -> None:
        """End it in order, and what still runs of its jobs."""
        if self._process is not None and self._process.poll() is None:
            for run in ledger.runs_(self.db):
                if run.finished_at is None:
                    ledger.ask_cancel(self.db, by="test", reason="the test is over", run=run.id)
            eventually(lambda: ledger.counts(self.db)["running"] == 0, 20)
            self._process.terminate()
            self._process.wait(20)
        self._close()

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._close()

    def wait(self) -> int:
        """The exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(20)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def db(self) -> ledger.Ledger:
        if self._opened is None:
            self._opened = ledger.connect(self.place.ledger)
        return self._opened

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def get(self, path: str) -> tuple[int, Any]:
        """(status, body): JSON where it is JSON, else text."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                status, kind, text = answer.status, answer.headers.get("content-type", ""), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, kind, text = error.code, error.headers.get("content-type", ""), error.read()
        return status, json.loads(text) if "json" in kind else text.decode()

    def log(self, run: int) -> str:
        """The log of the run's first job, newest attempt."""
        job = ledger.jobs_of(self.db, [run])[run][0]
        return self.place.log(job.id, job.attempt).read_text(errors="replace")

    def letters(self) -> list[str]:
        """The subjects of the letters that went out."""
        return [str(each["Subject"]) for each in self._messages()]

    def texts(self) -> list[str]:
        """What the letters say, each in one line."""
        bodies = [each.get_body(("plain",)) for each in self._messages()]
        return [" ".join(body.get_content().split()) for body in bodies if body is not None]

    def _messages(self) -> list[email.message.EmailMessage]:
        read = email.message_from_bytes
        return [read(path.read_bytes(), policy=email.policy.default) for path in sorted(self.place.mail.glob("*.eml"))]

    def ctci(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the CLI on this data folder."""
        done = subprocess.run(
            [*self._command(), *arguments], env=self._environ, capture_output=True, text=True, check=False, timeout=60
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "ctci"),
            *("--config", str(self.config), "--data-dir", str(self.place.data)),
        ]
